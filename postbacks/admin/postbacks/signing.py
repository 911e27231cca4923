"""The page on which operators make, replace and remove the signing key of a postback."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldAdminSelectWidget

from partners.opened_with import is_stale, seen_as
from postbacks.admin.integrations.owners import kind_of
from postbacks.credentials.signing.keys import overlaps
from postbacks.credentials.signing.renewal import SigningError, renew, stop_signing
from postbacks.models import Postback
from value_types.secret_text import SecretText

URL_NAME = "postbacks_postback_signing"
_LEFT = (
    "The key of {} was left as it is: somebody has changed it since you opened the page. Its history says who; this "
    "page shows how it is now."
)
_OVERLAPS = [("24", "24 hours"), ("1", "One hour"), ("168", "7 days"), ("0", "No time: it ends now")]


class RenewForm(forms.Form):
    """`overlap`: for how many hours requests are also signed with the replaced key."""

    overlap = forms.TypedChoiceField(
        choices=_OVERLAPS,
        coerce=int,
        initial="24",
        label="Also sign with the current key for",
        required=False,
        empty_value=None,
        widget=UnfoldAdminSelectWidget(),
    )


@never_cache
def signing_view(request: HttpRequest, pk: int, model_admin: ModelAdmin[Any]) -> HttpResponse:
    """Shows the state of signing; by POST, makes a new key, which only this response shows, or stops signing."""
    postback = get_object_or_404(model_admin.get_queryset(request), pk=pk)
    if not model_admin.has_change_permission(request, postback):
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, postback, model_admin, RenewForm())
    with transaction.atomic():  # The lock holds until the key is saved.
        postback = Postback.objects.select_for_update(no_key=True).get(pk=pk)
        if is_stale(request, postback.signing_key_made_at):
            messages.warning(request, _LEFT.format(postback))
            return redirect(reverse(f"admin:{URL_NAME}", args=(postback.pk,)))
        return _changed(request, postback, model_admin)


def _changed(request: HttpRequest, postback: Postback, model_admin: ModelAdmin[Any]) -> HttpResponse:
    if "stop" in request.POST:
        stop_signing(postback)
        model_admin.log_change(request, postback, "No longer signed.")
        messages.success(request, f"{postback} is no longer signed.")
        return redirect(reverse(f"admin:{URL_NAME}", args=(postback.pk,)))
    form = RenewForm(request.POST)
    if not form.is_valid():
        return _page(request, postback, model_admin, form)
    try:
        key = renew(postback, timedelta(hours=form.cleaned_data["overlap"] or 0))
    except SigningError as error:
        messages.error(request, str(error))
        return _page(request, postback, model_admin, form)
    model_admin.log_change(request, postback, "Has a new signing key.")
    return _page(request, postback, model_admin, RenewForm(), key)


def _page(
    request: HttpRequest,
    postback: Postback,
    model_admin: ModelAdmin[Any],
    form: RenewForm,
    key: SecretText | None = None,
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "Signing",
        "subtitle": postback.name,
        "postback": postback,
        "owner": postback.owner,
        "owner_url": kind_of(postback.owner).url(postback.owner),
        "form": form,
        "key": key,
        "overlaps": overlaps(postback),
        "seen": seen_as(postback.signing_key_made_at),
    }
    return TemplateResponse(request, "admin/postbacks/postback/signing.html", context)
