"""`manage.py postback_status`: shows the status, as a table or as JSON."""

from commands.base import Command as BaseCommand
from postbacks.models import Delivery
from postbacks.status import Status, read_status


class Command(BaseCommand):
    help = """Show deliveries by state, the backlog, and each postback.

States: blocked (waits for an earlier event of its action), ready (waits for its time, its slot or a retry), sending,
delivered, failed (given up, with the reason), cancelled. The backlog is what is blocked, ready or sending. "Oldest
waiting" is how long the oldest delivery that could be sent now has been due; deliveries that are not due yet, blocked,
or of a paused postback do not count.
"""
    json_keys = {
        "deliveries": "object: state -> count; finished ones since the beginning",
        "backlog": "number of unfinished deliveries",
        "oldest_waiting_seconds": "number; 0 if nothing is due",
        "held": "list of postback ids whose destination is held because it is down",
        "paused": "list of ids of paused postbacks",
        "postbacks": "list of {id, owner, name, state: active|paused|deleted, deliveries: state -> count}",
    }

    def handle(self, *_: object, **__: object) -> None:
        status = read_status()
        self.report(status.as_json(), _table(status))


def _table(status: Status) -> str:
    states = Delivery.State.values
    counts = "  ".join(f"{state} {status.deliveries[state]:,}" for state in states)
    stopped = f"Held destinations: {len(status.held)}   Paused: {len(status.paused)}"
    head = [
        f"Deliveries: {counts}",
        f"Backlog: {status.backlog:,}   Oldest waiting: {status.oldest_waiting_seconds:g} s   {stopped}",
    ]
    if not status.postbacks:
        return "\n".join([*head, "No postbacks are set up."])
    rows = [["id", "owner", "name", "state", *states]]
    for each in status.postbacks:
        state = "held" if each.id in status.held else each.state
        rows.append([str(each.id), each.owner, each.name, state, *(f"{each.deliveries[name]:,}" for name in states)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join([*head, "", *(_line(row, widths) for row in rows)])


def _line(cells: list[str], widths: list[int]) -> str:
    """One line of the table: numbers aligned right, words left."""
    words = range(1, 4)
    padded = [
        cell.ljust(width) if column in words else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()
