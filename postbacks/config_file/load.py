"""Loads a configuration file: everything is checked and written in one transaction, or nothing is.

Rows are written in the order in which they refer to each other, and checked by the rules of the models, so a file is
held to exactly the rules of the forms. If anything is wrong, or in a dry run, the transaction rolls back.
"""

from __future__ import annotations

from datetime import date
from itertools import chain

from django.db import transaction
from django.db.models import CharField, Model, Value
from django.db.models.functions import Cast, Concat

from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Partner
from postbacks.config_file.changes import LoadResult, subject
from postbacks.config_file.document import read_document
from postbacks.config_file.entries import Entry, read_entries
from postbacks.config_file.identity import Identity, identify, row_identity
from postbacks.config_file.keys import ACTION_TRACKER, POSTBACK, PROGRAM
from postbacks.config_file.problems import ConfigError, Problem
from postbacks.config_file.prune import prune_contracts, prune_rest
from postbacks.config_file.saving import Saver
from postbacks.config_file.stock import advance_ids, stock
from postbacks.models import Postback
from postbacks.validation import postback_errors


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


class _Load(Saver):
    """One pass over the entries of a file, which collects `problems`."""

    searched = ", neither in this file nor in the database"

    def __init__(self, named: dict[Identity, Entry], problems: list[Problem], *, prune: bool) -> None:
        super().__init__(named, problems, stock())
        self.prune = prune

    def run(self, document: Entry) -> LoadResult:
        self._make_way_for_new_names()
        for rate in document.lists["exchange_rates"]:
            self.save(rate)
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
        program = self.save(entry)
        for tracker_entry in entry.lists["action_trackers"]:
            tracker = self.save(tracker_entry, program=program)
            for event_entry in tracker_entry.lists["in_app_events"]:
                self.save(event_entry, action_tracker=tracker)

    def _save_owner(self, entry: Entry, owner_field: str) -> None:
        owner = self.save(entry)
        # By start: a contract that now ends earlier makes room before the next one is written.
        contracts = sorted(entry.lists.get("contracts", []), key=lambda each: each.values.get("start", date.min))
        saved = [self._save_contract(each, owner) for each in contracts]
        # If a contract is wrong, nothing can say whether one holds the event type: not the postback's mistake.
        owner_in_order = owner if all(saved) else None
        for postback_entry in entry.lists["postbacks"]:
            self.save_postback(postback_entry, owner_in_order, owner_field)

    def _save_contract(self, entry: Entry, partner: Model | None) -> bool:
        """Writes a contract with its terms; False if any of them is wrong."""
        program = self.refer(entry, PROGRAM, "program_id")
        contract = self.save(entry, partner=partner, program=program)
        saved: list[Model | None] = [contract]
        # As with contracts: one that now ends earlier makes room for the next.
        for term_entry in sorted(entry.lists["terms"], key=lambda each: each.values.get("start") or date.min):
            tracker = self.refer(term_entry, ACTION_TRACKER, "action_tracker_id")
            term = self.save(term_entry, contract=contract, action_tracker=tracker)
            saved.append(term)
            saved += [self.save(each, contract_term=term) for each in term_entry.lists["category_payouts"]]
        return None not in saved

    def _check_changed_kinds(self) -> None:
        """If an event type becomes or stops being a mobile app, what the file does not name must still be valid."""
        for entry, tracker in self.changed_kinds:
            codes = list(tracker.in_app_events.values_list("code", flat=True))
            if codes and not tracker.is_mobile_app:
                message = f"It has in-app events ({', '.join(codes)}), which only a mobile app can have."
                self.complain(entry.place_of("kind"), message)
            for postback in Postback.objects.existing().filter(action_tracker=tracker):
                if row_identity(postback) not in self.named:
                    for message in chain.from_iterable(postback_errors(postback).values()):
                        self.complain(entry.place_of("kind"), f"{subject(POSTBACK.label, postback)}: {message}")
