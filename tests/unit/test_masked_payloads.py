"""What is seen of a payload: not the person, and never the card or a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from payments.observability.masked_json import masked_tree
from payments.observability.masking import MASK, Masker

SECRET = "a-known-secret-of-ours"
CARD = "4242 4242 4242 4242"
MASKER = Masker([SECRET])

PERSONAL = {
    "billing_details": {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "phone": "+44 20 7946 0958",
        "address": {"line1": "12 St James's Square", "city": "London", "postal_code": "SW1Y 4JH"},
    },
    "payer": {
        "name": {"given_name": "Ada", "surname": "Lovelace"},
        "phone": {"phone_number": {"national_number": 2079460958}},
        "birth_date": "1815-12-10",
        "tax_info": {"tax_id": "AB123456C"},
    },
    "customer_purchase_ip": "203.0.113.7",
    "metadata": {"gift_for": "Charles"},
    "description": "A difference engine for Ada",
    "evidence": {"uncategorized_text": "She wrote to us on Tuesday"},
    "receipt_url": "https://pay.stripe.com/receipts/payment/CAcaFwoV",
    "givenName": "Ada",
    "summary": "call +44 20 7946 0958 or ada@example.com",
}
SECRETS = {
    "client_secret": "pi_3Mtw_secret_YrKJUKribcBjcG8HVhfZluoGH",
    "note": f"known: {SECRET}",
    "said": f"my card is {CARD}",
    "number": 4242424242424242,
    "card": {"cvc": "123", "pin": 1234},
    "auth": {"access_token": {"id": "A21AAF", "value": "xyz"}},
    "again": "cs_test_1_secret_abcdefgh",
    "login": "https://example.com/login?token=abcdef",
    CARD: 1,
}
PLAIN = {
    "id": "evt_1",
    "amount": 1999,
    "value": "11.56",
    "currency": "eur",
    "created": 1700000000,
    "created_ms": 1700000000006,
    "status": "succeeded",
    "country_code": "GB",
    "customer": "cus_9s6XKzkNRiz8i3",
    "payer_id": "QYR5Z8XDVJNXQ",
    "card": {"last4": "4242", "brand": "visa", "cvc_check": "pass"},
    "create_time": "2016-06-09T20:39:36+00:00",
    "failure_message": "Your card was declined.",
    "address": {"country": "GB"},
    "phone_number_collection": {"enabled": False},
    "metadata": {"order_id": "6735"},
    "href": "https://api.paypal.com/v2/payments/captures/0LJ59124FR4411449",
    "nothing": None,
}


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("key", PERSONAL)
def test_personal_data_is_masked_and_can_be_revealed(key: str) -> None:
    given = {key: PERSONAL[key]}
    masked = masked_tree(given, MASKER)
    assert all(MASK in str(leaf) for leaf in leaves(masked.tree)), masked.tree
    assert masked.masked == len(leaves(given))
    assert masked_tree(given, MASKER, reveal=True).tree == given


@pytest.mark.parametrize("reveal", [False, True])
@pytest.mark.parametrize("key", SECRETS)
def test_card_numbers_and_secrets_are_never_shown(key: str, reveal: bool) -> None:
    shown = json.dumps(masked_tree({key: SECRETS[key]}, MASKER, reveal=reveal).tree)
    assert MASK in shown
    hidden = (SECRET, CARD, "4242424242424242", "YrKJ", "123", "A21AAF", "xyz", "abcdef")
    assert not [it for it in hidden if it in shown]


@pytest.mark.parametrize("key", PLAIN)
def test_ids_amounts_times_and_states_stay(key: str) -> None:
    shown = masked_tree({key: PLAIN[key]}, MASKER)
    assert (shown.tree, shown.masked) == ({key: PLAIN[key]}, 0)


def test_what_neither_a_page_nor_json_can_hold_is_replaced_and_keys_stay_apart() -> None:
    given = {"a@example.com": 1, "b@example.com": float("inf"), "text": "\ud800\0"}
    shown = masked_tree(given, MASKER).tree
    assert len(shown) == 3
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert "\ud800" not in str(shown)
    assert "example" not in str(shown)


def test_recorded_payloads_keep_their_ids_and_lose_their_addresses(vectors: Path) -> None:
    for file in sorted(vectors.glob("*_events/*.json")):
        given = json.loads(file.read_text())
        shown = masked_tree(given, MASKER).tree
        assert shown["id"] == given["id"], file.name
        assert MASKER(json.dumps(shown)) == json.dumps(shown), file.name
