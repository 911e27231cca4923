"""The two pages of the second factor: typing a code, and setting one up."""

from __future__ import annotations

import math
from typing import Any

import segno
from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django_otp import login
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.second_factor.changes import pending, replace_codes, take_off, use
from accounts.second_factor.model import SecondFactor
from accounts.second_factor.required import SET_UP, VERIFY, has_one, is_required_of
from accounts.sign_in.locked_out import locked_out
from postbacks.credentials.secrets.cipher import SecretUnreadableError

_LONGEST_CODE = 40  # A recovery code with its dashes has 19 characters.


class CodeForm(forms.Form):
    """One code; `check` says whether it is valid."""

    code = forms.CharField(
        max_length=_LONGEST_CODE,
        label="Code",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )

    def check(self, request: HttpRequest) -> SecondFactor | None:
        """The factor that the code is of. None, with an error and a failed sign-in counted, if it is of none."""
        if not self.is_valid():
            return None
        user: Any = request.user
        try:
            valid, factor = use(user, self.cleaned_data["code"])
        except SecretUnreadableError:
            self.add_error("code", "The key of your app cannot be read. Ask an administrator to reset it.")
            return None
        if valid:
            return factor
        wait = _wait(factor)
        user_login_failed.send(__name__, credentials={"username": user.get_username()}, request=request)
        self.add_error("code", f"This code is not valid. Wait {wait} s and type the next one that the app shows.")
        return None


@sensitive_post_parameters()
@never_cache
def verify_page(request: HttpRequest) -> HttpResponse:
    """Asks for a code; then goes on to where the user wanted."""
    user: Any = request.user
    if not has_one(user):
        return redirect(SET_UP)
    if not AxesProxyHandler.is_allowed(request):
        return locked_out(request, None, None)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and (factor := form.check(request)) is not None:
        _verified(request, factor)
        if len(factor.recovery_hashes) < 3:
            messages.warning(request, f"{len(factor.recovery_hashes)} recovery codes are left. Make new ones.")
        return redirect(_next(request))
    return _page(request, "verify", title="Second factor", form=form)


@sensitive_post_parameters()
@never_cache
def set_up_page(request: HttpRequest) -> HttpResponse:
    """Shows the picture for the app until a first code confirms it; afterwards, what can be done with the factor."""
    user: Any = request.user
    if has_one(user) and not user.is_verified():
        return redirect(VERIFY)
    if not AxesProxyHandler.is_allowed(request):
        return locked_out(request, None, None)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and (factor := form.check(request)) is not None:
        return _done(request, factor)
    if has_one(user):
        return _page(request, "change", title="Second factor", form=form, required=is_required_of(user))
    factor = pending(user)
    try:
        picture, key = segno.make(factor.app_url).svg_data_uri(scale=5, border=2, light="#fff"), factor.typed_key
    except SecretUnreadableError:
        take_off(user)  # Encrypted with a key that is gone, and not in use yet: another takes its place.
        return redirect(SET_UP)
    return _page(request, "set_up", title="Second factor", form=form, picture=picture, key=key)


def _done(request: HttpRequest, factor: SecondFactor) -> HttpResponse:
    """What a valid code was for: to turn the factor off, or else to have it on with recovery codes."""
    if "off" in request.POST and not is_required_of(request.user):
        take_off(factor.user)
        messages.success(request, "The second factor is off.")
        return redirect("admin:index")
    _verified(request, factor)
    return _page(request, "codes", title="Recovery codes", codes=replace_codes(factor), next=_next(request))


def _verified(request: HttpRequest, factor: SecondFactor) -> None:
    login(request, factor)
    request.session.cycle_key()  # Who knew the session before has only the password.


def _wait(factor: SecondFactor | None) -> int:
    allowed, why = factor.verify_is_allowed() if factor else (True, None)
    return 0 if allowed or not why else max(1, math.ceil((why["locked_until"] - timezone.now()).total_seconds()))


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse("admin:index")


def _page(request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
    shared = {**admin.site.each_context(request), "next": _next(request)}
    return TemplateResponse(request, f"accounts/{name}.html", shared | context)
