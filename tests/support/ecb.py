"""Documents in the format of the European Central Bank, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

DAILY_URL = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"
HISTORY_URL = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist-90d.xml"
BEGIN = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
	<gesmes:subject>Reference rates</gesmes:subject>
	<gesmes:Sender>
		<gesmes:name>European Central Bank</gesmes:name>
	</gesmes:Sender>
	<Cube>
"""
END = "\t</Cube>\n</gesmes:Envelope>"


def document(*days: tuple[date, Mapping[str, str]]) -> str:
    """As it is published, with these rates for each day."""
    return BEGIN + "".join(day_of(str(day), rates) for day, rates in days) + END


def day_of(day: str, rates: Mapping[str, str]) -> str:
    lines = "".join(f"\t\t\t<Cube currency='{code}' rate='{rate}'/>\n" for code, rate in rates.items())
    return f"\t\t<Cube time='{day}'>\n{lines}\t\t</Cube>\n"
