"""The links of a partner or a network on its page."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from portal.models import PartnerLink
from postbacks.admin.integrations.owners import Owner, kind_of

_MOST: Final = 20  # The newest; the list has all.


def links_section(request: HttpRequest, owner: Owner) -> SafeString:
    """Those that are in force, with what operators do with them; nothing for who may not see links."""
    if not request.user.has_perm("portal.view_partnerlink"):
        return SafeString("")
    kind = kind_of(owner)
    rows = PartnerLink.objects.filter(**{kind.field: owner.pk}, revoked_at=None, ends_at__gt=timezone.now())
    context = {
        "owner": owner,
        "kind": kind,
        "links": rows.order_by("-pk")[:_MOST],
        "may_add": request.user.has_perm("portal.add_partnerlink"),
        "may_change": request.user.has_perm("portal.change_partnerlink"),
    }
    return render_to_string("admin/portal/section.html", context, request)
