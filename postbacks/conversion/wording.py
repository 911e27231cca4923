"""Sentences that several tables say."""

from typing import Final

OTHER_IDS: Final = (
    "It is the id here. It is that of {network} if you bring it in under its old number, as load_config can; otherwise "
    'translate it for receivers that know the old one: {{map({bare}, "1000", "old id")}}.'
)
"""Said of each id that may have been given out anew here."""

NO_FURTHER_FIELD: Final = (
    "A link's own fields have three places here, SubId1 to SubId3. Have the value reported as one of Text1 to Text50, "
    "and write that, for example {Text1}."
)
CLICK_VALUE: Final = (
    "Values of the click are not kept, except those that the shop reports. Have it reported as one of Text1 to Text50, "
    "or leave the parameter out."
)
OF_THE_TRACKER: Final = "Only {network} knows it. Leave the parameter out, or write the text that the receiver expects."
TIME_OF_CLICK: Final = (
    'The time of the click is not kept. The conversion\'s is {date(EventDate, "%Y-%m-%d %H:%M:%S", "UTC")}.'
)
NO_ZONE: Final = "The page does not name a time zone; UTC is written. Another is the last argument of date."
GOOGLE_ID: Final = (
    "Google's advertising id finds the partner, but is not a parameter of templates. Have the app report it as one of "
    "Text1 to Text50, and write that, for example {Text1}."
)
