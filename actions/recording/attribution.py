"""Whose a new action is that was reported without a partner: by its click id, promo code, customer …

Operators keep the rules. The keys of a report are tried in the order of `AttributionRule.Key`; the first one that a
rule knows decides, and what kind it was becomes the action's `ReferringType`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from django.db import connection

from actions.models import ActionEvent
from actions.reports.known_names import ATTRIBUTION_FIELDS
from actions.reports.report import Report
from partners.models import AttributionRule
from partners.models.attribution import comparable

REFERRING_TYPES: Final[Mapping[str, str]] = {
    AttributionRule.Key.CLICK_ID: "CLICK_COOKIE",
    AttributionRule.Key.CUSTOM_CLICK_ID: "CLICK_COOKIE",
    AttributionRule.Key.PROMO_CODE: "PROMOCODE",
    AttributionRule.Key.UNIQUE_URL: "CLICK_COOKIE",
    AttributionRule.Key.CALLER_ID: "CALL",
    AttributionRule.Key.CUSTOMER_ID: "ACTION",
    AttributionRule.Key.CUSTOM_PROFILE_ID: "ACTION",
    AttributionRule.Key.GOOGLE_AD_ID: "CLICK_FINGERPRINT",
    AttributionRule.Key.ANDROID_ID: "CLICK_FINGERPRINT",
    AttributionRule.Key.APPLE_IFA: "CLICK_FINGERPRINT",
    AttributionRule.Key.APPLE_IFV: "CLICK_FINGERPRINT",
}

# Through the constraint's index, value by value. Of several that hold, the one for the program comes first, then the
# one that began last.
RULES = """
SELECT r.key, r.value, r.program_id, r.start, r."end", r.partner_id
FROM unnest(%s::text[], %s::text[]) AS asked (key, value)
JOIN partners_attributionrule r ON r.key = asked.key AND r.value = asked.value
ORDER BY r.program_id NULLS LAST, r.start DESC NULLS LAST, r.id DESC
"""

KeyValue = tuple[str, str]


class Rule(NamedTuple):
    """A rule, without what it knows partners by."""

    program_id: int | None  # None is any.
    start: date | None
    end: date | None
    partner_id: int

    def holds(self, program_id: int | None, day: date) -> bool:
        """Whether it is for actions of this program on this day."""
        return self.program_id in (None, program_id) and (self.start or day) <= day <= (self.end or day)


def attributed(reports: Sequence[Report]) -> list[Report]:
    """The reports, new ones without a partner with the one that a rule finds; one query, none if nothing is to find."""
    asked = {id(report): key_values(report.parameters) for report in reports if _wants_a_partner(report)}
    rules = load_rules({each for pairs in asked.values() for each in pairs})
    if not rules:
        return list(reports)
    return [_attributed(report, asked.get(id(report), []), rules) for report in reports]


def _wants_a_partner(report: Report) -> bool:
    return report.kind == ActionEvent.Kind.CREATED and report.partner_id is None


def key_values(parameters: Mapping[str, str]) -> list[KeyValue]:
    """What a report with these parameters can be recognised by, the strongest first."""
    found = ((key, parameters.get(field, "")) for key, field in ATTRIBUTION_FIELDS.items())
    return [(key, value) for key, text in found if (value := comparable(key, text))]


def load_rules(wanted: set[KeyValue]) -> dict[KeyValue, list[Rule]]:
    """The rules that know partners by these, each list in the order in which they are tried."""
    if not wanted:
        return {}
    pairs = sorted(wanted)
    rules: dict[KeyValue, list[Rule]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(RULES, [[key for key, _ in pairs], [value for _, value in pairs]])
        for key, value, *rule in cursor.fetchall():
            rules[key, value].append(Rule(*rule))
    return rules


def _attributed(report: Report, pairs: Sequence[KeyValue], rules: Mapping[KeyValue, Sequence[Rule]]) -> Report:
    if report.event_date is None:
        return report
    day = report.event_date.date()
    for key, value in pairs:
        for rule in rules.get((key, value), ()):
            if rule.holds(report.campaign_id, day):
                # A reported type stands: the sender knows more than that somebody was found.
                parameters = {"ReferringType": REFERRING_TYPES[key], **report.parameters}
                return report._replace(partner_id=rule.partner_id, parameters=parameters)
    return report
