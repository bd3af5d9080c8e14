"""The certificate scheme against a stand-in PayPal with an authority of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from payments.errors import ProviderUnavailable, SignatureError
from payments.providers.paypal.certificates import CertificateScheme
from payments.providers.paypal.provider import PayPal
from payments.providers.paypal.trust import load_trust
from tests.standins.certificates import Identity, issue
from tests.standins.deliveries import deliver, paypal_for
from tests.standins.paypal import CERTIFICATES, ISSUER, SIGNER_NAME, PayPalStandIn

BODY = b'{"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED"}'
CHAIN = "certificate does not chain to a trusted root"


@pytest.fixture
def standin() -> Iterator[PayPalStandIn]:
    with PayPalStandIn() as running:
        yield running


def refusal(paypal: PayPal, headers: dict[str, str], at: datetime | None = None) -> str:
    with pytest.raises(SignatureError) as caught:
        paypal.prove(deliver(BODY, headers, at))
    assert str(caught.value) == "The signature of this delivery could not be verified."
    return caught.value.reason


def served_by(standin: PayPalStandIn, signer: Identity, *more: Identity) -> dict[str, str]:
    """The headers of a delivery that `signer` signed, whose certificate the stand-in serves."""
    pem = b"".join(identity.pem for identity in (signer, *more))
    url = standin.serve_certificate("CERT-other", pem)
    return standin.deliver_headers(BODY, signer=signer, certificate_url=url)


def test_a_signed_delivery_is_genuine_and_its_certificate_fetched_once(
    standin: PayPalStandIn,
) -> None:
    paypal = paypal_for(standin)
    for _ in range(3):
        event = paypal.verify(deliver(BODY, standin.deliver_headers(BODY)))
        assert event.facts.event_id == "WH-1"
    assert standin.count() == standin.count(CERTIFICATES) == 1


def test_it_works_over_tls() -> None:
    with PayPalStandIn(tls=True) as standin:
        paypal_for(standin).prove(deliver(BODY, standin.deliver_headers(BODY)))


def test_a_server_with_a_foreign_tls_certificate_is_not_asked() -> None:
    with PayPalStandIn(tls=True) as standin:
        paypal = paypal_for(standin, PAYPAL_CA_FILE="")
        with pytest.raises(ProviderUnavailable):
            paypal.prove(deliver(BODY, standin.deliver_headers(BODY)))
        assert standin.count() == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/v1/notifications/certs/CERT-1",
        "https://evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example/#https://api.paypal.com/v1/notifications/certs/CERT-1",
        "http://169.254.169.254/v1/notifications/certs/CERT-1",
    ],
)
def test_a_foreign_certificate_host_is_refused_without_a_request(
    standin: PayPalStandIn, url: str
) -> None:
    headers = standin.deliver_headers(BODY, certificate_url=url)
    assert refusal(paypal_for(standin), headers) == "certificate URL is not PayPal's"
    assert standin.count() == 0


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("PAYPAL-AUTH-ALGO", "SHA1withRSA"),
        ("PAYPAL-AUTH-ALGO", "sha256withrsa"),
        ("PAYPAL-AUTH-ALGO", ""),
        ("PAYPAL-TRANSMISSION-SIG", "!!!!"),
        ("PAYPAL-TRANSMISSION-SIG", "A" * 688),
        ("PAYPAL-TRANSMISSION-SIG", "YR=="),
        ("PAYPAL-TRANSMISSION-ID", "a|b"),
        ("PAYPAL-TRANSMISSION-ID", "a b"),
        ("PAYPAL-TRANSMISSION-ID", "a" * 129),
        ("PAYPAL-TRANSMISSION-ID", "ä"),
        ("PAYPAL-TRANSMISSION-TIME", "2024-08-02"),
        ("PAYPAL-TRANSMISSION-TIME", "2024-08-02T19:33:35"),
        ("PAYPAL-TRANSMISSION-TIME", "1722627215"),
        ("PAYPAL-TRANSMISSION-TIME", "2018-19-12T22:20:32.000Z"),
        ("PAYPAL-TRANSMISSION-TIME", "0001-01-01T00:00:00+23:59"),
    ],
)
def test_what_can_be_refused_without_a_request_is(
    standin: PayPalStandIn, header: str, value: str
) -> None:
    headers = {**standin.deliver_headers(BODY), header: value}
    assert refusal(paypal_for(standin), headers)
    assert standin.count() == 0


@pytest.mark.parametrize("age", [timedelta(days=4), timedelta(minutes=-6)])
def test_a_time_outside_of_the_tolerance_is_refused_without_a_request(
    standin: PayPalStandIn, age: timedelta
) -> None:
    headers = standin.deliver_headers(BODY, time=datetime.now(UTC) - age)
    assert refusal(paypal_for(standin), headers) == "transmission time outside of the tolerance"
    assert standin.count() == 0


def test_the_time_is_signed_as_it_was_written(standin: PayPalStandIn) -> None:
    now = datetime.now(UTC)
    paypal = paypal_for(standin)
    written = now.strftime("%Y-%m-%dT%H:%M:%S.000+00:00")
    headers = standin.deliver_headers(BODY, time=written)
    paypal.prove(deliver(BODY, headers))
    same_moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert refusal(paypal, {**headers, "PAYPAL-TRANSMISSION-TIME": same_moment})


def test_fields_cannot_be_shifted_across_the_separator(standin: PayPalStandIn) -> None:
    """Signed for the webhook "A|B", a text may not pass as another split of itself."""
    headers = standin.deliver_headers(BODY, transmission_id="id", webhook_id="x|y")
    assert refusal(paypal_for(standin), headers) == "no signature matches"


def test_a_certificate_that_had_expired_by_the_transmission_is_refused(
    standin: PayPalStandIn,
) -> None:
    now = datetime.now(UTC)
    for start, end in [(-30, -2), (1, 30)]:
        signer = issue(
            SIGNER_NAME,
            standin.intermediate,
            valid_from=now + timedelta(days=start),
            valid_until=now + timedelta(days=end),
        )
        headers = served_by(standin, signer)
        assert refusal(paypal_for(standin), headers) == CHAIN


def test_a_certificate_that_expired_after_the_transmission_is_fine(
    standin: PayPalStandIn,
) -> None:
    now = datetime.now(UTC)
    signer = issue(
        SIGNER_NAME,
        standin.intermediate,
        valid_from=now - timedelta(days=9),
        valid_until=now - timedelta(days=1),
    )
    url = standin.serve_certificate("CERT-old", signer.pem)
    sent = now - timedelta(days=2)
    headers = standin.deliver_headers(BODY, time=sent, signer=signer, certificate_url=url)
    paypal_for(standin).prove(deliver(BODY, headers, now))


def test_an_elliptic_key_is_refused(standin: PayPalStandIn) -> None:
    signer = issue(SIGNER_NAME, standin.intermediate, key=ec.generate_private_key(ec.SECP256R1()))
    url = standin.serve_certificate("CERT-ec", signer.pem)
    headers = standin.deliver_headers(BODY, certificate_url=url)
    assert refusal(paypal_for(standin), headers) == "certificate has no RSA key"


def test_a_self_signed_certificate_in_paypals_name_is_refused(standin: PayPalStandIn) -> None:
    assert refusal(paypal_for(standin), served_by(standin, issue(SIGNER_NAME))) == CHAIN


def test_a_root_that_is_served_along_is_not_trusted_for_that(standin: PayPalStandIn) -> None:
    root = issue("Foreign Root", authority=True)
    signer = issue(SIGNER_NAME, root)
    assert refusal(paypal_for(standin), served_by(standin, signer, root)) == CHAIN


def test_a_foreign_authority_of_the_same_name_is_refused(standin: PayPalStandIn) -> None:
    key = issue("Impostor's key").key
    root = issue("Stand-in Root", authority=True, key=key)
    intermediate = issue("Stand-in Intermediate", root, authority=True, key=key)
    signer = issue(SIGNER_NAME, intermediate)
    headers = served_by(standin, signer, intermediate, root)
    assert refusal(paypal_for(standin), headers) == CHAIN


def test_a_leaf_cannot_issue_another_leaf(standin: PayPalStandIn) -> None:
    middle = issue("shop.example", standin.intermediate)
    headers = served_by(standin, issue(SIGNER_NAME, middle), middle)
    assert refusal(paypal_for(standin), headers) == CHAIN


@pytest.mark.parametrize("name", ["api.paypal.com", "shop.example", "x.paypal.com"])
def test_a_trusted_certificate_of_another_name_is_refused(
    standin: PayPalStandIn, name: str
) -> None:
    assert refusal(paypal_for(standin), served_by(standin, issue(name, standin.root))) == CHAIN


def test_the_sandboxes_name_is_good_for_the_sandbox_alone(standin: PayPalStandIn) -> None:
    signer = issue("messageverificationcerts.sandbox.paypal.com", standin.intermediate)
    headers = served_by(standin, signer)
    paypal_for(standin).prove(deliver(BODY, headers))
    assert refusal(paypal_for(standin, PAYPAL_MODE="live"), headers) == CHAIN


def test_intermediates_that_are_served_along_complete_the_chain(standin: PayPalStandIn) -> None:
    other = issue("Another Intermediate", standin.root, authority=True)
    paypal_for(standin).prove(deliver(BODY, served_by(standin, issue(SIGNER_NAME, other), other)))


def test_a_signature_of_another_key_is_refused(standin: PayPalStandIn) -> None:
    impostor = issue("impostor.example")
    headers = standin.deliver_headers(BODY, signer=impostor)
    assert refusal(paypal_for(standin), headers) == "no signature matches"


def without_intermediate(standin: PayPalStandIn, origin: str) -> PayPal:
    """A receiver that trusts the root alone, and fetches issuers from `origin`."""
    paypal = paypal_for(standin)
    assert isinstance(paypal.scheme, CertificateScheme)
    scheme = dataclasses.replace(
        paypal.scheme, trust=load_trust(standin.root.pem), issuer_origins=(origin,)
    )
    return dataclasses.replace(paypal, scheme=scheme)


def test_an_unknown_intermediate_is_fetched_once_from_where_its_authority_publishes_it(
    standin: PayPalStandIn,
) -> None:
    paypal = without_intermediate(standin, standin.base_url)
    for _ in range(2):
        paypal.prove(deliver(BODY, standin.deliver_headers(BODY)))
    assert standin.count(ISSUER) == 1


def test_an_intermediate_is_fetched_from_nowhere_else(standin: PayPalStandIn) -> None:
    same_length = standin.base_url.replace("127.0.0.1", "127.0.0.2")
    for origin in ("http://cacerts.digicert.com", same_length):
        paypal = without_intermediate(standin, origin)
        assert refusal(paypal, standin.deliver_headers(BODY)) == CHAIN
    assert standin.count(ISSUER) == 0


def test_a_strangers_certificate_makes_no_request_for_its_issuer(standin: PayPalStandIn) -> None:
    paypal = without_intermediate(standin, standin.base_url)
    url = standin.base_url + ISSUER
    stranger = issue("shop.example", standin.intermediate, issuer_url=url)
    assert refusal(paypal, served_by(standin, stranger)) == CHAIN
    assert standin.count(ISSUER) == 0


def test_a_fetched_issuer_that_is_no_authority_does_not_help(standin: PayPalStandIn) -> None:
    standin.serve(ISSUER, issue("Stand-in Intermediate").pem)
    paypal = without_intermediate(standin, standin.base_url)
    assert refusal(paypal, standin.deliver_headers(BODY)) == CHAIN


@pytest.mark.parametrize(
    "fault", ["404", "403", "204", "redirect", "html", "garbage", "huge", "endless", "gzip"]
)
def test_an_answer_that_is_no_certificate_is_a_bad_signature(
    standin: PayPalStandIn, fault: str
) -> None:
    standin.misbehave(CERTIFICATES, fault)
    paypal = paypal_for(standin)
    assert refusal(paypal, standin.deliver_headers(BODY)).startswith("certificate")
    assert refusal(paypal, standin.deliver_headers(BODY)).startswith("certificate")
    assert standin.count() == 1  # neither a redirect followed, nor asked again at once


@pytest.mark.parametrize("status", [201, 203, 206, 302, 404, 410])
def test_a_certificate_with_another_status_than_200_is_none(
    standin: PayPalStandIn, status: int
) -> None:
    standin.serve(CERTIFICATES + "CERT-standin-1", standin.signer.pem, status=status)
    reason = refusal(paypal_for(standin), standin.deliver_headers(BODY))
    assert reason == f"certificate URL answered {status}"


@pytest.mark.parametrize("fault", ["500", "503", "429", "drop", "cut"])
def test_a_paypal_in_trouble_is_unavailable_and_not_asked_again_at_once(
    standin: PayPalStandIn, fault: str
) -> None:
    standin.misbehave(CERTIFICATES, fault)
    paypal = paypal_for(standin)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            paypal.prove(deliver(BODY, standin.deliver_headers(BODY)))
    assert standin.count() == 1


def test_a_paypal_that_is_down_is_unavailable() -> None:
    with PayPalStandIn() as standin:
        paypal = paypal_for(standin)
        headers = standin.deliver_headers(BODY)
    with pytest.raises(ProviderUnavailable):
        paypal.prove(deliver(BODY, headers))
