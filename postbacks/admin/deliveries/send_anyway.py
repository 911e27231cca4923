"""Send it anyway: an event goes to a postback that it did not fire."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from actions.models import ActionEvent
from partners.ids import row_of
from postbacks.admin.deliveries.views import LOG, OPTIMIZE, BulkActionsAdmin
from postbacks.delivery_log.history import ADDITION, note
from postbacks.matching import refusals
from postbacks.models import Delivery, Postback
from postbacks.replay.send_anyway import send_anyway
from postbacks.why.answers import may_be_sent


class SendAnywayAdmin(BulkActionsAdmin):
    """Adds it to the pages of the log, with the rights of Resend."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.send_anyway_view))
        return [path("send-anyway/", view, name="postbacks_delivery_send_anyway"), *super().get_urls()]

    def send_anyway_view(self, request: HttpRequest) -> HttpResponse:
        """Sends the `event` to the `postback` once, however often it is asked, and goes on to the delivery."""
        if not (self.has_resend_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied
        asked = _asked(request)
        if asked is None:
            self.message_user(request, "Nothing was sent: there is no such event or postback.", messages.WARNING)
            return redirect(LOG)
        event, postback = asked
        if not may_be_sent(postback, event):
            text = f"{postback} cannot get this event: it is deleted, of another event type, or another partner's."
            self.message_user(request, text, messages.WARNING)
            return redirect("admin:actions_action_change", event.action_id)
        made = send_anyway(event, postback.pk)
        if made is not None:
            why = " ".join(each.text for each in refusals(postback, event))
            note(request.user, [made], ADDITION, f"Sent although the event did not fire the postback. {why}".rstrip())
            self.message_user(request, f"{event.get_kind_display()} is sent to {postback}.", messages.SUCCESS)
            return redirect("admin:postbacks_delivery_change", made)
        self.message_user(request, f"{postback} has a delivery of this event already.", messages.WARNING)
        there = Delivery.objects.filter(event=event, postback=postback).order_by("-pk").values_list("pk", flat=True)
        return redirect("admin:postbacks_delivery_change", there[0])


def _asked(request: HttpRequest) -> tuple[ActionEvent, Postback] | None:
    """The event and the postback that the form names; None unless both exist and the user may see them."""
    related = ("action__partner", "action__action_tracker")
    event = row_of(ActionEvent.objects.select_related(*related), request.POST.get("event", ""))
    postbacks = Postback.objects.select_related("partner", "media_source", "action_tracker", "in_app_event")
    if not request.user.has_perm(OPTIMIZE):
        postbacks = postbacks.filter(media_source__isnull=True)
    postback = row_of(postbacks, request.POST.get("postback", ""))
    return None if event is None or postback is None else (event, postback)
