"""The address behind the form's box for a URL of another network."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db

URL = "https://partner.example/pb"


def pasted(client: Client, text: str, network: str = "") -> dict[str, object]:
    answer: dict[str, object] = client.post(
        reverse("admin:postbacks_postback_convert"), {"pasted": text, "pasted_from": network}
    ).json()
    return answer


def test_what_is_pasted_is_translated(root: Client) -> None:
    answer = pasted(root, f"{URL}?c=#s2#&x=#campid#")
    assert (answer["url"], answer["name"], answer["was_guessed"]) == (f"{URL}?c={{SubId2}}&x=#campid#", "CAKE", True)
    assert answer["problems"] == {}


@pytest.mark.parametrize(
    ("text", "network", "said"),
    [
        ("", "", "There is nothing to convert"),
        (f"{URL}?c={{sub1}}", "", "several networks"),
        (f"{URL}?c={{sub1}}", "nosuch", "Choose a network from the list."),
        (f"{URL}?c={{Payout}}", "tune", "already has placeholders"),
    ],
)
def test_what_cannot_be_translated_is_told(root: Client, text: str, network: str, said: str) -> None:
    answer = pasted(root, text, network)
    assert said in str(answer["error"])
    assert "url" not in answer


def test_users_who_may_not_set_up_postbacks_are_refused(client: Client) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_postback"))
    client.force_login(viewer)
    asked = {"pasted": f"{URL}?c=#s2#"}
    assert client.post(reverse("admin:postbacks_postback_convert"), asked).status_code == 403
    assert client.get(reverse("admin:postbacks_postback_convert")).status_code == 405
