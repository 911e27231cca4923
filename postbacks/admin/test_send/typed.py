"""The current content of the form as an unsaved postback."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from postbacks.admin.form.form import PostbackForm
from postbacks.models import Postback
from postbacks.test_send import Errors

_MISSING = {"url": "Enter the URL of the receiver.", "action_tracker": "Select the event type."}
_WITH_A_DEFAULT = ("event_trigger", "scope", "method")  # If one is not submitted, the model's default applies.


class TypedForm(PostbackForm):
    """The form, bound only to be read: it is neither shown again nor saved."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["name"]  # No request contains it.
        for name in _WITH_A_DEFAULT:
            self.fields[name].required = False
        for name, message in _MISSING.items():
            self.fields[name].error_messages["required"] = message

    def offer_event_types(self) -> None:
        """Does nothing: this form offers no choices."""

    def validate_unique(self) -> None:
        """Does nothing: uniqueness and constraints are checked when the postback is saved."""

    def validate_constraints(self) -> None:
        """Does nothing: an owner may still be missing."""


def typed_postback(fields: QueryDict, saved: Postback | None = None) -> tuple[Postback, Errors]:
    """The postback from the submitted fields, and by field the errors that saving it would give.

    A field that cannot be read has its value in a new postback. `saved` is the postback that is being changed; masks in
    the form stand for its secrets.
    """
    form = TypedForm(fields, instance=saved)
    errors = {name: [str(message) for message in messages] for name, messages in form.errors.items()}
    postback: Postback = form.instance
    unread = [name for name in errors if name in form.fields and name not in form.cleaned_data]
    form.set_to_new(*unread)
    return postback, errors
