"""What stands in the form at this moment, as a postback that is not saved."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from postbacks.admin.form.form import PostbackForm
from postbacks.models import Postback

Errors = dict[str, list[str]]

_MISSING = {"url": "Enter the URL of the receiver.", "action_tracker": "Select the event type."}
_WITH_A_DEFAULT = ("event_trigger", "scope", "method")  # Where one of them is not sent, the model's holds.


class TypedForm(PostbackForm):
    """The form as it is bound to be looked at: not to be shown again, nor to be saved."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["name"]  # It is in no request.
        for name in _WITH_A_DEFAULT:
            self.fields[name].required = False
        for name, message in _MISSING.items():
            self.fields[name].error_messages["required"] = message

    def offer_event_types(self) -> None:
        """Nobody chooses here."""

    def validate_unique(self) -> None:
        """What a row may not share with others is looked at when it is saved; so with its constraints."""

    def validate_constraints(self) -> None:
        """An owner may still be missing."""


def typed_postback(fields: QueryDict, saved: Postback | None = None) -> tuple[Postback, Errors]:
    """The postback of the form's fields as they are sent, and by field what saving it would refuse.

    What cannot be read is as in a new postback. `saved` is the postback that is being changed, whose secrets the masks
    in the form stand for.
    """
    form = TypedForm(fields, instance=saved)
    errors = {name: [str(message) for message in messages] for name, messages in form.errors.items()}
    postback: Postback = form.instance
    unread = [name for name in errors if name in form.fields and name not in form.cleaned_data]
    form.set_to_new(*unread)
    return postback, errors
