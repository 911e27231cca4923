"""What processes of the previous release would have sent without looking at conditions."""

from __future__ import annotations

from django.db import models


class PutAside(models.Model):
    """An event that fires a postback with conditions, as far as a process can tell that knows no conditions.

    A trigger of the database makes these rows instead of deliveries (see `postbacks.outbox.judge_put_aside`). What they
    refer to may be gone.
    """

    postback_id = models.BigIntegerField()
    action_id = models.BigIntegerField(db_index=True)
    event_id = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "put aside"

    def __str__(self) -> str:
        return f"event {self.event_id} for postback {self.postback_id}"
