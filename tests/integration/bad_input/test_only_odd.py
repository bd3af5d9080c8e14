"""What only looks bad is genuine, so it is kept as it came and processed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from payments.handlers import HandledEvent, handles
from tests.integration.bad_input.cases import ARABIC, each_provider
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import SIGNED, encode, stripe_event

HUGE = 10**4000

ODD_CHANGES: dict[str, str] = {
    "unknown fields": '"zzz": {"a": [1, {"b": null}]}, "": "", "__proto__": {}, "$ref": "#"',
    "an escaped NUL": '"description": "a\\u0000b"',
    "a lone surrogate": '"description": "\\ud800"',
    "a swapped surrogate pair": '"\\udc00\\ud800": "\\udc00\\ud800"',
    "an emoji": '"description": "💳"',
    "300 braces within a string": f'"description": "{"[{" * 150}"',
    "braces behind an escaped quote": f'"description": "\\"{"[{" * 150}\\\\"',
    "braces in a key": f'"{"[{" * 150}": 1',
    "500 arrays beside each other": f'"description": [{", ".join(["[]"] * 500)}]',
    "64 levels": f'"description": {"[" * 63}{"]" * 63}',
    "an integer of 4,000 digits": f'"amount": {HUGE}',
    "a number that is infinite as a float": '"amount": 1e999',
    "minus zero": '"amount": -0.0',
    "markup": '"description": "<script>alert(1)</script>"',
    "an API version that is a number": '"api_version": 17, "resource_version": 2',
    "an API version of 10,000 characters": f'"api_version": "{"v" * 10_000}"',
    "an API version with a NUL": '"api_version": "\\u0000", "resource_version": "\\u0000"',
    "livemode as text": '"livemode": "yes"',
    "livemode null": '"livemode": null',
    "data null": '"data": null, "resource": null',
    "data as text": '"data": "object", "resource": "object"',
    "data as a list": '"data": [{"object": {"id": "x"}}], "resource": [{"id": "x"}]',
    "an object as text": '"data": {"object": "pi_1"}, "resource": {"invoice": "x"}',
    "an object's id as a list": '"data": {"object": {"id": ["x"]}}, "resource": {"id": ["x"]}',
    "an object's id with a surrogate": (
        '"data": {"object": {"id": "\\ud800"}}, "resource": {"id": "\\ud800"}'
    ),
    "an object's id of 10,000 characters": (
        f'"data": {{"object": {{"id": "{"x" * 10_000}"}}}}, "resource": {{"id": "{"x" * 10_000}"}}'
    ),
    "an account that is null": '"account": null, "context": null',
    "the same key twice": '"x": 1, "x": 2, "data": {"object": {"id": "a"}}, "data": {}',
}

TIMES = {
    "negative": "-1",
    "long ago": "-62135596800",
    "before all calendars": "-1e18",
    "the end of the calendar": "253402300799",
    "behind the calendar": "253402300800",
    "1e300": "1e300",
    "infinite": "1e999",
    "4,000 digits": str(HUGE),
    "text": '"yesterday"',
    "empty": '""',
    "a month 19": '"2024-19-01T00:00:00Z"',
    "year 1 and an offset": '"0001-01-01T00:00:00+14:00"',
    "year 9999 and an offset": '"9999-12-31T23:59:59-12:00"',
    "nanoseconds": '"2025-10-04T15:13:32.232083866Z"',
    "a surrogate": '"\\ud800"',
    "Arabic digits": f'"{"2024-01-01".translate(ARABIC)}"',
    "10,000 characters": json.dumps("2" * 10_000),
    "a list": "[1700000000]",
    "an object": "{}",
    "true": "true",
    "null": "null",
}

ODD = {
    **ODD_CHANGES,
    **{f"created: {name}": f'"created": {it}, "create_time": {it}' for name, it in TIMES.items()},
}


@each_provider
def test_odd_but_genuine_events_are_kept_byte_for_byte_and_processed(
    application: Application, provider: str
) -> None:
    seen: list[dict[str, Any]] = []

    @handles(provider, "*")
    def look(event: HandledEvent, *_: object) -> None:
        seen.append(event.data)

    for number, (case, members) in enumerate(ODD.items()):
        event = {**SIGNED[provider][0](), "id": f"evt_{number}"}
        body = f"{json.dumps(event)[:-1]}, {members}}}\r\n".encode()
        assert application.deliver(body, provider=provider).status_code == 200, case
        assert application.deliver(body, provider=provider).status_code == 200, case
        stored = application.sql(
            "SELECT body FROM event_payloads JOIN events ON id = event_payloads.event_id "
            "WHERE events.event_id = :id",
            id=f"evt_{number}",
        )
        assert [bytes(it) for (it,) in stored] == [body], case
    application.work()
    assert len(seen) == len(ODD)
    listed = application.events(limit=500)
    assert {it["status"] for it in listed} == {"processed"}
    assert {it["conflicts"] for it in listed} == {0}
    for it in listed:
        assert application.event(it["id"])["last_error"] is None


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_time_at_an_end_of_the_calendar_can_be_shown_in_every_time_zone_of_a_server(
    make_application: MakeApplication, database_url: str, zone: str
) -> None:
    separator = "&" if "?" in database_url else "?"
    url = f"{database_url}{separator}options=-ctimezone%3D{zone.replace('+', '%2B')}"
    application = make_application(DATABASE_URL=url)
    for created in (-62135596800, 253402300799):
        assert application.deliver(stripe_event(created=created)).status_code == 200
    assert len(application.events()) == 2


@each_provider
def test_of_a_key_that_stands_twice_the_last_one_counts(
    application: Application, provider: str
) -> None:
    event = {**SIGNED[provider][0](), "id": "evt_last"}
    body = b'{"id": "evt_first", ' + encode(event)[1:]
    response = application.deliver(body, provider=provider)
    assert response.get_json()["event_id"] == "evt_last"
