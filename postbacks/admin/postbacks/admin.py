"""The admin of postbacks: set up, pause, resume, delete."""

# Django fixes the names of the arguments of its hooks, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from optimize_sources.models import MediaSource
from partners.admin_kit import ModelAdmin
from partners.ids import row_of
from partners.models import Partner
from partners.opened_with import is_stale
from postbacks.admin.conversion.views import URL_NAME as CONVERT
from postbacks.admin.conversion.views import convert_view
from postbacks.admin.deliveries.offer import offer_to_try_now
from postbacks.admin.first_start.views import sample_urls
from postbacks.admin.form.folding import unfolded
from postbacks.admin.form.form import PostbackForm
from postbacks.admin.integrations.lists import PER_PAGE, PostbacksOfNetwork, PostbacksOfProgram, cut, rates_of
from postbacks.admin.integrations.owners import Owner, kind_of, owner_named
from postbacks.admin.integrations.rows import place_called
from postbacks.admin.postbacks.all_postbacks import FailingFirst
from postbacks.admin.postbacks.signing import URL_NAME as SIGNING
from postbacks.admin.postbacks.signing import signing_view
from postbacks.admin.postbacks.state_filter import StateFilter
from postbacks.admin.test_send.views import may_name_actions, preview_view, recent_actions, shown_palette, test_view
from postbacks.admin.versions.views import URL_NAME as VERSIONS
from postbacks.admin.versions.views import restored, versions_view
from postbacks.conversion.checked import names
from postbacks.credentials.asking.certificates import in_words
from postbacks.credentials.asking.fields import FIELDS, SECRETS
from postbacks.credentials.secrets.headers import masked_lines
from postbacks.durations import format_duration
from postbacks.lifecycle import delete_postback, pause, pending_count, resume
from postbacks.models import Postback
from postbacks.state import state_of
from postbacks.test_send import conditions_in_words
from postbacks.validation import postback_warnings
from value_types.secret_text import MASK

admin.site.site_header = "Partner Postbacks"
admin.site.site_title = "Partner Postbacks"
admin.site.index_title = "Dashboard"

_OPTIMIZE = "optimize_sources.view_mediasource"
_LEFT = (
    "{} was left as it is: somebody has paused or resumed it since you opened the page. Its history says who; this "
    "page shows how it is now."
)
_KEPT = (
    *(
        "event_trigger",
        "scope",
        "conditions_match",
        "conditions",
        "url",
        "method",
        "body_format",
        "body_pairs",
        "body_raw",
        "headers",
    ),
    *("minimum_delay_seconds", "maximum_requests", "send_trace", "success_response", "error_response"),
    *(name for name in FIELDS if name not in SECRETS),
)
_SHOWN_OF_SECRETS = {
    "basic_password": "masked_password",
    "oauth_client_secret": "masked_client_secret",
    "client_key": "masked_key",
}
_DUPLICATED = ("action_tracker", "install", "in_app_event", "name")


def _asking(*, may_type: bool) -> tuple[str, ...]:
    """The fields in the order of the form; who may not type sees that a secret is there."""
    shown = FIELDS if may_type else tuple(_SHOWN_OF_SECRETS.get(name, name) for name in FIELDS)
    return (*shown, "certificate_in_words")


def _owner(request: HttpRequest, postback: Postback | None) -> Owner | None:
    """The owner of the form's postback; for a new one, the owner that the URL names."""
    if postback is not None:
        return postback.owner
    owner = owner_named(request)
    if isinstance(owner, MediaSource) and not request.user.has_perm(_OPTIMIZE):
        raise PermissionDenied
    return owner


@admin.register(Postback)
class PostbackAdmin(ModelAdmin):
    form = PostbackForm
    list_display = ("cut_name", "owned_by", "shown_state", "success", "sent", "event_type", "method", "calls")
    list_select_related = ("partner", "media_source", "action_tracker", "lane")
    list_filter = (StateFilter, PostbacksOfProgram, PostbacksOfNetwork, "method", "event_trigger")
    list_per_page = PER_PAGE
    search_fields = ("name", "url", "partner__name", "media_source__name", "=partner__id", "=media_source__id")
    autocomplete_fields = ("partner", "media_source")
    readonly_fields = (
        *_SHOWN_OF_SECRETS.values(),
        *("certificate_in_words", "masked_headers", "conditions_in_words", "state", "waiting", "signature", "signing"),
        *("created_at", "updated_at"),
    )
    actions = ("pause_selected", "resume_selected")
    change_form_before_template = "admin/postbacks/postback/owner.html"
    change_form_outer_after_template = "admin/postbacks/postback/side.html"

    def get_fieldsets(self, request: HttpRequest, obj: Postback | None = None) -> Any:
        """The fields in the order that operators expect."""
        owner = _owner(request, obj)
        may_type = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        first = [
            *(() if owner else ("partner", "media_source")),
            *("action_tracker", "event_trigger"),
            *(() if isinstance(owner, Partner) else ("scope",)),
            *(
                "install",
                "in_app_event",
                *(("conditions", "conditions_match") if may_type else ("conditions_in_words",)),
            ),
            *("url", "method", "body_format"),
            *(("body_kind",) if may_type else ()),
            *("body_pairs", "body_raw", "headers", "secret_headers" if may_type else "masked_headers"),
        ]
        signature = "signing" if may_type else "signature"
        advanced = (
            *("minimum_delay_seconds", "maximum_requests", "send_trace", "success_response", "error_response"),
            "name",
        )
        return [
            (None, {"fields": first}),
            (
                "Authentication and certificates",
                {"fields": _asking(may_type=may_type), "classes": ["collapse"]},
            ),
            ("Show advanced settings", {"fields": advanced, "classes": ["collapse"]}),
            *([("State", {"fields": ("state", "waiting", signature, "created_at", "updated_at")})] if obj else []),
        ]

    def get_form(self, request: HttpRequest, obj: Postback | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.fixed_owner = _owner(request, obj)
        version = restored(request, obj)
        if version is not None:
            form.restored = version.values
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A user who may not see networks cannot choose one, not even by id."""
        if db_field.name == "media_source" and not request.user.has_perm(_OPTIMIZE):
            kwargs["queryset"] = MediaSource.objects.none()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """After *Save and add another*, everything as before except the event type."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        before = row_of(self.get_queryset(request), request.GET.get("like", ""))
        if before is not None:
            initial |= {name: getattr(before, name) for name in _KEPT}
            # Their values are not copied: the user types them again.
            initial["secret_headers"] = "\n".join(f"{name}: " for name, _token in before.secret_headers)
            initial["body_kind"] = "raw" if before.body_raw else "pairs"
            if _owner(request, None) is None:  # A duplicate, for whoever is chosen.
                initial |= {name: getattr(before, name) for name in _DUPLICATED}
        return initial

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        obj = self.get_object(request, object_id) if object_id else None
        like = row_of(self.get_queryset(request), request.GET.get("like", "")) if obj is None else None
        owner = _owner(request, obj)
        may_type = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        context = {
            "owner": owner,
            "owner_kind": kind_of(owner) if owner else None,
            "owner_url": kind_of(owner).url(owner) if owner else "",
            "palette": shown_palette() if may_type else None,
            "networks": names(),
            "may_name_actions": may_name_actions(request),
            "recent_actions": recent_actions(request, owner) if may_type else [],
            "duplicated": like if owner is None else None,
            "restored": restored(request, obj),
            "unsaved": "version" in request.GET,
            **(extra_context or {}),
        }
        return super().changeform_view(request, object_id, form_url, context)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """What is folded opens by itself where something in it is set."""
        shown = context["adminform"]
        shown.fieldsets = [(name, unfolded(shown.form, options)) for name, options in shown.fieldsets]
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Postback, form: Any, change: bool) -> None:
        """What looks wrong is said at the save as well: the preview may never have been looked at."""
        super().save_model(request, obj, form, change)
        for warning in postback_warnings(obj):
            self.message_user(request, warning, messages.WARNING)
        if change:
            offer_to_try_now(request, obj, form.changed_data)

    def response_add(self, request: HttpRequest, obj: Postback, post_url_continue: Any = None) -> HttpResponse:
        answer = super().response_add(request, obj, post_url_continue)
        if "_addanother" in request.POST:
            return redirect(f"{kind_of(obj.owner).add_url(obj.owner)}&like={obj.pk}")
        return answer

    def response_post_save_add(self, request: HttpRequest, obj: Postback) -> HttpResponseRedirect:
        return redirect(kind_of(obj.owner).url(obj.owner))

    def response_change(self, request: HttpRequest, obj: Postback) -> HttpResponse:
        answer = super().response_change(request, obj)
        if "_addanother" in request.POST:
            return redirect(f"{kind_of(obj.owner).add_url(obj.owner)}&like={obj.pk}")
        return answer

    def response_post_save_change(self, request: HttpRequest, obj: Postback) -> HttpResponseRedirect:
        return redirect(kind_of(obj.owner).url(obj.owner))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Postback]:
        """Postbacks of networks belong to Optimize, which has its own permission."""
        rows: QuerySet[Postback] = super().get_queryset(request)
        return rows if request.user.has_perm(_OPTIMIZE) else rows.filter(media_source__isnull=True)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return FailingFirst

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            *sample_urls(view),
            path("preview/", view(preview_view), {"model_admin": self}, name="postbacks_postback_preview"),
            path("test/", view(test_view), {"model_admin": self}, name="postbacks_postback_test"),
            path("convert/", view(convert_view), {"model_admin": self}, name=CONVERT),
            path("<int:pk>/signing/", view(signing_view), {"model_admin": self}, name=SIGNING),
            path("<int:pk>/versions/", view(versions_view), {"model_admin": self}, name=VERSIONS),
            path("<int:pk>/pause/", view(self.pause_view), name="postbacks_postback_pause"),
            path("<int:pk>/resume/", view(self.resume_view), name="postbacks_postback_resume"),
        ]
        return own + super().get_urls()

    def pause_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._switch(request, pk, pause, "paused: deliveries are collected, and go out when you resume it")

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._switch(request, pk, resume, "resumed: what was collected goes out at its allowed rate")

    def _switch(self, request: HttpRequest, pk: int, change: Callable[[Postback], None], done: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        postback = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, postback):
            raise PermissionDenied
        with transaction.atomic():
            locked = Postback.objects.select_for_update(no_key=True).get(pk=pk)
            stale = is_stale(request, locked.paused_at)
            if not stale:
                change(locked)
                self.log_change(request, locked, f"Was {done.partition(':')[0]}.")
        if stale:
            self.message_user(request, _LEFT.format(postback), messages.WARNING)
        else:
            self.message_user(request, f"{postback} is {done}.", messages.SUCCESS)
        if "from-held" in request.POST:
            return redirect("admin:postbacks_lane_changelist")
        return redirect(kind_of(postback.owner).url(postback.owner))

    def has_change_permission(self, request: HttpRequest, obj: Postback | None = None) -> bool:
        return (obj is None or obj.deleted_at is None) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Postback | None = None) -> bool:
        return (obj is None or obj.deleted_at is None) and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Iterable[Postback], request: HttpRequest) -> Any:
        """The text of the confirmation page: the postbacks, and how many deliveries are cancelled with each."""
        lines = [f"{postback} ({_cancelled(pending_count(postback), 'will be')})" for postback in objs]
        return lines, {"postbacks": len(lines)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Postback) -> None:
        self._delete(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Postback]) -> None:
        self._delete(request, queryset)

    def _delete(self, request: HttpRequest, postbacks: Iterable[Postback]) -> None:
        for postback in postbacks:
            self.message_user(request, f"{postback}: {_cancelled(delete_postback(postback), 'were')}.")

    @admin.action(description="Pause selected postbacks", permissions=["change"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Postback]) -> None:
        postbacks = list(queryset.filter(deleted_at__isnull=True, paused_at__isnull=True))
        for postback in postbacks:
            pause(postback)
        text = f"Paused {len(postbacks)}. Deliveries are collected, and go out when you resume."
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description="Resume selected postbacks", permissions=["change"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Postback]) -> None:
        postbacks = list(queryset.filter(deleted_at__isnull=True, paused_at__isnull=False))
        for postback in postbacks:
            resume(postback)
        self.message_user(request, f"Resumed {len(postbacks)}.", messages.SUCCESS)

    @admin.display(description="Name", ordering="name")
    def cut_name(self, postback: Postback) -> SafeString:
        return cut(postback.name)

    @admin.display(description="Owner")
    def owned_by(self, postback: Postback) -> SafeString:
        return cut(str(postback.owner))

    @admin.display(description="Event type", ordering="action_tracker__name")
    def event_type(self, postback: Postback) -> SafeString:
        return cut(str(postback.action_tracker))

    @admin.display(description="Calls")
    def calls(self, postback: Postback) -> str:
        return place_called(postback.url)

    @admin.display(description="Minimum Delay")
    def delay(self, postback: Postback) -> str:
        return format_duration(postback.minimum_delay_seconds)

    @admin.display(description="Secret headers")
    def masked_headers(self, postback: Postback) -> str:
        return masked_lines(postback.secret_headers) or "-"

    @admin.display(description="Password")
    def masked_password(self, postback: Postback) -> str:
        return MASK if postback.basic_password else "-"

    @admin.display(description="Client secret")
    def masked_client_secret(self, postback: Postback) -> str:
        return MASK if postback.oauth_client_secret else "-"

    @admin.display(description="Its private key")
    def masked_key(self, postback: Postback) -> str:
        return MASK if postback.client_key else "-"

    @admin.display(description="The certificate is that of")
    def certificate_in_words(self, postback: Postback) -> str:
        return in_words(postback.client_certificate, timezone.now()) or "-"

    @admin.display(description="Conditions")
    def conditions_in_words(self, postback: Postback) -> str:
        return conditions_in_words(postback).get("conditions", "-")

    @admin.display(description="State")
    def state(self, postback: Postback) -> str:
        return state_of(postback).text

    @admin.display(description="State")
    def shown_state(self, postback: Any) -> SafeString:
        """In the list: as on the screen of its owner, with the reason and a link if it is failing."""
        state = postback.row.state
        if state.key == "failing":
            return render_to_string(
                "admin/postbacks/postback/state.html", {"row": postback.row, "may_log": postback.may_log}
            )
        said = "" if state.key == "active" else state.text
        shown = '<span class="pp-state {}">{}</span><span class="pp-said">{}</span>'
        return format_html(shown, state.key, state.label, said)

    @admin.display(description="Success")
    def success(self, postback: Any) -> SafeString:
        return rates_of(postback.row)

    @admin.display(description="Sent in 24 h")
    def sent(self, postback: Any) -> str:
        return f"{postback.row.sent.count:,}"

    @admin.display(description="Signature")
    def signature(self, postback: Postback) -> str:
        return "Requests are signed" if postback.signed else "Requests are not signed"

    @admin.display(description="Signature")
    def signing(self, postback: Postback) -> SafeString:
        """The same with a link to the keys."""
        url = reverse(f"admin:{SIGNING}", args=[postback.pk])
        return format_html('{} (<a href="{}">signing</a>)', self.signature(postback), url)

    @admin.display(description="Waiting deliveries")
    def waiting(self, postback: Postback) -> str | SafeString:
        if postback.pk is None:
            return "-"
        url = f"{reverse('admin:postbacks_delivery_changelist')}?postback={postback.pk}"
        return format_html('{} (<a href="{}">all deliveries</a>)', pending_count(postback), url)


def _cancelled(count: int, verb: str) -> str:
    noun = "waiting delivery" if count == 1 else "waiting deliveries"
    return f"{count} {noun} {verb.replace('were', 'was') if count == 1 else verb} cancelled"
