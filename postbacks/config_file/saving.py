"""Writes entries as rows, checked by the rules of the models, so that a file, and a postback that comes alone, are held
to exactly the rules of the forms."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model

from partners.models import ActionTracker
from postbacks.config_file.changes import Change, LoadResult, differences, new_key_notes, subject, written_values
from postbacks.config_file.entries import Entry
from postbacks.config_file.identity import Identity, identity
from postbacks.config_file.keys import ACTION_TRACKER, IN_APP_EVENT, EntryKind
from postbacks.config_file.problems import Place, Problem, did_you_mean
from postbacks.config_file.rows import new_row, take_values
from postbacks.config_file.warnings import request_warnings
from postbacks.credentials.asking.fields import BOUND_TO, SECRETS
from postbacks.credentials.asking.typed import to_store as to_store_secret
from postbacks.credentials.secrets.headers import to_store
from postbacks.models import Postback
from postbacks.validation import postback_errors

# Fields whose errors only repeat a wrong value in another one.
_DOUBTFUL_WITH = {
    "method": {"body_format", "body_pairs", "body_raw"},
    "body_format": {"body_pairs", "body_raw"},
    "body_pairs": {"body_raw"},
    "body_raw": {"body_pairs"},
    "action_tracker_id": {"action_tracker", "install", "in_app_event"},
    "install": {"in_app_event"},
    "in_app_event": {"install"},
}


class Saver:
    """Writes entries and collects `problems`. `rows` are those that entries may name, by their identity."""

    searched = ""
    """What a message adds to say where something was looked for."""

    def __init__(self, named: dict[Identity, Entry], problems: list[Problem], rows: dict[Identity, Model]) -> None:
        self.named = named
        self.problems = problems
        self.rows = rows
        self.outcome = LoadResult()
        self.changed_kinds: list[tuple[Entry, ActionTracker]] = []

    def save_postback(self, entry: Entry, owner: Model | None, owner_field: str) -> Postback | None:
        """Writes a postback of `owner`, which is None if it could not be saved; None if it cannot."""
        tracker = self.refer(entry, ACTION_TRACKER, "action_tracker_id")
        if (code := entry.values.get("in_app_event")) is not None:
            entry.values["in_app_event"] = self._in_app_event(entry, tracker, code)
        self._keep_secrets(entry)
        if entry.broken or owner is None or tracker is None:
            self._check_in_part(entry, tracker)
            return None
        saved = self.save(entry, **{owner_field: owner, "action_tracker": tracker})
        if not isinstance(saved, Postback):
            return None
        self.outcome.warnings += request_warnings(entry, saved)
        return saved

    def refer(self, entry: Entry, kind: EntryKind, model_field: str) -> Model | None:
        """The row that an entry refers to by id. None if it does not exist, which is reported here, or could not be
        saved, which has been reported."""
        referred = entry.values.get(model_field)
        if referred is None:
            return None
        row = self.rows.get(identity(kind, referred))
        if row is None and identity(kind, referred) not in self.named:
            self.complain(entry.place_of(model_field), f"There is no {kind.label} {referred}{self.searched}.")
        return row

    def save(self, entry: Entry, **owners: Model | None) -> Model | None:
        """Writes one entry; None, with the reasons added to the problems, if it cannot.

        `owners` are the rows that it belongs or refers to; a missing one has already been reported.
        """
        model = entry.kind.model
        if entry.broken or entry.identity is None or None in owners.values() or model is None:
            self._check_fields(entry, owners.keys())
            return None
        found = self.rows.get(entry.identity)
        row = model(**owners) if found is None else found
        if not self._still_belongs(entry, row, owners):
            return None
        before = None if found is None else written_values(entry.kind, row)
        take_values(row, entry.values)
        after = written_values(entry.kind, row)
        # An unchanged postback is checked again too, because its contracts may have changed.
        if (before != after or isinstance(row, Postback)) and not self._is_valid(entry, row, owners.keys()):
            return None
        if before == after:
            self.outcome.unchanged += 1
        elif not self._write(entry, row, before, after):
            return None
        self.rows[entry.identity] = row
        return row

    def complain(self, place: Place, message: str) -> None:
        self.problems.append(Problem(place, message))

    def _keep_secrets(self, entry: Entry) -> None:
        """Turns the secrets of the file into what is stored."""
        row = self.rows.get(entry.identity) if entry.identity else None
        before = row if isinstance(row, Postback) else Postback()
        for name in SECRETS:
            self._keep_secret(entry, name, before)
        if "secret_headers" not in entry.places:
            return
        typed, url = entry.values.pop("secret_headers", []), entry.values.get("url", "")
        try:
            entry.values["secret_headers"] = to_store(typed, url, before.secret_headers, before.url)
        except ValueError as error:
            self.complain(entry.place_of("secret_headers"), str(error))
            entry.broken.add("secret_headers")

    def _keep_secret(self, entry: Entry, name: str, before: Postback) -> None:
        if name not in entry.places or name in entry.broken:
            return
        stored = {each: getattr(before, each) for each in (name, *BOUND_TO[name])}
        try:
            entry.values[name] = to_store_secret(name, entry.values.pop(name), entry.values, stored)
        except ValueError as error:
            self.complain(entry.place_of(name), str(error))
            entry.broken.add(name)

    def _in_app_event(self, entry: Entry, tracker: Model | None, code: str) -> Model | None:
        if not isinstance(tracker, ActionTracker):
            return None
        of_tracker = identity(ACTION_TRACKER, tracker.pk)
        event = self.rows.get(identity(IN_APP_EVENT, *of_tracker, code))
        if event is None and identity(IN_APP_EVENT, *of_tracker, code) not in self.named:
            codes = [key[-1] for key in self.rows if key[:-1] == (IN_APP_EVENT.label, *of_tracker)]
            hint = f" {did_you_mean(code, codes)}" if codes else " It has none."
            self.complain(entry.place_of("in_app_event"), f"{tracker} has no in-app event {code or repr(code)}.{hint}")
            entry.broken.add("in_app_event")
        return event

    def _write(self, entry: Entry, row: Model, before: dict[str, Any] | None, after: dict[str, Any]) -> bool:
        try:
            with transaction.atomic():
                row.save(force_insert=before is None)
        except IntegrityError:
            if not self._explain(entry, row):
                raise
            return False
        self.outcome.notes += new_key_notes(entry.kind.label, row, before)
        if before is None:
            self.outcome.changes.append(Change("+", subject(entry.kind.label, row)))
            return True
        self.outcome.changes.append(Change("~", subject(entry.kind.label, row), differences(before, after)))
        if isinstance(row, ActionTracker) and before["kind"] != after["kind"]:
            self.changed_kinds.append((entry, row))
        return True

    def _still_belongs(self, entry: Entry, row: Model, owners: dict[str, Model | None]) -> bool:
        """Event types are known by id alone and cannot move: what refers to one relies on its program."""
        program = owners.get("program")
        if isinstance(row, ActionTracker) and row.program != program:
            message = f"Event type {row} belongs to program {row.program}. Give this one another id."
            self.complain(entry.place_of("id"), message)
            return False
        return True

    def _is_valid(self, entry: Entry, row: Model, owners: Collection[str]) -> bool:
        """Checks what needs no query. The database checks constraints when the row is written."""
        try:
            row.clean_fields(exclude=owners)  # These were just looked up.
            row.clean()
        except ValidationError:
            self._explain(entry, row)
            return False
        return True

    def _explain(self, entry: Entry, row: Model) -> bool:
        """Reports everything that is wrong with a row, constraints included; False if nothing is found."""
        try:
            row.full_clean()
        except ValidationError as error:
            self._report(entry, error)
            return True
        return False

    def _check_in_part(self, entry: Entry, tracker: Any) -> None:
        """Reports what else is wrong with a postback that cannot be saved, so that one load reports everything."""
        self._check_fields(entry, ("action_tracker",))
        given = {name: value for name, value in entry.values.items() if name != "action_tracker_id"}
        errors = postback_errors(new_row(Postback, {**given, "action_tracker": tracker}))
        doubtful = set(entry.broken).union(*(_DOUBTFUL_WITH.get(name, set()) for name in entry.broken))
        if tracker is None:
            doubtful |= _DOUBTFUL_WITH["action_tracker_id"]
        self._report(entry, ValidationError({name: errors[name] for name in errors if name not in doubtful}))

    def _check_fields(self, entry: Entry, owners: Collection[str]) -> None:
        """As above, for any entry: each value on its own."""
        if entry.kind.model is None:
            return
        given = {name: value for name, value in entry.values.items() if name.removesuffix("_id") not in owners}
        try:
            new_row(entry.kind.model, given).clean_fields(exclude=entry.broken.union(owners))
        except ValidationError as error:
            self._report(entry, error)

    def _report(self, entry: Entry, error: ValidationError) -> None:
        for name, messages in error.message_dict.items():
            for message in messages:
                self.complain(entry.place_naming(name), message)
