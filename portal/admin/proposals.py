"""What partners propose: a list, and a page on which an operator compares, tries, approves or refuses."""

# Django fixes the names of the arguments of its hooks, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from partners.admin_kit import ModelAdmin, ShownOnly
from partners.opened_with import FIELD, Opened, read_opened
from portal.admin.proposal_page import page
from portal.models import Proposal
from portal.proposals.deciding import ChangedError, DecidedError, approve, refuse
from portal.proposals.telling import mail_partner, what_changes
from portal.proposals.trying import WrongProposalError
from postbacks.admin.deliveries.offer import offer_to_try_now
from postbacks.credentials.secrets.cipher import SecretUnreadableError

OPTIMIZE = "optimize_sources.view_mediasource"
MAY_DECIDE = ("portal.change_proposal", "postbacks.change_postback")
MOST_OF_A_REASON = 1000


@admin.register(Proposal)
class ProposalAdmin(ShownOnly, ModelAdmin):
    """Nothing of a proposal is edited: the permission to change one means to approve and to refuse."""

    list_display = ("id", "created_at", "state", "postback", "what", "who", "decided_at", "decided_by")
    list_display_links = ("id", "postback")
    list_filter = ("state",)
    list_select_related = (
        *("postback__partner", "postback__media_source"),
        *("link__partner", "link__media_source", "decided_by"),
    )
    search_fields = ("postback__name", "postback__partner__name", "postback__media_source__name", "link__name")
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        """Postbacks of networks belong to Optimize, which has its own permission."""
        rows: QuerySet[Proposal] = super().get_queryset(request)
        return rows if request.user.has_perm(OPTIMIZE) else rows.filter(postback__media_source__isnull=True)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/approve/", view(require_POST(self.approve_view)), name="portal_proposal_approve"),
            path("<int:pk>/refuse/", view(require_POST(self.refuse_view)), name="portal_proposal_refuse"),
            path("<int:pk>/test/", view(require_POST(self.test_view)), name="portal_proposal_test"),
        ]
        return own + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        proposal = self.get_object(request, object_id)
        if not self.has_view_permission(request, proposal) or request.method == "POST":
            raise PermissionDenied
        if proposal is None:
            raise Http404(f"There is no proposal {object_id}.")
        return page(self, request, proposal)

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        proposal = self._to_decide(request, pk)
        seen = read_opened(request.POST.get(FIELD, "")) or Opened("", 0)  # A request without it has seen nothing.
        reason = request.POST.get("reason", "")[:MOST_OF_A_REASON]
        try:
            proposal, outcome = approve(pk, request.user, seen, reason)
        except DecidedError as error:
            return self._decided_already(request, error.proposal)
        except ChangedError as error:
            return page(self, request, proposal, conflict=error.conflict, reason=reason)
        except (WrongProposalError, SecretUnreadableError) as error:
            self.message_user(request, f"Not approved: {error}", messages.ERROR)
            return redirect("admin:portal_proposal_change", pk)
        said = f"Changed as {proposal.author} proposed: proposal {pk}, approved."
        self.log_change(request, proposal.postback, said)
        self._tell(request, proposal, f"{proposal.postback} is changed as proposed.")
        for warning in outcome.warnings:
            self.message_user(request, warning.message, messages.WARNING)
        offer_to_try_now(request, proposal.postback, {*proposal.values, *proposal.secrets})
        return redirect("admin:portal_proposal_change", pk)

    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        proposal = self._to_decide(request, pk)
        reason = request.POST.get("reason", "")[:MOST_OF_A_REASON].strip()
        if not reason:
            self.message_user(request, "Not refused: write a reason, which the partner reads.", messages.ERROR)
            return redirect("admin:portal_proposal_change", pk)
        try:
            proposal = refuse(pk, request.user, reason)
        except DecidedError as error:
            return self._decided_already(request, error.proposal)
        self.log_change(request, proposal.postback, f"What {proposal.author} proposed, proposal {pk}, was refused.")
        self._tell(request, proposal, f"{proposal.postback} stays as it is.")
        return redirect("admin:portal_proposal_change", pk)

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Sends what the postback would send, once: judged, but neither recorded nor retried."""
        proposal = self._to_decide(request, pk)
        if proposal.state != Proposal.State.WAITING:
            return self._decided_already(request, proposal)
        return page(self, request, proposal, send=True, reason=request.POST.get("reason", "")[:MOST_OF_A_REASON])

    def may_decide(self, request: HttpRequest) -> bool:
        return all(request.user.has_perm(each) for each in MAY_DECIDE)

    def _to_decide(self, request: HttpRequest, pk: int) -> Proposal:
        if not self.may_decide(request):
            raise PermissionDenied
        found = self.get_queryset(request).select_related(*self.list_select_related).filter(pk=pk).first()
        if found is None:
            raise Http404(f"There is no proposal {pk}.")
        return found

    def _decided_already(self, request: HttpRequest, proposal: Proposal) -> HttpResponse:
        text = f"{proposal} was left as it is: it is {proposal.get_state_display().lower()} already."
        self.message_user(request, text, messages.WARNING)
        return redirect("admin:portal_proposal_change", proposal.pk)

    def _tell(self, request: HttpRequest, proposal: Proposal, done: str) -> None:
        failed = mail_partner(proposal)
        told = " The partner is told by e-mail, and in its portal." if proposal.link.email and not failed else ""
        self.message_user(request, f"{done}{told}", messages.SUCCESS)
        if failed:
            text = f"The partner sees it in its portal, and could not be told by e-mail: {failed}"
            self.message_user(request, text, messages.WARNING)

    @admin.display(description="Changes")
    def what(self, proposal: Proposal) -> str:
        return what_changes(proposal)

    @admin.display(description="Proposed by")
    def who(self, proposal: Proposal) -> str:
        return proposal.author
