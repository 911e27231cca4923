"""The pages of contracts, with the figures of the postbacks that they make fire."""

# Django fixes the names of the arguments of its hooks, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from partners.admin import ContractAdmin
from partners.models import Contract
from postbacks.admin.integrations.lists import ContractsByState, ContractsOfProgram, LeadsHome, ShowsFigures, cut
from postbacks.admin.integrations.owners import PARTNER

admin.site.unregister(Contract)


@admin.register(Contract)
class ContractWithFiguresAdmin(ShowsFigures, ContractAdmin):
    """Sent and Success are of the partner's postbacks for event types of the program."""

    list_display: Any = ("cut_partner", "cut_program", "start", "end", "sent", "success")
    list_display_links: Any = ("cut_partner", "start")
    list_filter: ClassVar[Any] = (ContractsOfProgram, ContractsByState, "start", "end")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return LeadsHome

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        if request.user.has_perm("postbacks.view_postback"):
            return shown
        return tuple(name for name in shown if name not in ("sent", "success"))

    @admin.display(description="Partner", ordering="partner__name")
    def cut_partner(self, contract: Contract) -> SafeString:
        return cut(str(contract.partner))

    @admin.display(description="Program", ordering="program__name")
    def cut_program(self, contract: Contract) -> SafeString:
        return cut(str(contract.program))

    def response_post_save_add(self, request: HttpRequest, obj: Contract) -> HttpResponseRedirect:
        return _to_partner(request, obj) or super().response_post_save_add(request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: Contract) -> HttpResponseRedirect:
        return _to_partner(request, obj) or super().response_post_save_change(request, obj)


def _to_partner(request: HttpRequest, contract: Contract) -> HttpResponseRedirect | None:
    """Back to the partner's page, for users who may see it."""
    sees = request.user.has_perms(["partners.view_partner", "postbacks.view_postback"])
    return redirect(PARTNER.url(contract.partner)) if sees else None
