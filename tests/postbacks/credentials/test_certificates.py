"""Client certificates, their keys, and authorities as an operator may give them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from notices.events import Event
from notices.models import Channel, Notice
from notices.watching.certificates import tell_of_certificates
from operations.doctor.certificates import look_at_certificates
from operations.doctor.finding import Level
from postbacks.credentials.asking.certificates import (
    authorities_problem,
    certificate_problem,
    ends_at,
    key_problem,
)
from tests.support.authorities import authority
from tests.support.delivery_rows import make_lane

SHOP, OTHER = authority().sign("shop"), authority().sign("other")


def test_a_certificate_with_its_chain_and_its_key_is_taken() -> None:
    chain = SHOP.certificate + authority().pem
    assert certificate_problem(chain) == key_problem(SHOP.key, chain) == authorities_problem(authority().pem) == ""


@pytest.mark.parametrize("text", ["PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", SHOP.key])
def test_what_is_no_certificate_is_refused_without_a_word_of_it(text: str) -> None:
    for problem in (certificate_problem(text), authorities_problem(text)):
        assert "certificate" in problem
        assert text.splitlines()[-1] not in problem or text == "PEM"


def test_keys_that_do_not_fit_are_refused() -> None:
    assert "does not belong to the certificate" in key_problem(OTHER.key, SHOP.certificate)
    assert "does not belong" in key_problem(SHOP.key, authority().pem + SHOP.certificate)
    assert "not a private key in PEM" in key_problem(SHOP.certificate, SHOP.certificate)
    key = load_pem_private_key(SHOP.key.encode(), None)
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        locked = key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"phrase")).decode()
        assert "protected by a passphrase" in key_problem(locked, SHOP.certificate)


def test_one_that_has_ended_and_an_authority_that_is_none_are_refused() -> None:
    assert "The certificate ended on" in certificate_problem(
        authority().sign("old", lasts=timedelta(hours=-1)).certificate
    )
    assert "CN=shop is not a certificate authority" in authorities_problem(SHOP.certificate)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("days", "told"),
    [(100, []), (29, ["ends within 30 days"]), (6, ["ends within 7 days"]), (-1, ["ended"])],
)
def test_operators_are_told_before_a_certificate_ends(days: int, told: list[str]) -> None:
    Channel.objects.create(name="chat", kind=Channel.Kind.SLACK, events=[Event.CERTIFICATE])
    pem = authority().sign("shop", lasts=timedelta(days=days)).certificate
    end = ends_at(pem)
    assert end is not None
    make_lane(client_certificate=pem)
    for _ in range(2):  # Once, however often it is looked.
        tell_of_certificates(datetime.now(UTC))
    titles = [notice.content["title"] for notice in Notice.objects.all()]
    assert [title.partition(":")[0] for title in titles] == [f"Certificate {word}" for word in told]
    [finding] = look_at_certificates()
    assert finding.level is (Level.WARNING if told else Level.OK)
