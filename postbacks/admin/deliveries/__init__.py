"""The delivery log: finding one among millions, reading what was sent and answered, sending again, cancelling."""
