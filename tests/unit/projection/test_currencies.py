"""Money on the wire of each provider, in minor units of ISO 4217, and as people read it."""

from __future__ import annotations

from typing import Any

import pytest

from payments.projection.currencies import (
    DIGITS,
    ISO_0,
    ISO_2,
    ISO_3,
    ISO_4,
    display,
    paypal_money,
    stripe_money,
)
from payments.projection.money import Money, Unreadable

STRIPE = [
    (1000, "usd", 1000, "USD"),
    (0, "eur", 0, "EUR"),
    (-25000, "usd", -25000, "USD"),
    (500, "jpy", 500, "JPY"),
    (500, "krw", 500, "KRW"),
    (5, "mga", 500, "MGA"),
    (1000, "isk", 10, "ISK"),
    (500000, "ugx", 5000, "UGX"),
    (100000, "huf", 100000, "HUF"),
    (800, "twd", 800, "TWD"),
    (5120, "kwd", 5120, "KWD"),
    (10**15, "idr", 10**15, "IDR"),
]
PAYPAL = [
    ("30.00", "USD", 3000),
    ("1001", "USD", 100100),
    ("1001.", "USD", 100100),
    (".5", "EUR", 50),
    ("-0.15", "USD", -15),
    ("1000", "HUF", 100000),
    ("1000.00", "HUF", 100000),
    ("1000", "JPY", 1000),
    ("1000", "TWD", 100000),
    ("0.10", "GBP", 10),
    ("90071992547409.93", "USD", None),
]


@pytest.mark.parametrize(("amount", "currency", "minor", "code"), STRIPE)
def test_stripes_smallest_unit_becomes_that_of_iso(
    amount: int, currency: str, minor: int, code: str
) -> None:
    assert stripe_money(amount, currency) == Money(minor, code)


@pytest.mark.parametrize(("value", "currency", "minor"), PAYPAL)
def test_paypals_decimals_become_minor_units_exactly(
    value: str, currency: str, minor: int | None
) -> None:
    read = paypal_money({"value": value, "currency_code": currency})
    assert read == paypal_money({"total": value, "currency": currency})
    if minor is None:
        assert isinstance(read, Unreadable)
    else:
        assert read == Money(minor, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "kind"),
    [
        ("1000", "usd", "unreadable_amount"),
        (10.5, "usd", "unreadable_amount"),
        (True, "usd", "unreadable_amount"),
        (None, "usd", "unreadable_amount"),
        (10**400, "usd", "unreadable_amount"),
        ({}, "usd", "unreadable_amount"),
        (1000, "usx", "unknown_currency"),
        (1000, None, "unknown_currency"),
        (1000, ["usd"], "unknown_currency"),
        (1050, "isk", "excess_digits"),
        (199, "ugx", "excess_digits"),
    ],
)
def test_what_stripe_cannot_mean_is_said_to_be_unreadable(
    amount: Any, currency: Any, kind: str
) -> None:
    read = stripe_money(amount, currency)
    assert isinstance(read, Unreadable)
    assert read.kind == kind


@pytest.mark.parametrize(
    ("value", "currency", "kind"),
    [
        ("abc", "USD", "unreadable_amount"),
        ("1e3", "USD", "unreadable_amount"),
        ("NaN", "USD", "unreadable_amount"),
        ("1,000.00", "USD", "unreadable_amount"),
        ("\u0661\u0660", "USD", "unreadable_amount"),
        (".", "USD", "unreadable_amount"),
        ("", "USD", "unreadable_amount"),
        (" 1.00", "USD", "unreadable_amount"),
        ("9" * 33, "USD", "unreadable_amount"),
        (1000, "USD", "unreadable_amount"),
        (None, "USD", "unreadable_amount"),
        ("1.00", "ZZZ", "unknown_currency"),
        ("1.00", None, "unknown_currency"),
        ("822.016", "CZK", "excess_digits"),
        ("1.5", "JPY", "excess_digits"),
        ("1000.50", "HUF", "excess_digits"),
    ],
)
def test_what_paypal_cannot_mean_is_said_to_be_unreadable(
    value: Any, currency: Any, kind: str
) -> None:
    read = paypal_money({"value": value, "currency_code": currency})
    assert isinstance(read, Unreadable)
    assert read.kind == kind


@pytest.mark.parametrize("amount", [None, "1.00", [], 7])
def test_paypals_amount_must_be_an_object(amount: Any) -> None:
    assert isinstance(paypal_money(amount), Unreadable)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1250, "EUR", "12.50 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (1250, "JPY", "1250 JPY"),
        (1250, "KWD", "1.250 KWD"),
        (12345, "CLF", "1.2345 CLF"),
        (1250, "XYZ", "1250 minor units of XYZ (unknown exponent)"),
        (1250, None, "1250 minor units of an unknown currency (unknown exponent)"),
    ],
)
def test_people_read_money_with_its_decimals(amount: int, currency: str, text: str) -> None:
    assert display(amount, currency) == text


def test_no_currency_has_two_exponents() -> None:
    assert len(DIGITS) == len(ISO_0) + len(ISO_2) + len(ISO_3) + len(ISO_4)
    assert [DIGITS[code] for code in ("JPY", "KWD", "CLF", "MGA", "IQD")] == [0, 3, 4, 2, 3]
