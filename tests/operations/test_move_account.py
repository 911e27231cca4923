"""`move_account`: an account leaves a cell and goes on in another, with all that happened and with its ids."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from actions.models import Action, ActionEvent, ApiToken, QueuedReport
from actions.recording.maturing import mature
from operations.moving.rows import KINDS
from partners.models import ActionTracker, Program
from postbacks.lifecycle import resume
from postbacks.models import Delivery, Postback, Replay, ReplayItem
from tests.support.api_calls import ApiCaller
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
    report_fields,
)

pytestmark = pytest.mark.django_db(transaction=True)

CONDITIONS = [{"parameter": "Amount", "operator": "at least", "values": ["1"]}]


def run(*arguments: str) -> Any:
    output = StringIO()
    call_command("move_account", *arguments, "--json", stdout=output)
    return json.loads(output.getvalue())


class Shop(ApiCaller):
    """The account that moves: a program, its partner and its network, and what was reported."""

    def __init__(self) -> None:
        self.tracker = make_tracker(make_program(name="Lighthouse"), name="Order")
        make_tracker(self.tracker.program, name="App", in_app_events=["signup"])
        super().__init__(self.tracker.program, own_account=True)
        self.partner = make_partner(name="Compass")
        make_term(self.tracker, self.partner)
        self.postbacks = [
            make_postback(self.tracker, self.partner, url="https://compass.example/?id={ActionId}", headers="A: b"),
            make_postback(self.tracker, make_media_source(), url="https://net.example/", conditions=CONDITIONS),
        ]
        self.report("KC-1", **{"Idempotency-Key": "first"})
        self.change("KC-1")
        Delivery.objects.filter(postback=self.postbacks[0]).update(
            state="delivered", attempts_made=1, finished_at="2026-11-20T12:00:00Z"
        )

    def report(self, order: str, **headers: str) -> Any:
        fields = report_fields(self.tracker, self.partner, OrderId=order)
        return self.account("POST", "Conversions", fields, **headers)

    def change(self, order: str) -> Any:
        fields = {"ActionTrackerId": self.tracker.pk, "OrderId": order, "Amount": "77.00"}
        return self.account("PUT", "Actions", fields)


@pytest.fixture
def shop(empty_redis: None) -> Shop:
    return Shop()


def rows() -> dict[str, list[str]]:
    """All of each kind, without what the move itself changes."""
    found = {}
    with connection.cursor() as cursor:
        for kind in KINDS:
            changed = "- 'paused_at' - 'pause_reason' - 'updated_at' - 'own_account' - 'last_used_at'"
            cursor.execute(f"SELECT (to_jsonb(each) {changed})::text FROM {kind.table} each ORDER BY 1")  # noqa: S608
            found[kind.table] = [row for (row,) in cursor.fetchall()]
    return found


def become_another_cell() -> None:
    """An empty one, whose ids begin elsewhere."""
    with connection.cursor() as cursor:
        for kind in KINDS:
            cursor.execute(f"TRUNCATE {kind.table} CASCADE")
            if "id" in kind.columns:
                sequence = f"pg_get_serial_sequence('{kind.table}', 'id')"
                cursor.execute(f"SELECT setval({sequence}, 2000000 + nextval({sequence}))")


def test_all_arrives_with_its_ids_and_the_account_goes_on_there(shop: Shop, tmp_path: Path) -> None:
    file = str(tmp_path / "account")
    before = rows()
    told = run("--out", shop.sid, file)
    assert told["rows"] == {table: len(found) for table, found in before.items()}
    assert told["paused"] == 2
    assert rows() == before, "only the postbacks are paused"

    become_another_cell()
    mine = ApiCaller()
    assert mine.sid != shop.sid
    assert run("--in", file)["rows"] == told["rows"]
    ApiToken.objects.filter(account_sid=mine.sid).delete()
    assert rows() == before
    assert ApiCaller().sid != shop.sid, "the cell's own account is another"

    assert shop.report("KC-1", **{"Idempotency-Key": "first"}).status_code == 200
    shop.report("KC-1")
    assert Action.objects.count() == 1, "an order that the other cell has recorded"
    last = ActionEvent.objects.latest("pk").pk
    shop.change("KC-1")
    assert ActionEvent.objects.latest("pk").pk == last, "and this change, too"
    shop.report("KC-2")
    assert Action.objects.latest("pk").pk > 2_000_000
    assert not Delivery.objects.filter(postback__paused_at=None).exists()
    assert run("--resume", shop.sid)["resumed"] == 2
    assert not Postback.objects.exclude(paused_at=None).exists()


def test_a_partner_that_the_new_cell_has_already_stays_as_it_is_there(shop: Shop, tmp_path: Path) -> None:
    file = str(tmp_path / "account")
    run("--out", shop.sid, file)
    become_another_cell()
    make_partner(id=shop.partner.pk, name="Compass, renamed")
    run("--in", file)
    shop.partner.refresh_from_db()
    assert shop.partner.name == "Compass, renamed"


def test_the_old_cell_sends_and_takes_nothing_more(shop: Shop, tmp_path: Path) -> None:
    waiting = Delivery.objects.filter(state="ready").count()
    file = str(tmp_path / "account")
    run("--out", shop.sid, file)
    assert run("--end", file)["cancelled"] == waiting > 0
    assert shop.report("KC-9").status_code == 401
    assert not Postback.objects.existing().exists()
    assert not ActionTracker.objects.filter(active=True).exists()
    assert Action.objects.count() == 1, "the history can still be looked at"


def test_what_was_recorded_after_the_file_is_noticed(shop: Shop, tmp_path: Path) -> None:
    file = str(tmp_path / "account")
    run("--out", shop.sid, file)
    waiting = QueuedReport.objects.create(
        id=1, token=shop.token, kind="conversion", order_id="KC-3", fields="{}", received_at="2026-11-26T12:00:00Z"
    )
    with pytest.raises(CommandError, match="Something was reported here after"):
        run("--end", file)
    waiting.delete()
    shop.report("KC-2")
    with pytest.raises(CommandError, match="Something was reported here after"):
        run("--end", file)
    assert Postback.objects.existing().count() == 2
    assert run("--resume", shop.sid)["resumed"] == 2, "the move is given up"


def test_nothing_is_left_behind_under_way(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.management.commands.move_account.PATIENCE_SECONDS", 0)
    file = tmp_path / "account"

    def refused(words: str) -> None:
        with pytest.raises(CommandError, match=words):
            run("--out", shop.sid, str(file))
        assert not file.exists()

    one = Delivery.objects.filter(state="ready").first()
    assert one is not None
    Delivery.objects.filter(pk=one.pk).update(state="sending", owner=1, lease_until="2026-11-27T12:00:00Z")
    refused("1 requests are under way")
    Delivery.objects.filter(pk=one.pk).update(state="ready", owner=None, lease_until=None)
    QueuedReport.objects.create(
        id=1, token=shop.token, kind="conversion", order_id="KC-3", fields="{}", received_at="2026-11-26T12:00:00Z"
    )
    refused("not recorded yet")
    QueuedReport.objects.all().delete()
    replay = Replay.objects.create(selection={}, described="", rate=1)
    item = ReplayItem.objects.create(replay=replay, postback=one.postback, action=one.action, event=one.event)
    refused("A replay")
    item.delete()
    run("--out", shop.sid, str(file))
    assert file.stat().st_mode & 0o077 == 0


def test_an_account_moves_only_with_programs_of_its_own(shop: Shop, tmp_path: Path) -> None:
    file = str(tmp_path / "account")
    with pytest.raises(CommandError, match="No token has"):
        run("--out", "PPnobody", file)
    with pytest.raises(CommandError, match="must be for programs of their own"):
        run("--out", ApiCaller().sid, file)
    other = ApiCaller(shop.tracker.program)
    with pytest.raises(CommandError, match="The token caller of another account"):
        run("--out", shop.sid, file)
    ApiToken.objects.filter(pk=other.token.pk).delete()
    run("--out", shop.sid, file)


def test_what_time_brings_meanwhile_is_not_taken_for_a_report(shop: Shop, tmp_path: Path) -> None:
    file = str(tmp_path / "account")
    run("--out", shop.sid, file)
    Action.objects.update(locking_date="2026-11-01T12:00:00Z")
    assert mature(seconds=10) > 0
    assert run("--end", file)["cancelled"] > 0


def test_a_move_that_is_given_up_leaves_nothing_in_the_new_cell(shop: Shop, tmp_path: Path) -> None:
    file = str(tmp_path / "account")
    told = run("--out", shop.sid, file)
    with pytest.raises(CommandError, match="waits for --resume"):
        run("--undo", file)
    assert Action.objects.exists(), "the old cell keeps what it has"
    become_another_cell()
    make_program(name="Beside it")
    run("--in", file)
    taken_out = run("--undo", file)["rows"]
    shared = {"partners_partner", "optimize_sources_mediasource"}
    assert taken_out == {table: count for table, count in told["rows"].items() if table not in shared}
    assert {table: len(found) for table, found in rows().items() if found} == {
        "partners_program": 1,
        "partners_partner": told["rows"]["partners_partner"],
        "optimize_sources_mediasource": told["rows"]["optimize_sources_mediasource"],
    }
    assert run("--in", file)["rows"] == told["rows"], "and may move again"


def test_what_goes_on_in_the_new_cell_is_not_taken_out(shop: Shop, tmp_path: Path) -> None:
    file = str(tmp_path / "account")
    run("--out", shop.sid, file)
    become_another_cell()
    run("--in", file)
    shop.report("KC-2")
    with pytest.raises(CommandError, match="Something was reported here"):
        run("--undo", file)
    assert Action.objects.count() == 2
    resume(Postback.objects.existing()[0])
    with pytest.raises(CommandError, match="no longer paused here"):
        run("--undo", file)
    assert run("--resume", shop.sid)["resumed"] == 1


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_of_a_file_that_is_cut_off_nothing_is_read(shop: Shop, tmp_path: Path, part: float) -> None:
    file = tmp_path / "account"
    run("--out", shop.sid, str(file))
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * part)])
    become_another_cell()
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("--in", str(file))
    assert not any(rows().values())


def test_a_cell_without_the_key_or_of_another_release_reads_nothing(shop: Shop, tmp_path: Path, settings: Any) -> None:
    file = tmp_path / "account"
    run("--out", shop.sid, str(file))
    with pytest.raises(CommandError, match="There are programs with these ids already"):
        run("--in", str(file))
    become_another_cell()
    keys, settings.POSTBACKS_ENCRYPTION_KEYS = settings.POSTBACKS_ENCRYPTION_KEYS, [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="lacks the key"):
        run("--in", str(file))
    settings.POSTBACKS_ENCRYPTION_KEYS = keys
    file.write_bytes(file.read_bytes().replace(b"actions.0028", b"actions.0999", 1))
    with pytest.raises(CommandError, match="different releases"):
        run("--in", str(file))
    assert not Program.objects.exists()
