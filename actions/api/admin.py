"""The admin of tokens and of submissions."""

# Django names the arguments of what it calls back, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from actions.api.submit import process_again
from actions.api.token_form import TokenForm
from actions.api.tokens import new_token, revoke
from actions.models import ApiToken, Submission
from actions.reports.personal import WHY_HIDDEN, without_personal
from partners.admin_kit import LargeTable, ModelAdmin, ShownOnly, may_see_personal
from partners.ids import read_id

MOST_AT_ONCE = 1_000  # One after the other, while the browser waits; the command takes any number.


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    form = TokenForm
    list_display = ("name", "may", "for_programs", "created_at", "last_used_at", "revoked_at")
    fields = (
        *("name", "scopes", "every_program", "programs"),
        *("account_sid", "created_at", "last_used_at", "revoked_at"),
    )
    readonly_fields = ("account_sid", "created_at", "last_used_at", "revoked_at")
    actions = ("revoke_tokens",)

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return self.fields if obj else self.fields[:4]

    @admin.display(description="Scopes")
    def may(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @admin.display(description="Programs")
    def for_programs(self, token: ApiToken) -> str:
        return "All" if token.program_ids is None else ", ".join(map(str, token.program_ids))

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        text = new_token(obj)
        messages.success(
            request,
            format_html(
                "The token is <code>{}</code>, the account's SID <code>{}</code>. "
                "Copy it now: it is not shown again, only its hash is kept.",
                text,
                obj.account_sid,
            ),
        )

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False  # Its submissions name it; a revoked one does no harm.

    @admin.action(description="Revoke", permissions=["change"])
    def revoke_tokens(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        for token in tokens:
            revoke(token)
        messages.success(request, f"{len(tokens)} revoked: requests with them are refused from now on.")


@admin.register(Submission)
class SubmissionAdmin(ShownOnly, LargeTable):
    list_display = ("public_id", "kind", "order_id", "result", "reason_code", "received_at", "token", "action")
    list_select_related = ("token", "action")
    list_filter = ("result", "kind")
    search_fields = ("=id",)
    search_help_text = "A submission's id, such as A-17, an order id, or a reason code of refused ones."
    actions = ("process_refused",)

    def get_exclude(self, request: HttpRequest, obj: Submission | None = None) -> tuple[str, ...]:
        return ("fields", "notes") if may_see_personal(request) else ("fields", "notes", "message")

    def get_readonly_fields(self, request: HttpRequest, obj: Submission | None = None) -> tuple[str, ...]:
        if may_see_personal(request):
            return ("reported", "remarks")
        return ("reported_without_personal", "hidden_message", "hidden_remarks")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Submission], search_term: str
    ) -> tuple[QuerySet[Submission], bool]:
        term = search_term.strip()
        key = read_id(term.upper().removeprefix("A-"))
        if key is not None:
            return queryset.filter(Q(pk=key) | Q(order_id=term, order_id__gt="")), False
        if term and Submission.objects.filter(order_id=term, order_id__gt="").exists():
            return queryset.filter(order_id=term, order_id__gt=""), False
        if term:
            return queryset.filter(result=Submission.Result.REJECTED, reason_code=term.upper()), False
        return queryset, False

    @admin.display(description="Reported fields")
    def reported(self, submission: Submission) -> SafeString | str:
        if not submission.fields:
            return "Kept only while a report is refused or waits for its order."
        return format_html("<pre>{}</pre>", json.dumps(submission.fields, indent=2, ensure_ascii=False))

    @admin.display(description="Reported fields")
    def reported_without_personal(self, submission: Submission) -> SafeString | str:
        return self.reported(Submission(fields=without_personal(submission.fields)))

    @admin.display(description="Message")
    def hidden_message(self, submission: Submission) -> str:
        """It quotes what was reported."""
        return WHY_HIDDEN if submission.message else "-"

    @admin.display(description="Notes")
    def hidden_remarks(self, submission: Submission) -> str:
        """As the message."""
        return WHY_HIDDEN if submission.notes else "-"

    @admin.display(description="Notes")
    def remarks(self, submission: Submission) -> str:
        return "\n".join(submission.notes) or "-"

    def has_process_permission(self, request: HttpRequest) -> bool:
        """Whoever may change submissions may have refused ones processed again; nobody edits them."""
        return bool(request.user.has_perm("actions.change_submission"))

    @admin.action(description="Process again", permissions=["process"])
    def process_refused(self, request: HttpRequest, submissions: QuerySet[Submission]) -> None:
        chosen = submissions.filter(result=Submission.Result.REJECTED).order_by("id")[:MOST_AT_ONCE]
        refusals = [process_again(submission) for submission in chosen]
        still = [refusal for refusal in refusals if refusal is not None]
        if len(refusals) > len(still):
            messages.success(request, f"{len(refusals) - len(still)} recorded.")
        for refusal in still[:5]:
            messages.warning(request, f"Refused again: {refusal.reason_code}: {refusal.message}")
        if len(still) > 5:
            messages.warning(request, f"{len(still) - 5} more are refused still.")
        if not refusals:
            messages.info(request, "None of the chosen ones is refused: there is nothing to process.")
