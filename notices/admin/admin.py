"""The list and the page of channels: set up, test, see what the other side answered."""

# Django fixes the names of the arguments of its hooks, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from notices import clock
from notices.admin.form import ChannelForm
from notices.events import Event
from notices.models import Channel, Message
from notices.sending.testing import send_test
from partners.admin_kit import ModelAdmin, ModelForm
from partners.models import Program
from postbacks.credentials.secrets.cipher import encrypt
from postbacks.credentials.signing.signer import new_key

_SHOWN_MESSAGES = 5


@admin.register(Channel)
class ChannelAdmin(ModelAdmin):
    form = ChannelForm
    list_display = ("name", "kind", "told_of", "for_programs", "digest", "state")
    list_filter = ("kind", "active")
    search_fields = ("name",)
    change_form_outer_after_template = "admin/notices/channel/side.html"

    def get_fieldsets(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        """Without the right to change it, a channel is shown without its address."""
        if obj is not None and not self.has_change_permission(request, obj):
            shown = ("name", "kind", "told_of", "for_programs", "quiet_hours", "digest", "active")
            return [(None, {"fields": shown})]
        place = ("name",) if obj is not None and obj.from_settings else ("name", "kind", "address")
        return [
            (None, {"fields": (*place, "active")}),
            ("What it tells", {"fields": ("events", "quiet_hours", "every_program", "programs", "digest_hour")}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> tuple[str, ...]:
        shown_only = obj is not None and not self.has_change_permission(request, obj)
        return ("told_of", "for_programs", "digest") if shown_only else ()

    def get_form(self, request: HttpRequest, obj: Channel | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            kwargs["form"] = ModelForm  # There is nothing to type.
        return super().get_form(request, obj, change, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Channel | None = None) -> bool:
        """While the setting is there, its channel would come back at once."""
        if obj is not None and obj.from_settings and settings.POSTBACKS_NOTICE_EMAILS:
            return False
        return bool(super().has_delete_permission(request, obj))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What it was told goes with it; nobody needs the list."""
        return [str(each) for each in objs], {}, set(), []

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        """A webhook is signed from the start. A changed channel is tried at once: its address may be the remedy."""
        key = None
        if obj.kind == Channel.Kind.WEBHOOK and not obj.signing_key:
            key = new_key()
            obj.signing_key = encrypt(key)
        super().save_model(request, obj, form, change)
        Message.objects.filter(channel=obj, ended_at=None).update(next_try_at=clock.now())
        if key is not None:
            self._show_key(request, key)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        channel = self.get_object(request, object_id) if object_id else None
        context = dict(extra_context or {})
        if isinstance(channel, Channel):
            context |= {
                "channel": channel,
                "state": self.state(channel),
                "may_test": self.has_change_permission(request, channel),
                "webhook": channel.kind == Channel.Kind.WEBHOOK,
                "latest": Message.objects.filter(channel=channel).order_by("-made_at")[:_SHOWN_MESSAGES],
                "addresses_of_settings": channel.from_settings,
            }
        return super().changeform_view(request, object_id, form_url, context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/test/", view(require_POST(self.test_view)), name="notices_channel_test"),
            path("<int:pk>/new-key/", view(require_POST(self.new_key_view)), name="notices_channel_new_key"),
        ]
        return own + super().get_urls()

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Sends a message at once and says what the other side answered."""
        channel = self._channel(request, pk)
        outcome = send_test(channel)
        level = messages.SUCCESS if outcome.told else messages.ERROR
        word = "The test was sent." if outcome.told else "The test did not get through."
        self.message_user(request, f"{word} {outcome.said}", level)
        return redirect("admin:notices_channel_change", pk)

    def new_key_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        channel = self._channel(request, pk)
        if channel.kind != Channel.Kind.WEBHOOK:
            self.message_user(request, "Only a webhook is signed.", messages.ERROR)
            return redirect("admin:notices_channel_change", pk)
        key = new_key()
        channel.signing_key = encrypt(key)
        channel.save(update_fields=["signing_key"])
        self.log_change(request, channel, "Has a new signing key.")
        self._show_key(request, key)
        return redirect("admin:notices_channel_change", pk)

    def _channel(self, request: HttpRequest, pk: int) -> Channel:
        channel: Channel = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, channel):
            raise PermissionDenied
        return channel

    def _show_key(self, request: HttpRequest, key: str) -> None:
        text = "The signing key is <code>{}</code>. Give it to the receiver now: it is not shown again."
        messages.success(request, format_html(text, str(key)))

    @admin.display(description="Tells of")
    def told_of(self, channel: Channel) -> str:
        return ", ".join(str(Event(each).label) for each in channel.events if each in Event.values) or "-"

    @admin.display(description="Programs")
    def for_programs(self, channel: Channel) -> str:
        if channel.program_ids is None:
            return "All"
        names = Program.objects.filter(pk__in=channel.program_ids).order_by("name").values_list("name", flat=True)
        return ", ".join(names) or "-"

    @admin.display(description="Daily digest")
    def digest(self, channel: Channel) -> str:
        return channel.get_digest_hour_display() or "-"

    @admin.display(description="State")
    def state(self, channel: Channel) -> str:
        if not channel.active:
            return "Not active"
        if channel.from_settings and not settings.POSTBACKS_NOTICE_EMAILS:
            return "Silent: POSTBACKS_NOTICE_EMAILS is not set"
        if channel.failing_since is not None:
            return f"Failing since {timezone.localtime(channel.failing_since):%Y-%m-%d %H:%M}: {channel.last_answer}"
        return "Works" if channel.answered_at else "Nothing sent yet"
