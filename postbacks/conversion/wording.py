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
OWN_CLICK: Final = (
    "{network} is the partner's here: its id of the click comes in your link. If {network} was yours, write "
    "{RefClickId}."
)
"""Said of the id that a tracker gives to a click itself."""

EXTERNAL_CLICK: Final = (
    "{network} was yours here, and the partner the traffic source. In a partner's own {network} it is the id of the "
    "source behind the partner, which does not come here."
)
"""Said of the id that a tracker got from its traffic source."""

NAME_HERE: Final = "The name here is written. Give it the same name, or translate it with map."
CODE_HERE: Final = "The in-app event's code here is written. Give it the same code, or translate it with map."
TIME_OF_CLICK: Final = (
    'The time of the click is not kept. The conversion\'s is {date(EventDate, "%Y-%m-%d %H:%M:%S", "UTC")}.'
)
NO_ZONE: Final = "The page does not name a time zone; UTC is written. Another is the last argument of date."
GOOGLE_ID: Final = (
    "Google's advertising id finds the partner, but is not a parameter of templates. Have the app report it as one of "
    "Text1 to Text50, and write that, for example {Text1}."
)
