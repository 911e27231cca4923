"""What is legal in a postback of the file but unlikely to be meant: the same as its form and its preview say."""

from __future__ import annotations

from postbacks.config_file.entries import Entry
from postbacks.config_file.problems import Problem
from postbacks.models import Postback
from postbacks.request.building import sample_warnings
from postbacks.validation import asking_warnings, body_field, request_template


def request_warnings(entry: Entry, postback: Postback) -> list[Problem]:
    """The warnings of a postback that can be saved, with their places in the file."""
    hidden = frozenset(postback.action_tracker.hidden_parameters)
    found = sample_warnings(request_template(postback), hidden)
    of_asking = [
        Problem(entry.place_naming(name), text) for name, texts in asking_warnings(postback).items() for text in texts
    ]
    return of_asking + [
        Problem(entry.place_naming(body_field(postback) if each.field == "body" else each.field), each.message)
        for each in found
    ]
