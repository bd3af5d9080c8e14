"""The official SDKs' cases for `Stripe-Signature`, judged by the strictest of them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from payments.errors import MalformedEvent, SignatureError
from payments.providers.base import Delivery
from payments.providers.signatures import LabelledSecret
from payments.providers.stripe import HEADER, Stripe, parse_signature_header

# What an SDK refuses only after the signature was found to be right, or because of the type that
# its caller passes. All of them are genuine deliveries.
GENUINE = (
    "accept",
    "reject:json",
    "reject:thin_event",
    "reject:not_thin",
    "reject:payload_type",
    "reject:api_version",
)
REFUSED = (
    "reject:malformed_header",
    "reject:missing_header",
    "reject:header_is_list",
    "reject:no_payload",
    "reject:no_expected_scheme",
    "reject:no_match",
    "reject:timestamp",
)
# The SDKs can be told not to look at the timestamp. We cannot.
USUAL_TOLERANCE = 300


@pytest.fixture(scope="module")
def cases(vectors: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((vectors / "stripe_signature_cases.json").read_text())
    return loaded


def is_genuine(case: dict[str, Any]) -> bool:
    """What the case expects, where each SDK has its own opinion: what the strictest one does."""
    if case["tolerance"] is None:
        return False
    expected = case["expect"]
    opinions = list(expected.values()) if isinstance(expected, dict) else [expected]
    verdicts = []
    for opinion in opinions:
        assert opinion.startswith((*GENUINE, *REFUSED)), opinion
        verdicts.append(opinion.startswith(GENUINE))
    return all(verdicts)


def delivery_of(case: dict[str, Any]) -> Delivery:
    header = case["header"]
    if case["expect"] == "reject:header_is_list":
        header = f"{header},{header}"  # how a header that was sent twice reaches us
    return Delivery(
        provider="stripe",
        account="default",
        body=base64.b64decode(case["payload_b64"]),
        headers={} if header is None else {HEADER: header},
        received_at=datetime.fromtimestamp(case["now"], UTC),
    )


def stripe_of(case: dict[str, Any]) -> Stripe:
    secret = LabelledSecret("secret", case["secret"].encode())
    return Stripe(secrets=(secret,), tolerance_seconds=case["tolerance"] or USUAL_TOLERANCE)


def test_the_official_cases_get_the_verdict_of_the_strictest_sdk(
    cases: list[dict[str, Any]],
) -> None:
    verdicts = {}
    for case in cases:
        try:
            stripe_of(case).prove(delivery_of(case))
            verdicts[case["id"]] = True
        except SignatureError:
            verdicts[case["id"]] = False
    assert verdicts == {case["id"]: is_genuine(case) for case in cases}
    assert sorted(set(verdicts.values())) == [False, True]
    assert len(verdicts) == len(cases) >= 39


def test_a_signed_body_that_is_not_json_is_refused_for_that_and_not_for_its_signature(
    cases: list[dict[str, Any]],
) -> None:
    broken = [case for case in cases if case["expect"] == "reject:json"]
    assert broken
    for case in broken:
        with pytest.raises(MalformedEvent):
            stripe_of(case).verify(delivery_of(case))


def test_every_case_is_refused_under_another_secret(cases: list[dict[str, Any]]) -> None:
    for case in cases:
        with pytest.raises(SignatureError):
            stripe_of({**case, "secret": "whsec_another"}).prove(delivery_of(case))


def test_an_empty_secret_verifies_nothing(cases: list[dict[str, Any]]) -> None:
    for case in cases:
        with pytest.raises(SignatureError):
            stripe_of({**case, "secret": ""}).prove(delivery_of(case))


@pytest.mark.parametrize(
    ("seconds", "genuine"), [(-301, False), (-300, True), (300, True), (301, False)]
)
def test_the_tolerance_holds_in_both_directions(seconds: int, genuine: bool) -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    stripe = Stripe(secrets=(LabelledSecret("secret", b"whsec_a"),), tolerance_seconds=300)
    signed_at = datetime.fromtimestamp(now.timestamp() + seconds, UTC)
    header = stripe.sign(b"{}", signed_at)["Stripe-Signature"]
    delivery = Delivery(
        provider="stripe", account="default", body=b"{}", headers={HEADER: header}, received_at=now
    )
    if genuine:
        assert stripe.prove(delivery).secret_label == "secret"
    else:
        with pytest.raises(SignatureError, match="could not be verified"):
            stripe.prove(delivery)


def test_the_header_is_read_into_its_timestamp_and_its_v1_signatures() -> None:
    parsed = parse_signature_header("v0=a,t=17,v1=b,v1=c,v2=d")
    assert (parsed.timestamp, parsed.signatures) == (17, ("b", "c"))


@pytest.mark.parametrize("separator", [", ", ",\t", " ,"])
def test_a_header_that_a_server_joined_from_two_is_refused(separator: str) -> None:
    with pytest.raises(SignatureError):
        parse_signature_header(separator.join(["t=17,v1=b"] * 2))
