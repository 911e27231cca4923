"""Which folded part of the form opens by itself: one in which something is set. One with a mistake is not folded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.utils import flatten
from django.forms import ModelForm

OPEN = "pp-open"  # Read by the template of a part.
_UNSET: tuple[Any, ...] = (None, "", 0, "0", [], "none")
_ALWAYS_SET = frozenset({"name", "oauth_client_auth", "certificate_in_words"})


def unfolded(form: ModelForm[Any], options: dict[str, Any]) -> dict[str, Any]:
    """The options of a part of the form, with OPEN among the classes of a folded one that is to be open."""
    classes: Iterable[str] = options.get("classes", ())
    if "collapse" not in classes or not any(_is_set(form, name) for name in flatten(options["fields"])):
        return options
    return {**options, "classes": [*classes, OPEN]}


def _is_set(form: ModelForm[Any], name: str) -> bool:
    if name in _ALWAYS_SET:
        return False
    value = form[name].value() if name in form.fields else getattr(form.instance, name, None)
    return value not in _UNSET
