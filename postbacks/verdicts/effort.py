"""What a rule may take to judge one answer. An operator writes the rule and a stranger the answer, and the two together
can be made to take minutes and gigabytes; all the while the worker would send nothing."""

from __future__ import annotations


class TooMuchEffortError(Exception):
    """A rule was given up before it had judged an answer."""
