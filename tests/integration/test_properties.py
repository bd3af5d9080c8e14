"""Thousands of variants of what can arrive, made up by hypothesis: never a 500, never a wrong row.

Derandomized: a run repeats the last one, and what it finds stays found.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from stripe import SignatureVerificationError, WebhookSignature
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from payments.app import create_app
from payments.errors import MalformedEvent, SignatureError
from payments.observability.trace_context import new_trace, request_id_of, trace_of
from payments.providers.base import DEEPEST_NESTING, Delivery, parse_object, parse_time
from payments.providers.signatures import labelled
from payments.providers.stripe import HEADER, Stripe, parse_signature_header
from tests.support.application import BASE_ENVIRONMENT, Application, settings_for
from tests.support.deliveries import (
    ADMIN_TOKEN,
    SIGNED,
    STRIPE_SECRET,
    encode,
    stripe_event,
    stripe_headers,
)
from tests.support.refusals import BAD_SIGNATURE, REQUEST_ID, TRACE_ID, check_problem

each_provider = pytest.mark.parametrize("provider", sorted(SIGNED))
TYPE_FIELD = {"stripe": "type", "paypal": "event_type"}
SIGNATURE_HEADER = {"stripe": "Stripe-Signature", "paypal": "X-Demo-Signature"}


def variants(number: int) -> Any:
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        # `own_handlers` runs around each test; it has nothing to do with the examples.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.fixture(scope="module")
def application(
    migrated_sqlite: Path, valkey_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """One for all examples: building it is what would take the time."""
    folder = tmp_path_factory.mktemp("properties")
    shutil.copy(migrated_sqlite, folder / "payments.db")
    environment = {
        **BASE_ENVIRONMENT,
        "DATABASE_URL": f"sqlite:///{folder / 'payments.db'}",
        "REDIS_URL": valkey_server,
        "VAR_DIR": str(folder),
        "LOG_LEVEL": "ERROR",
    }
    made = Application(create_app(settings_for(**environment)))
    yield made
    made.close()


def kept(application: Application) -> int:
    [(events,)] = application.sql("SELECT count(*) FROM events")
    return int(events)


def bodies_of(application: Application, provider: str, event_id: str) -> list[bytes]:
    """What was kept under an event's id: its own body, and those in conflict with it."""
    found = application.sql(
        "SELECT p.body FROM event_payloads p JOIN events e ON e.id = p.event_id "
        "WHERE e.provider = :provider AND e.event_id = :event_id "
        "UNION ALL SELECT c.body FROM event_conflicts c JOIN events e ON e.id = c.event_id "
        "WHERE e.provider = :provider AND e.event_id = :event_id",
        provider=provider,
        event_id=event_id,
    )
    return [bytes(body) for (body,) in found]


def refused(response: TestResponse) -> dict[str, Any]:
    assert 400 <= response.status_code < 500, (response.status_code, response.text)
    return check_problem(response.status_code, response.headers, response.data)


# ── strategies ────────────────────────────────────────────────────────────────────────────────

# What can stand in a header once a server has read it.
header_values = st.one_of(
    st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n")),
    st.text("tv10=,. _-+9af"),
)
header_parts = st.lists(
    st.sampled_from(["t=17", "v1=a", " t=18"]) | header_values | st.text(max_size=2), max_size=5
)
# Scalars of JSON that its parsers stumble over, beside the usual ones.
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -(10**400), 2**63, 1e300, -0.0, 5e-324]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.text(st.characters(categories=["Cs", "Cc", "Nd"]), max_size=5),
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
identifiers = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
FIELDS = (
    *("id", "type", "event_type", "created", "create_time", "data", "resource", "account"),
    *("context", "livemode", "api_version", "resource_version", "event_version", "object"),
    "related_object",
)
ids = st.one_of(
    st.sampled_from(["evt_1", "evt_2", "WH-1"]),
    identifiers.filter(lambda it: len(it) <= 255),
)


@st.composite
def events(draw: st.DrawFn, provider: str) -> dict[str, Any]:
    """Nearly an event: its own fields, some of them wrong, missing or strange."""
    event = draw(st.dictionaries(st.sampled_from(FIELDS) | st.text(), json_values, max_size=6))
    for field in ("id", TYPE_FIELD[provider]):
        if draw(st.integers(0, 4)):
            event[field] = draw(ids)
    if draw(st.booleans()):
        thing = {"id": draw(ids | json_values), "amount": draw(json_values)}
        event |= {"data": {"object": thing}, "resource": thing}
    return event


@st.composite
def signatures(draw: st.DrawFn, right: str) -> str:
    """`right`, changed in one place."""
    where = draw(st.integers(0, len(right)))
    what = draw(header_values | st.sampled_from(["", ",", "=", "t=", ",v1=", " ", "_", "0", "é"]))
    cut = draw(st.integers(0, 3))
    return right[:where] + what + right[where + cut :]


# ── through the front door ────────────────────────────────────────────────────────────────────


@each_provider
@variants(600)
@given(data=st.data())
def test_whatever_is_not_signed_is_refused_in_the_same_words(
    application: Application, provider: str, data: st.DataObject
) -> None:
    headers = Headers()
    for value in data.draw(st.lists(header_values, max_size=2)):
        headers.add(SIGNATURE_HEADER[provider], value)
    body = data.draw(st.binary(max_size=300))
    before = kept(application)
    response = application.client.post(f"/webhooks/{provider}", data=body, headers=headers)
    problem = refused(response)
    assert (response.status_code, problem["detail"]) == (400, BAD_SIGNATURE)
    assert kept(application) == before


@each_provider
@variants(600)
@given(data=st.data())
def test_a_signature_that_was_changed_in_one_place_is_refused_or_still_the_same(
    application: Application, provider: str, data: st.DataObject
) -> None:
    event = {**SIGNED[provider][0](), "id": "evt_signatures"}
    body = encode(event)
    name = SIGNATURE_HEADER[provider]
    right = SIGNED[provider][1](body)[name]
    changed = data.draw(signatures(right))
    response = application.deliver_raw(body, {name: changed}, f"/webhooks/{provider}")
    if is_the_same(provider, changed, right):
        assert response.status_code == 200
    else:
        assert refused(response)["detail"] == BAD_SIGNATURE


def is_the_same(provider: str, changed: str, right: str) -> bool:
    """Whether the change left everything that counts as it was."""
    if provider == "paypal":
        return changed.lower() == right and changed.isascii()
    parts = [part.partition("=") for part in changed.split(",")]
    timestamps = [value for key, _, value in parts if key == "t"]
    expected = dict(part.split("=") for part in right.split(","))
    return (
        all(separator for _, separator, _ in parts)
        and all("!" <= character <= "~" for character in changed)
        # Leading zeros change nothing: the number is what is signed.
        and [value.lstrip("0") for value in timestamps] == [expected["t"]]
        and len(timestamps[0]) <= 11
        and expected["v1"] in [value for key, _, value in parts if key == "v1"]
    )


@each_provider
@variants(500)
@given(data=st.data())
def test_a_signed_body_of_which_one_byte_was_changed_is_refused(
    application: Application, provider: str, data: st.DataObject
) -> None:
    body = encode(SIGNED[provider][0]())
    headers = SIGNED[provider][1](body)
    where = data.draw(st.integers(0, len(body)))
    what = data.draw(st.binary(max_size=1))
    changed = body[:where] + what + body[where + data.draw(st.integers(0, 1)) :]
    assume(changed != body)
    before = kept(application)
    response = application.deliver_raw(changed, headers, f"/webhooks/{provider}")
    assert refused(response)["detail"] == BAD_SIGNATURE
    assert kept(application) == before


@each_provider
@variants(400)
@given(body=st.binary(max_size=200) | json_values.map(encode))
def test_signed_bytes_that_are_no_event_are_refused_and_leave_nothing(
    application: Application, provider: str, body: bytes
) -> None:
    before = kept(application)
    problem = refused(application.deliver(body, provider=provider))
    assert problem["title"] == "Malformed event"
    assert kept(application) == before


@each_provider
@variants(350)
@given(data=st.data())
def test_a_signed_event_is_kept_as_it_was_sent_or_refused_and_not_kept(
    application: Application, provider: str, data: st.DataObject
) -> None:
    event = data.draw(events(provider))
    body = json.dumps(event, ensure_ascii=data.draw(st.booleans())).encode("utf-8", "replace")
    before = kept(application)
    response = application.deliver(body, provider=provider)
    if response.status_code != 200:
        assert refused(response)["title"] == "Malformed event"
        assert kept(application) == before
        return
    receipt = response.get_json()
    assert receipt["event_id"] == event["id"]
    stored = bodies_of(application, provider, event["id"])
    if receipt["message"] == "queued":
        assert kept(application) == before + 1
        assert body in stored
    else:
        assert kept(application) == before
        # A duplicate says nothing new; a conflict does, and so it is kept.
        assert body in stored or not receipt.get("conflict")
        assert stored
    assert application.deliver(body, provider=provider).status_code == 200
    assert sorted(bodies_of(application, provider, event["id"])) == sorted(stored)


def test_among_the_events_that_were_made_up_both_good_and_bad_ones_were_common(
    application: Application,
) -> None:
    for provider in SIGNED:
        [(count,)] = application.sql(
            "SELECT count(*) FROM events WHERE provider = :provider", provider=provider
        )
        assert count > 20
    [(conflicts,)] = application.sql("SELECT count(*) FROM event_conflicts")
    assert conflicts > 5
    response = application.admin("/events", limit=500)
    assert response.status_code == 200


@variants(400)
@given(request_id=header_values, traceparent=header_values)
@example(request_id="a" * 129, traceparent="00-" + "0" * 32 + "-" + "1" * 16 + "-01")
@example(request_id="a b", traceparent="ff-" + "1" * 32 + "-" + "1" * 16 + "-01")
@example(request_id="<script>", traceparent="00-" + "A" * 32 + "-" + "1" * 16 + "-01")
@example(request_id="٣".encode().decode("latin-1"), traceparent="00-" + "1" * 32)
def test_ids_are_well_formed_whatever_the_caller_sends(
    application: Application, request_id: str, traceparent: str
) -> None:
    headers = {"X-Request-Id": request_id, "Traceparent": traceparent}
    response = application.client.get("/health", headers=headers)
    answered = response.headers["X-Request-Id"]
    assert REQUEST_ID.fullmatch(answered)
    assert (answered == request_id) == bool(REQUEST_ID.fullmatch(request_id))
    assert TRACE_ID.fullmatch(response.headers["X-Trace-Id"])
    assert int(response.headers["X-Trace-Id"], 16)


@variants(300)
@given(
    query=st.dictionaries(
        st.sampled_from(["limit", "cursor", "status", "provider", "type", "event_id", "conflicts"])
        | st.text(max_size=5),
        st.text(max_size=20) | st.text("0123456789-+_. ") | st.integers().map(str),
        max_size=3,
    )
)
def test_a_query_of_the_operator_is_answered_or_refused(
    application: Application, query: dict[str, str]
) -> None:
    encodable = {
        key.encode("utf-8", "replace").decode(): value.encode("utf-8", "replace").decode()
        for key, value in query.items()
    }
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    response = application.client.get("/admin/events", query_string=encodable, headers=headers)
    if response.status_code != 200:
        assert response.status_code == 422
        refused(response)


# ── pure properties ───────────────────────────────────────────────────────────────────────────


@variants(2000)
@given(header=st.text() | header_values | header_parts.map(",".join))
def test_parsing_a_signature_header_gives_numbers_or_the_one_error(header: str) -> None:
    with contextlib.suppress(SignatureError):
        parsed = parse_signature_header(header)
        assert 0 <= parsed.timestamp < 10**11
        assert parsed.signatures
        assert header.isascii()
        assert not set(header) & set(" \t\r\n")


@variants(1500)
@given(body=st.binary() | st.text('[]{}",:\\ 1a').map(str.encode))
def test_reading_a_body_gives_an_object_or_the_one_error(body: bytes) -> None:
    with contextlib.suppress(MalformedEvent):
        assert isinstance(parse_object(body), dict)


@variants(300)
@given(text=st.text('[]{}"\\', max_size=300), depth=st.integers(1, 2 * DEEPEST_NESTING))
def test_only_the_nesting_outside_of_strings_counts(text: str, depth: int) -> None:
    inner = "[" * (depth - 1) + json.dumps(text) + "]" * (depth - 1)
    body = f'{{"a": {json.dumps(text)}, {json.dumps(text)}: {inner}}}'.encode()
    if depth > DEEPEST_NESTING:
        with pytest.raises(MalformedEvent, match="nested"):
            parse_object(body)
    else:
        assert parse_object(body)["a"] == text


@variants(700)
@given(value=json_values | st.text("0123456789-:TZ+.W "))
@example(-62135596800)
@example(253402300799)
@example("0001-01-01T00:00:00")
@example("9999-12-31T23:59:59Z")
def test_a_time_is_aware_and_in_utc_or_none(value: Any) -> None:
    moment = parse_time(value)
    assert moment is None or (moment.tzinfo is UTC and MINYEAR < moment.year < MAXYEAR)


@variants(500)
@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)))
def test_a_time_that_a_provider_writes_is_read_as_that_time(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert parse_time(aware.isoformat()) == aware
    assert parse_time(moment.isoformat() + "Z") == aware


@variants(1000)
@given(header=st.text() | st.none())
def test_whatever_a_header_holds_there_is_a_request_id_and_a_trace(header: str | None) -> None:
    assert REQUEST_ID.fullmatch(request_id_of(header))
    trace = (trace_of(header, header) or new_trace()).next()
    assert len(trace.traceparent) == 55
    assert trace_of(trace.traceparent) == replace(trace, state="")
    assert len(trace.state) <= 512


# ── the stripe package ────────────────────────────────────────────────────────────────────────

SECRETS = [STRIPE_SECRET, "whsec_another_0123456789", "é", "a"]
# Far enough from the edge that a slow run decides the same.
AGES = [0, 1, 60, 280, 320, 3600, 10**6]


@variants(1000)
@given(
    payload=st.text().filter(lambda it: it.isprintable() or it.isascii()),
    delivered=st.none() | st.text(),
    ours=st.sampled_from(SECRETS),
    theirs=st.lists(st.sampled_from(SECRETS), min_size=1, max_size=3),
    age=st.sampled_from(AGES),
    scheme=st.sampled_from(["v1", "v1", "v1", "v0"]),
)
def test_the_stripe_package_comes_to_the_same_verdict(
    payload: str, delivered: str | None, ours: str, theirs: list[str], age: int, scheme: str
) -> None:
    timestamp = int(time.time()) - age
    signed = f"{timestamp}.{payload}".encode()
    parts = [f"t={timestamp}"]
    for secret in theirs:
        digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        parts.append(f"{scheme}={digest}")
    header = ",".join(parts)
    body = payload if delivered is None else delivered
    assert we_accept(body, header, ours) == they_accept(body, header, ours)


def we_accept(body: str, header: str, secret: str) -> bool:
    stripe = Stripe(secrets=labelled("S", [secret]), tolerance_seconds=300)
    delivery = Delivery(
        provider="stripe",
        account="default",
        body=body.encode(),
        headers={HEADER: header},
        received_at=datetime.now(UTC),
    )
    try:
        stripe.prove(delivery)
    except SignatureError:
        return False
    return True


def they_accept(body: str, header: str, secret: str) -> bool:
    try:
        return bool(WebhookSignature.verify_header(body, header, secret, tolerance=300))
    except SignatureVerificationError:
        return False


def test_the_stripe_package_accepts_what_simulate_signs() -> None:
    body = encode(stripe_event())
    stripe = Stripe(secrets=labelled("S", [STRIPE_SECRET]), tolerance_seconds=300)
    for headers in (stripe.sign(body, datetime.now(UTC)), stripe_headers(body)):
        assert they_accept(body.decode(), headers["Stripe-Signature"], STRIPE_SECRET)
