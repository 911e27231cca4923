from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from accounts.second_factor.pages import set_up_page, verify_page
from accounts.second_factor.required import SET_UP, VERIFY
from accounts.time_zone.page import URL_NAME as TIME_ZONE
from accounts.time_zone.page import time_zone_page
from actions.api.endpoints import api
from config.search.view import search
from portal.api.mounting import mount as mount_partners
from postbacks.api.mounting import mount

admin.autodiscover()  # Where it was put off.
mount(api)
mount_partners(api)

urlpatterns = [
    # Before the theme's own, whose name its templates use.
    path("admin/search/", admin.site.admin_view(search), name="search"),
    path("admin/second-factor/", admin.site.admin_view(verify_page), name=VERIFY),
    path("admin/second-factor/set-up/", admin.site.admin_view(set_up_page), name=SET_UP),
    path("admin/time-zone/", admin.site.admin_view(time_zone_page), name=TIME_ZONE),
    path("admin/", admin.site.urls),
    path("portal/", include("portal.urls")),
    # For clients that request it without reading the page.
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("config/favicon.svg"))),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("", api.urls),
]

handler500 = "config.failures.page_of_failure"
