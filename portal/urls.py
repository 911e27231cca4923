"""The addresses of the portal. Each but `open` is a `page`, which shows nothing to who has not opened a link; a new
page is one view there, one line here and one template. A test asks all of them for what is another's."""

from django.urls import path, re_path

from portal.pages import deliveries, delivery, guide, home, opening, postback, proposing, receiving, visit

app_name = "portal"
urlpatterns = [
    path("open/", opening.open_link, name="open"),
    path("enter/", opening.enter, name="enter"),
    path("leave/", opening.leave, name="leave"),
    path("", home.home, name="home"),
    path("deliveries/", deliveries.deliveries, name="deliveries"),
    path("deliveries/<int:pk>/", delivery.delivery, name="delivery"),
    path("deliveries/<int:pk>/resend/", delivery.resend_delivery, name="resend"),
    path("postbacks/<int:pk>/", postback.postback, name="postback"),
    path("postbacks/<int:pk>/test/", postback.test, name="test"),
    path("postbacks/<int:pk>/pause/", postback.pause_postback, name="pause"),
    path("postbacks/<int:pk>/resume/", postback.resume_postback, name="resume"),
    path("postbacks/<int:pk>/new-key/", postback.renew_key, name="new_key"),
    path("postbacks/<int:pk>/propose/", proposing.propose_change, name="propose"),
    path("proposals/<int:pk>/withdraw/", proposing.withdraw_proposal, name="withdraw"),
    path("receiving/", receiving.receiving, name="receiving"),
    path("guide/", guide.guide, name="guide"),
    re_path(r"^.*$", visit.nothing_here),  # Anything else looks like what does not exist.
]
