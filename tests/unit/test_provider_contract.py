"""What every registered provider must do; a new one is tested by being registered.

It needs its line in tests/support/deliveries.py, which signs independently of the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from payments.config import DEFAULT_ACCOUNT
from payments.errors import MalformedEvent, SignatureError
from payments.models import utc_now
from payments.providers import REGISTERED
from payments.providers.base import Delivery, Provider
from tests.support.application import BASE_ENVIRONMENT, settings_for
from tests.support.deliveries import SIGNED, encode

NAMES = [provider.name for provider in REGISTERED]


@pytest.fixture(params=NAMES)
def provider(request: pytest.FixtureRequest) -> Provider:
    configured: Provider = settings_for(**BASE_ENVIRONMENT).providers[request.param][
        DEFAULT_ACCOUNT
    ]
    return configured


def delivery(provider: Provider, body: bytes, headers: Mapping[str, str]) -> Delivery:
    return Delivery(
        provider=provider.name,
        account=DEFAULT_ACCOUNT,
        body=body,
        headers={name.lower(): value for name, value in headers.items()},
        received_at=utc_now(),
    )


def signed(provider: Provider, event: Any = None) -> Delivery:
    make, sign = SIGNED[provider.name]
    body = event if isinstance(event, bytes) else encode(make() if event is None else event)
    return delivery(provider, body, sign(body))


def test_names_are_unique_and_every_provider_has_an_independent_signer() -> None:
    assert sorted(NAMES) == sorted(SIGNED)


def test_a_genuine_delivery_is_verified_and_its_facts_are_read(provider: Provider) -> None:
    event = SIGNED[provider.name][0]()
    verified = provider.verify(signed(provider, event))
    assert verified.provider == provider.name
    assert verified.account == DEFAULT_ACCOUNT
    assert verified.facts.event_id == event["id"]
    assert verified.facts.object_id
    assert verified.facts.provider_created_at is not None
    assert verified.facts.provider_created_at.tzinfo is not None
    assert verified.proof.secret_label


def test_the_label_of_a_secret_does_not_contain_it(provider: Provider) -> None:
    label = provider.verify(signed(provider)).proof.secret_label
    for secret in settings_for(**BASE_ENVIRONMENT).secrets:
        assert secret not in label


def test_a_delivery_without_any_header_is_refused(provider: Provider) -> None:
    with pytest.raises(SignatureError):
        provider.verify(delivery(provider, signed(provider).body, {}))


def test_every_changed_byte_of_the_body_is_noticed(provider: Provider) -> None:
    genuine = signed(provider)
    for position in range(len(genuine.body)):
        changed = bytearray(genuine.body)
        changed[position] ^= 1
        with pytest.raises(SignatureError):
            provider.verify(delivery(provider, bytes(changed), genuine.headers))


def test_the_signature_of_another_secret_is_refused(provider: Provider) -> None:
    body = encode(SIGNED[provider.name][0]())
    headers = SIGNED[provider.name][1](body, "another-secret-0123456789")
    with pytest.raises(SignatureError):
        provider.verify(delivery(provider, body, headers))


def test_all_refusals_say_the_same_to_the_client(provider: Provider) -> None:
    genuine = signed(provider)
    said = set()
    for headers in ({}, dict.fromkeys(genuine.headers, "x"), genuine.headers):
        with pytest.raises(SignatureError) as caught:
            provider.verify(delivery(provider, genuine.body + b" ", headers))
        said.add(str(caught.value))
    assert len(said) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"id": 1}'])
def test_what_is_signed_and_is_no_event_is_malformed(provider: Provider, body: bytes) -> None:
    with pytest.raises(MalformedEvent):
        provider.verify(signed(provider, body))


def test_what_it_signs_itself_it_verifies(provider: Provider) -> None:
    now = utc_now()
    body = encode(provider.sample("some.type", "evt_sample", now))
    verified = provider.verify(delivery(provider, body, provider.sign(body, now)))
    assert (verified.facts.event_type, verified.facts.event_id) == ("some.type", "evt_sample")


def test_two_bodies_with_another_content_contradict_each_other(provider: Provider) -> None:
    event = SIGNED[provider.name][0]()
    changed = {**event, provider.content_field: {}}
    assert provider.contradicts(encode(event), encode(changed))
    assert not provider.contradicts(encode(event), encode({**event, "pending_webhooks": 9}))
