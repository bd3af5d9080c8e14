"""Causes in data and code: field, function, type; and texts where there is nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from payments.causes import STAGES, Cause, Subject, classify, in_general
from payments.observability.masking import Masker
from tests.unit.causes.test_outside import failure

MASK = Masker(["known-secret-1"])
CHARGE = Subject(provider="stripe", event_type="charge.refunded")
PAYOUT = Subject(provider="stripe", event_type="payout.failed")
PAYPAL = Subject(provider="paypal", event_type="charge.refunded")


def of_customer() -> None:
    {}["customer"]  # type: ignore[index]


def of_amount() -> None:
    {}["amount"]  # type: ignore[index]


def elsewhere() -> None:
    {}["customer"]  # type: ignore[index]


def cause_of(act: Callable[[], Any], subject: Subject = CHARGE) -> Cause:
    return classify(failure(act), subject, MASK)


def test_field_function_type_and_provider_tell_causes_apart() -> None:
    causes = [
        cause_of(of_customer),
        cause_of(of_amount),
        cause_of(elsewhere),
        cause_of(of_customer, PAYOUT),
        cause_of(of_customer, PAYPAL),
    ]
    assert len({cause.fingerprint for cause in causes}) == len(causes)
    assert cause_of(of_customer).fingerprint == causes[0].fingerprint
    assert causes[0].says == "KeyError at customer in of_customer, for stripe charge.refunded"
    assert causes[0].frame == f"{__name__}:of_customer"


def test_a_line_more_does_not_make_another_cause() -> None:
    code = "{}def parse(event):\n    return event['customer']\n"
    causes = []
    for before in ("", "\n\n\n"):
        module: dict[str, Any] = {"__name__": "shop.handlers"}
        exec(compile(code.format(before), "/shop/handlers.py", "exec"), module)  # noqa: S102
        causes.append(cause_of(lambda parse=module["parse"]: parse({})))
    assert causes[0] == causes[1]
    assert causes[0].frame == "shop.handlers:parse"


@pytest.mark.parametrize(
    "key", ["cus_AbCdEf12", "jane@example.com", "Jane Doe", "4111111111111111", "known-secret-1"]
)
def test_a_key_that_may_be_a_value_is_not_told(key: str) -> None:
    cause = cause_of(lambda: {}[key])  # type: ignore[index]
    assert cause.field == "…"
    assert key not in str(cause)


class ValidationError(Exception):
    """As marshmallow has it, or pydantic."""

    def __init__(self, messages: Any = None, errors: Any = None) -> None:
        super().__init__("what an event says")
        self.messages, self.errors = messages, errors


@pytest.mark.parametrize(
    "error",
    [
        ValidationError(messages={"customers": {0: {"email": ["Not a valid address."]}}}),
        ValidationError(errors=lambda: [{"loc": ("customers", 0, "email"), "input": "jane"}]),
    ],
)
def test_the_path_of_a_validation_is_the_field(error: Exception) -> None:
    cause = classify(error, CHARGE, MASK)
    assert cause.field == "customers.*.email"
    assert "jane" not in str(cause)


def test_an_exception_without_a_place_has_its_text_in_general() -> None:
    first = classify(ValueError("cannot pay 12.50 EUR for cus_AbCdEfGh"), CHARGE, MASK)
    second = classify(ValueError("cannot pay 7 USD for cus_ZyXwVuTs"), CHARGE, MASK)
    third = classify(ValueError("cannot refund 7 USD for cus_ZyXwVuTs"), CHARGE, MASK)
    assert first.fingerprint == second.fingerprint != third.fingerprint
    assert first.message == "cannot pay # for #"


class Hostile(Exception):
    """All that can be asked of it fails."""

    def __str__(self) -> str:
        raise RuntimeError

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class Endless(Exception):
    @property
    def reason(self) -> BaseException:
        return Endless()


def looped() -> BaseException:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    return first


def deep() -> None:
    deep()


@pytest.mark.parametrize(
    "error",
    [
        Hostile(),
        Endless(),
        looped(),
        SystemExit(3),
        KeyError(),
        KeyError({"a": 1}),
        ExceptionGroup("several", [ConnectionRefusedError(), KeyError("x")]),
        type("Näme" * 100, (Exception,), {})("\x00\ud800" * 5000),
        failure(deep),
    ],
    ids=lambda error: type(error).__name__[:4],
)
def test_nothing_makes_it_raise_or_grow(error: BaseException) -> None:
    cause = classify(error, CHARGE, MASK)
    assert cause.stage in STAGES
    assert len(cause.error_type) <= 255
    assert len(cause.says) <= 1000
    for text in (cause.error_type, cause.says, cause.message or ""):
        assert "\x00" not in text
        text.encode()


@pytest.mark.parametrize(
    ("text", "general"),
    [
        ("no order 4711", "no order #"),
        ("no order 'Jane'", "no order '…'"),
        ("timeout after 3.5 s", "timeout after # s"),
        ("see https://x.test/a?b=c now", "see # now"),
        ("id 9b2f0c1e-7a55-4f0e-9d0a-0a1b2c3d4e5f is odd", "id # is odd"),
        ("jane@example.com is unknown", "[masked] is unknown"),
        ("amount_captured is missing", "amount_captured is missing"),
        ("", ""),
    ],
)
def test_texts_lose_their_particulars(text: str, general: str) -> None:
    assert in_general(text, MASK) == general
