from django.contrib import admin
from django.templatetags.static import static
from django.urls import path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from actions.api.endpoints import api

urlpatterns = [
    path("admin/", admin.site.urls),
    # For clients that request it without reading the page.
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("config/favicon.svg"))),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("", api.urls),
]

handler500 = "config.failures.page_of_failure"
