"""Genuine events whose identifiers cannot be used."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.bad_input.cases import TYPE_FIELD, each_provider, one_database
from tests.support.application import Application
from tests.support.deliveries import SIGNED, stripe_event
from tests.support.refusals import assert_refused

BAD_IDENTIFIERS: dict[str, str] = {
    "null": "null",
    "a number": "17",
    "true": "true",
    "a list": '["evt_1"]',
    "an object": '{"id": "evt_1"}',
    "empty": '""',
    "256 characters": json.dumps("e" * 256),
    "10,000 characters": json.dumps("e" * 10_000),
    "a space": '"evt 1"',
    "a space behind it": '"evt_1 "',
    "a newline": '"evt\\n1"',
    "a newline behind it": '"evt_1\\n"',
    "an escaped NUL": '"evt\\u00001"',
    "DEL": '"evt\\u007f1"',
    "non-ASCII": '"évt_1"',
    "escaped non-ASCII": '"\\u00e9vt_1"',
    "a lone high surrogate": '"evt_\\ud800"',
    "a lone low surrogate": '"evt_\\udc00"',
    "a line separator": '"evt_\\u2028"',
}


@one_database
@each_provider
@pytest.mark.parametrize("field", ["id", "type"])
@pytest.mark.parametrize("case", BAD_IDENTIFIERS)
def test_an_event_whose_id_or_type_cannot_be_used_is_refused(
    application: Application, provider: str, field: str, case: str
) -> None:
    name = TYPE_FIELD[provider] if field == "type" else field
    event = {**SIGNED[provider][0](), name: "HERE"}
    body = json.dumps(event).replace('"HERE"', BAD_IDENTIFIERS[case]).encode()
    problem = assert_refused(application, application.deliver(body, provider=provider), 400)
    assert f'"{name}"' in problem["detail"]


@one_database
@each_provider
@pytest.mark.parametrize("field", ["id", "type"])
def test_an_event_without_id_or_type_is_refused(
    application: Application, provider: str, field: str
) -> None:
    event = SIGNED[provider][0]()
    del event[TYPE_FIELD[provider] if field == "type" else field]
    assert_refused(application, application.deliver(event, provider=provider), 400)


@each_provider
def test_an_id_and_a_type_of_255_characters_are_kept(
    application: Application, provider: str
) -> None:
    changes = {"id": "~" * 255, TYPE_FIELD[provider]: "!" * 255}
    event = {**SIGNED[provider][0](), **changes}
    assert application.deliver(event, provider=provider).status_code == 200
    [listed] = application.events(event_id="~" * 255, type="!" * 255)
    assert application.event(listed["id"])["event_type"] == "!" * 255


@one_database
@pytest.mark.parametrize("field", ["account", "context"])
@pytest.mark.parametrize(
    "value",
    [0, 17, 1.5, True, False, "", " ", "acct 1", "acct\0", "acct\n", "é", "a" * 256, [], ["a"], {}],
    ids=repr,
)
def test_a_connect_event_whose_account_cannot_be_used_is_refused(
    application: Application, field: str, value: Any
) -> None:
    response = application.deliver(stripe_event(**{field: value}))
    assert_refused(application, response, 400)
