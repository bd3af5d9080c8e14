"""From a signed delivery to a kept event, through the front door, on both databases."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from payments.handlers import handles
from tests.support.application import Application, MakeApplication
from tests.support.deliveries import SIGNED, encode, stripe_event, stripe_headers, unique

PROVIDERS = sorted(SIGNED)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_signed_delivery_is_kept_byte_for_byte_and_answered_with_200(
    application: Application, provider: str
) -> None:
    event = SIGNED[provider][0]()
    body = encode(event) + b"\n"
    response = application.deliver(body, provider=provider)
    assert response.status_code == 200
    assert response.get_json() == {"status": "ok", "message": "queued", "event_id": event["id"]}
    [(stored, sha256)] = application.sql("SELECT body, sha256 FROM event_payloads")
    assert bytes(stored) == body
    assert sha256 == hashlib.sha256(body).hexdigest()
    [listed] = application.events()
    assert (listed["provider"], listed["event_id"], listed["status"]) == (
        provider,
        event["id"],
        "received",
    )


def test_what_the_event_says_of_itself_is_in_its_row(application: Application) -> None:
    event = stripe_event("charge.refunded", created=1_700_000_000, livemode=True)
    application.deliver(event)
    [listed] = application.events()
    assert listed["event_type"] == "charge.refunded"
    assert listed["object_id"] == event["data"]["object"]["id"]
    assert listed["provider_created_at"] == "2023-11-14T22:13:20Z"
    assert listed["livemode"] is True
    assert listed["api_version"] == "2025-09-30.clover"
    assert listed["account"] == "default"
    assert listed["source"] == "webhook"
    assert listed["secret_label"].startswith("STRIPE_SIGNING_SECRET#")


def test_a_second_delivery_is_a_duplicate_and_makes_no_second_row(
    application: Application,
) -> None:
    event = stripe_event()
    application.deliver(event)
    again = application.deliver({**event, "pending_webhooks": 0})
    assert again.status_code == 200
    assert again.get_json()["message"] == "duplicate ignored"
    assert len(application.events()) == 1
    assert application.events(conflicts="true") == []


def test_a_duplicate_of_unfinished_work_starts_it_again(application: Application) -> None:
    @handles("stripe", "*")
    def handler(*_: object) -> None: ...

    event = stripe_event()
    application.deliver(event)
    application.queue.connection.flushall()
    application.work()
    assert application.events()[0]["status"] == "received"
    application.deliver(event)
    application.work()
    assert application.events()[0]["status"] == "processed"


def test_a_duplicate_of_finished_work_enqueues_nothing(application: Application) -> None:
    event = stripe_event()
    application.deliver(event)
    application.work()
    assert application.events()[0]["status"] == "processed"
    application.deliver(event)
    assert application.queue.queue.count == 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_same_id_with_another_type_is_kept_as_a_conflict(
    application: Application, provider: str
) -> None:
    event = SIGNED[provider][0]()
    type_field = "type" if provider == "stripe" else "event_type"
    other = encode({**event, type_field: "SOMETHING.ELSE"})
    application.deliver(event, provider=provider)
    for _ in range(2):
        response = application.deliver(other, provider=provider)
        assert response.status_code == 200
        assert response.get_json()["conflict"] is True
    [listed] = application.events(conflicts="true")
    assert listed["conflicts"] == 1
    [conflict] = application.event(listed["id"])["conflicting"]
    assert conflict["event_type"] == "SOMETHING.ELSE"
    [(body,)] = application.sql("SELECT body FROM event_conflicts")
    assert bytes(body) == other


def test_the_same_id_with_another_object_is_kept_as_a_conflict(application: Application) -> None:
    event = stripe_event()
    application.deliver(event)
    application.deliver({**event, "data": {"object": {"id": "pi_other"}}})
    [listed] = application.events(conflicts="true")
    [conflict] = application.event(listed["id"])["conflicting"]
    assert conflict["object_id"] == "pi_other"


def test_a_connect_event_belongs_to_its_account_and_dedupes_within_it(
    application: Application,
) -> None:
    event = stripe_event()
    for account in ("acct_1", "acct_2", "acct_1"):
        application.deliver({**event, "account": account})
    assert sorted(it["account"] for it in application.events()) == ["acct_1", "acct_2"]


def test_a_thin_event_is_kept_with_its_related_object(application: Application) -> None:
    thin = {
        "id": unique("evt"),
        "object": "v2.core.event",
        "type": "v1.billing.meter.error_report_triggered",
        "created": "2022-02-15T00:27:45.330Z",
        "livemode": True,
        "related_object": {"id": "mtr_123", "type": "billing.meter", "url": "/v1/x"},
    }
    assert application.deliver(thin).status_code == 200
    [listed] = application.events()
    assert listed["object_id"] == "mtr_123"
    assert listed["provider_created_at"] == "2022-02-15T00:27:45.330000Z"


def test_each_account_has_its_own_secret_and_its_own_events(
    make_application: MakeApplication,
) -> None:
    application = make_application(STRIPE_SIGNING_SECRET__ACME="whsec_acme_0123456789abcdef")
    body = encode(stripe_event())
    wrong = application.deliver_raw(body, stripe_headers(body), "/webhooks/stripe/acme")
    assert wrong.status_code == 400
    right = stripe_headers(body, "whsec_acme_0123456789abcdef")
    assert application.deliver_raw(body, right, "/webhooks/stripe/acme").status_code == 200
    assert application.deliver_raw(body, right, "/webhooks/stripe").status_code == 400
    [listed] = application.events(account="acme")
    assert listed["secret_label"].startswith("STRIPE_SIGNING_SECRET__ACME#")


def test_the_old_and_the_new_secret_are_both_valid_while_they_are_rolled(
    make_application: MakeApplication,
) -> None:
    application = make_application(
        STRIPE_SIGNING_SECRET="whsec_new_0123456789abcdef, whsec_old_0123456789abcdef"
    )
    labels = set()
    for secret in ("whsec_new_0123456789abcdef", "whsec_old_0123456789abcdef"):
        body = encode(stripe_event())
        response = application.deliver_raw(body, stripe_headers(body, secret), "/webhooks/stripe")
        assert response.status_code == 200
        labels.add(application.events()[0]["secret_label"])
    assert len(labels) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
def test_fifty_deliveries_of_one_event_at_once_make_one_row_and_one_effect(
    application: Application, provider: str
) -> None:
    effects = []

    @handles(provider, "*")
    def count(event: object, *_: object) -> None:
        effects.append(event)

    body = encode(SIGNED[provider][0]())
    start = threading.Barrier(50)
    answers: list[int] = []

    def deliver() -> None:
        client = application.app.test_client()
        start.wait()
        headers = SIGNED[provider][1](body)
        answers.append(client.post(f"/webhooks/{provider}", data=body, headers=headers).status_code)

    threads = [threading.Thread(target=deliver) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    application.work()
    assert answers == [200] * 50
    assert [it["status"] for it in application.events()] == ["processed"]
    assert len(effects) == 1


def test_all_recorded_payloads_are_accepted_when_signed_and_kept_byte_for_byte(
    application: Application, vectors: Path
) -> None:
    bodies = {
        "stripe": sorted((vectors / "stripe_events").rglob("*.json")),
        "paypal": sorted((vectors / "paypal_events").glob("*.json")),
    }
    sent = 0
    for provider, files in bodies.items():
        for file in files:
            if file.parent.name == "list_pages":
                continue
            body = file.read_bytes()
            response = application.deliver(body, provider=provider)
            assert response.status_code == 200, (file.name, response.text)
            found = application.sql(
                "SELECT 1 FROM event_payloads WHERE body = :body "
                "UNION ALL SELECT 1 FROM event_conflicts WHERE body = :body",
                body=body,
            )
            assert found, file.name
            sent += 1
    assert sent > 60


def test_the_same_id_with_other_content_is_kept_as_a_conflict(application: Application) -> None:
    event = stripe_event()
    application.deliver(event)
    changed = {**event["data"]["object"], "amount": 1}
    again = application.deliver({**event, "data": {"object": changed}})
    assert again.get_json()["conflict"] is True


def test_another_api_version_may_word_the_same_event_differently(application: Application) -> None:
    event = stripe_event()
    application.deliver(event)
    worded = {**event["data"]["object"], "charges": {"data": []}}
    again = application.deliver({**event, "api_version": "2020-08-27", "data": {"object": worded}})
    assert "conflict" not in again.get_json()
