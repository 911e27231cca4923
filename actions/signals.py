"""What `actions` tells the rest of the system."""

from django.dispatch import Signal

# Sent inside the transaction that records them, with `events: list[ActionEvent]` in the order of recording; each
# event's `action` is loaded. `setup_version: int` is the set-up's in this transaction (partners.setup_version). A
# receiver that raises undoes the recording: what it writes belongs to the same whole.
action_events_recorded = Signal()
