"""The page of an action, with its history and the postbacks that each event fired."""

# Django fixes the names of the arguments of its hooks, used or not.

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from actions.admin import ActionAdmin, ItemInline
from actions.models import Action
from postbacks.admin.deliveries.check_only import Trial, trials_of
from postbacks.admin.deliveries.timeline import MOST_EVENTS
from postbacks.admin.deliveries.why import story_of

admin.site.unregister(Action)


@admin.register(Action)
class ActionWithDeliveriesAdmin(ActionAdmin):
    inlines: ClassVar[Any] = (ItemInline,)  # The timeline shows its events.
    would_fire_template = "admin/postbacks/deliveries/would_fire.html"
    change_form_outer_before_template = "admin/postbacks/deliveries/timeline.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        action = self.get_object(request, object_id)
        context = {**(extra_context or {}), "most_events": MOST_EVENTS}
        if action is not None and self.has_view_permission(request, action):
            context["story"] = story_of(action, request)
        answer: HttpResponse = super().change_view(request, object_id, form_url, context)
        return answer

    def what_would_fire(self, request: HttpRequest, events: list[tuple[int, int]]) -> list[Trial]:
        return trials_of(events, request)
