"""Loads a configuration file: everything is checked and written in one transaction, or nothing is.

Rows are written in the order in which they refer to each other, and checked by the rules of the models, so a file is
held to exactly the rules of the forms. If anything is wrong, or in a dry run, the transaction rolls back.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from itertools import chain
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import CharField, Model, Value
from django.db.models.functions import Cast, Concat

from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Partner
from postbacks.config_file.changes import Change, LoadResult, differences, new_key_notes, subject, written_values
from postbacks.config_file.document import read_document
from postbacks.config_file.entries import Entry, read_entries
from postbacks.config_file.identity import Identity, identify, identity, row_identity
from postbacks.config_file.keys import ACTION_TRACKER, IN_APP_EVENT, POSTBACK, PROGRAM, EntryKind
from postbacks.config_file.problems import ConfigError, Place, Problem, did_you_mean
from postbacks.config_file.prune import prune_contracts, prune_rest
from postbacks.config_file.rows import new_row, take_values
from postbacks.config_file.stock import advance_ids, stock
from postbacks.config_file.warnings import request_warnings
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


def load_config(text: str, *, dry_run: bool = False, prune: bool = False) -> LoadResult:
    """Loads the text of a configuration file; loading it again changes nothing. With `dry_run`, nothing is written.
    With `prune`, what the file does not name is deleted unless something refers to it.

    Returns what changed, or would have. Raises ConfigError with every problem in the file.
    """
    document, problems = read_entries(read_document(text))
    named = identify(document, problems)
    with transaction.atomic():
        outcome = _Load(named, problems, prune=prune).run(document)
        if dry_run or problems:
            transaction.set_rollback(True)
    if problems:
        raise ConfigError(problems)
    return outcome


class _Load:
    """One pass over the entries of a file, which collects `problems`."""

    def __init__(self, named: dict[Identity, Entry], problems: list[Problem], *, prune: bool) -> None:
        self.named = named
        self.problems = problems
        self.prune = prune
        self.rows = stock()
        self.outcome = LoadResult()
        self.changed_kinds: list[tuple[Entry, ActionTracker]] = []

    def run(self, document: Entry) -> LoadResult:
        self._make_way_for_new_names()
        for rate in document.lists["exchange_rates"]:
            self._save(rate)
        for program in document.lists["programs"]:
            self._save_program(program)
        if self.prune:  # Before contracts are written: a deleted one may occupy the time of a new one.
            prune_contracts(self.rows, self.named, self.outcome)
        owners = [(each, "partner") for each in document.lists["partners"]]
        owners += [(each, "media_source") for each in document.lists["media_sources"]]
        for entry, owner_field in owners:
            self._save_owner(entry, owner_field)
        if self.prune:
            prune_rest(self.rows, self.named, self.outcome)
        self._check_changed_kinds()
        if self.outcome.changes:
            advance_ids()
        return self.outcome

    def _make_way_for_new_names(self) -> None:
        """Moves names and codes that will change out of the way, so that two entries can swap theirs."""
        for model in (ActionTracker, Partner, MediaSource):
            renamed = [
                row.pk
                for key, row in self.rows.items()
                if isinstance(row, model) and key in self.named and self.named[key].values.get("name") != row.name
            ]
            rows = model._default_manager.filter(pk__in=renamed)  # noqa: SLF001 -- Django's documented interface
            rows.update(name=Concat(Value("to be renamed "), Cast("pk", CharField())))
        recoded = [
            row.pk
            for key, row in self.rows.items()
            if isinstance(row, ActionTracker) and key in self.named and self.named[key].values.get("code") != row.code
        ]
        ActionTracker.objects.filter(pk__in=recoded).update(code="")

    def _save_program(self, entry: Entry) -> None:
        program = self._save(entry)
        for tracker_entry in entry.lists["action_trackers"]:
            tracker = self._save(tracker_entry, program=program)
            for event_entry in tracker_entry.lists["in_app_events"]:
                self._save(event_entry, action_tracker=tracker)

    def _save_owner(self, entry: Entry, owner_field: str) -> None:
        owner = self._save(entry)
        # By start: a contract that now ends earlier makes room before the next one is written.
        contracts = sorted(entry.lists.get("contracts", []), key=lambda each: each.values.get("start", date.min))
        saved = [self._save_contract(each, owner) for each in contracts]
        # If a contract is wrong, nothing can say whether one holds the event type: not the postback's mistake.
        owner_in_order = owner if all(saved) else None
        for postback_entry in entry.lists["postbacks"]:
            self._save_postback(postback_entry, owner_in_order, owner_field)

    def _save_contract(self, entry: Entry, partner: Model | None) -> bool:
        """Writes a contract with its terms; False if any of them is wrong."""
        program = self._refer(entry, PROGRAM, "program_id")
        contract = self._save(entry, partner=partner, program=program)
        saved: list[Model | None] = [contract]
        # As with contracts: one that now ends earlier makes room for the next.
        for term_entry in sorted(entry.lists["terms"], key=lambda each: each.values.get("start") or date.min):
            tracker = self._refer(term_entry, ACTION_TRACKER, "action_tracker_id")
            term = self._save(term_entry, contract=contract, action_tracker=tracker)
            saved.append(term)
            saved += [self._save(each, contract_term=term) for each in term_entry.lists["category_payouts"]]
        return None not in saved

    def _save_postback(self, entry: Entry, owner: Model | None, owner_field: str) -> None:
        tracker = self._refer(entry, ACTION_TRACKER, "action_tracker_id")
        if code := entry.values.get("in_app_event"):
            entry.values["in_app_event"] = self._in_app_event(entry, tracker, code)
        self._keep_secrets(entry)
        if entry.broken or owner is None or tracker is None:
            self._check_in_part(entry, tracker)
        else:
            saved = self._save(entry, **{owner_field: owner, "action_tracker": tracker})
            if isinstance(saved, Postback):
                self.outcome.warnings += request_warnings(entry, saved)

    def _keep_secrets(self, entry: Entry) -> None:
        """Turns the secret headers of the file into what is stored."""
        if "secret_headers" not in entry.places:
            return
        row = self.rows.get(entry.identity) if entry.identity else None
        before = row if isinstance(row, Postback) else Postback()
        typed, url = entry.values.pop("secret_headers", []), entry.values.get("url", "")
        try:
            entry.values["secret_headers"] = to_store(typed, url, before.secret_headers, before.url)
        except ValueError as error:
            self._complain(entry.place_of("secret_headers"), str(error))
            entry.broken.add("secret_headers")

    def _in_app_event(self, entry: Entry, tracker: Model | None, code: str) -> Model | None:
        if not isinstance(tracker, ActionTracker):
            return None
        of_tracker = identity(ACTION_TRACKER, tracker.pk)
        event = self.rows.get(identity(IN_APP_EVENT, *of_tracker, code))
        if event is None and identity(IN_APP_EVENT, *of_tracker, code) not in self.named:
            codes = [key[-1] for key in self.rows if key[:-1] == (IN_APP_EVENT.label, *of_tracker)]
            hint = f" {did_you_mean(code, codes)}" if codes else " It has none."
            self._complain(entry.place_of("in_app_event"), f"{tracker} has no in-app event {code}.{hint}")
            entry.broken.add("in_app_event")
        return event

    def _refer(self, entry: Entry, kind: EntryKind, model_field: str) -> Model | None:
        """The row that an entry refers to by id. None if it does not exist, which is reported here, or could not be
        saved, which has been reported."""
        referred = entry.values.get(model_field)
        if referred is None:
            return None
        row = self.rows.get(identity(kind, referred))
        if row is None and identity(kind, referred) not in self.named:
            message = f"There is no {kind.label} {referred}, neither in this file nor in the database."
            self._complain(entry.place_of(model_field), message)
        return row

    def _save(self, entry: Entry, **owners: Model | None) -> Model | None:
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
            self._complain(entry.place_of("id"), message)
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
                self._complain(entry.place_naming(name), message)

    def _complain(self, place: Place, message: str) -> None:
        self.problems.append(Problem(place, message))

    def _check_changed_kinds(self) -> None:
        """If an event type becomes or stops being a mobile app, what the file does not name must still be valid."""
        for entry, tracker in self.changed_kinds:
            codes = list(tracker.in_app_events.values_list("code", flat=True))
            if codes and not tracker.is_mobile_app:
                message = f"It has in-app events ({', '.join(codes)}), which only a mobile app can have."
                self._complain(entry.place_of("kind"), message)
            for postback in Postback.objects.existing().filter(action_tracker=tracker):
                if row_identity(postback) not in self.named:
                    for message in chain.from_iterable(postback_errors(postback).values()):
                        self._complain(entry.place_of("kind"), f"{subject(POSTBACK.label, postback)}: {message}")
