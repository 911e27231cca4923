"""Whose a new action is that was reported without a partner: by its click id, promo code, customer …

Operators keep the rules. The keys of a report are tried in the order of `AttributionRule.Key`; the first one that a
rule knows decides, and what kind it was becomes the action's `ReferringType`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

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
Rule = tuple[int | None, date | None, date | None, int]  # Program, first day, last day, partner.


def attributed(reports: Sequence[Report]) -> list[Report]:
    """The reports, new ones without a partner with the one that a rule finds; one query, none if nothing is to find."""
    asked = {id(report): _key_values(report) for report in reports if _wants_a_partner(report)}
    rules = _load({each for key_values in asked.values() for each in key_values})
    if not rules:
        return list(reports)
    return [_attributed(report, asked.get(id(report), []), rules) for report in reports]


def _wants_a_partner(report: Report) -> bool:
    return report.kind == ActionEvent.Kind.CREATED and report.partner_id is None


def _key_values(report: Report) -> list[KeyValue]:
    """What the report can be recognised by, the strongest first."""
    found = ((key, report.parameters.get(field, "")) for key, field in ATTRIBUTION_FIELDS.items())
    return [(key, value) for key, text in found if (value := comparable(key, text))]


def _load(wanted: set[KeyValue]) -> dict[KeyValue, list[Rule]]:
    if not wanted:
        return {}
    pairs = sorted(wanted)
    rules: dict[KeyValue, list[Rule]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(RULES, [[key for key, _ in pairs], [value for _, value in pairs]])
        for key, value, *rule in cursor.fetchall():
            rules[key, value].append((rule[0], rule[1], rule[2], rule[3]))
    return rules


def _attributed(report: Report, key_values: Sequence[KeyValue], rules: Mapping[KeyValue, Sequence[Rule]]) -> Report:
    if report.event_date is None:
        return report
    day = report.event_date.date()
    for key, value in key_values:
        for program, start, end, partner in rules.get((key, value), ()):
            if program in (None, report.campaign_id) and (start or day) <= day <= (end or day):
                # A reported type stands: the sender knows more than that somebody was found.
                parameters = {"ReferringType": REFERRING_TYPES[key], **report.parameters}
                return replace(report, partner_id=partner, parameters=parameters)
    return report
