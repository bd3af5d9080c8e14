"""Reconciliation of money with Stripe: what agrees is quiet, what does not is a finding."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from payments.models import utc_now
from tests.standins.stripe_objects import KEY, StripeObjects
from tests.support.application import Application, MakeApplication
from tests.support.lifecycles import Lifecycle, lifecycles
from tests.support.money import findings, reconcile

TWO_HOURS = 7200


@pytest.fixture
def stripe() -> Iterator[StripeObjects]:
    with StripeObjects() as running:
        yield running


@pytest.fixture
def service(make_application: MakeApplication, stripe: StripeObjects) -> Application:
    return make_application(
        STRIPE_API_KEY=KEY,
        STRIPE_API_BASE=stripe.url,
        RECONCILE_REQUESTS_PER_SECOND="1000",
        LOG_LEVEL="ERROR",
    )


def lives() -> dict[str, Lifecycle]:
    return {life.name: life for life in lifecycles("stripe", seed=11)}


def live(service: Application, stripe: StripeObjects, *names: str) -> list[str]:
    """Let these payments happen, there and here, two hours ago; their ids."""
    chosen = [life for name, life in lives().items() if name in names]
    assert len(chosen) == len(names)
    for life in chosen:
        happen(stripe, life)
        for event in life.events:
            assert service.deliver(event).status_code == 200
    service.work()
    # Stories are of years ago.
    service.sql("UPDATE payments SET last_event_at = :at", at=stamp(TWO_HOURS))
    by_name = {life.name: life.expected.payment_id for life in chosen}
    return [by_name[name] for name in names]


def happen(stripe: StripeObjects, life: Lifecycle) -> None:
    stripe.put(*life.objects)
    stripe.change(life.expected.payment_id, created=int(utc_now().timestamp()) - TWO_HOURS)


def stamp(seconds_ago: int) -> str:
    moment = utc_now().timestamp() - seconds_ago
    return utc_now().fromtimestamp(moment).strftime("%Y-%m-%d %H:%M:%S.000000")


def test_every_kind_of_payment_agrees_with_stripes_own_objects(
    service: Application, stripe: StripeObjects
) -> None:
    everything = list(lives())
    live(service, stripe, *everything)
    run = reconcile(service, "stripe")
    assert findings(service) == []
    assert (run["status"], run["reason"]) == ("complete", None)
    assert run["theirs"] == run["ours"] == run["processed"] == len(everything) > 20
    assert service.sql("SELECT sum(amount_captured) FROM payments")[0][0] > 0


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({"amount_captured": 1}, {"amount_captured", "status"}),
        ({"amount_refunded": 1}, {"amount_refunded", "status"}),
        ({"currency": "chf"}, {"currency"}),
        ({"captured": False, "amount_captured": 0}, {"amount_captured", "status"}),
    ],
)
def test_what_stripe_says_otherwise_is_a_finding_until_it_agrees(
    service: Application, stripe: StripeObjects, change: dict[str, Any], kinds: set[str]
) -> None:
    _, id = live(service, stripe, "captured_later", "paid")
    paid = lives()["paid"]
    charge = paid.objects[0]["latest_charge"]["id"]
    stripe.change(charge, **change)
    stripe.change(id, status="requires_capture", amount_received=0)
    if "currency" in change:
        stripe.change(id, **change, status="succeeded")
    run = reconcile(service, "stripe")
    found = findings(service, status="open")
    assert {it["subject"] for it in found} == {id}
    assert {it["kind"] for it in found} == kinds
    assert run["findings"] == len(kinds)
    happen(stripe, paid)
    assert reconcile(service, "stripe")["findings"] == 0
    assert {it["status"] for it in findings(service)} == {"resolved"}


def test_a_list_that_is_a_moment_behind_makes_no_finding(
    service: Application, stripe: StripeObjects
) -> None:
    [id] = live(service, stripe, "paid")
    stripe.list_stale(id, status="processing", latest_charge=None, amount_received=0)
    run = reconcile(service, "stripe")
    assert (run["findings"], run["processed"]) == (0, 1)
    assert stripe.asked.count(f"/v1/payment_intents/{id}") == 2  # whose key it is, and once more


def test_a_refund_that_no_event_told_of_is_found_with_both_amounts(
    service: Application, stripe: StripeObjects
) -> None:
    live(service, stripe, "paid")
    charge = lives()["paid"].objects[0]["latest_charge"]
    stripe.change(charge["id"], amount_refunded=100)
    refund = {"amount": 100, "currency": charge["currency"], "status": "succeeded", "created": 1}
    stripe.put({**refund, "id": "re_1", "object": "refund", "charge": charge["id"]})
    reconcile(service, "stripe")
    currency = charge["currency"].upper()
    told = {it["kind"]: (it["expected"], it["found"]) for it in findings(service)}
    assert told == {
        "amount_refunded": (f"100 {currency}", f"0 {currency}"),
        "status": ("partially_refunded", "captured"),
    }


def test_a_payment_that_only_stripe_knows_is_missing_here(
    service: Application, stripe: StripeObjects
) -> None:
    live(service, stripe, "paid")
    lost = lives()["refunded"]
    happen(stripe, lost)
    run = reconcile(service, "stripe")
    [found] = findings(service)
    assert (found["kind"], found["subject"]) == ("missing_payment", lost.expected.payment_id)
    assert found["expected"].startswith("refunded, amount_authorized ")
    assert run["missing"] == 1
    for event in lost.events:
        service.deliver(event)
    service.work()
    reconcile(service, "stripe")
    assert [it["status"] for it in findings(service)] == ["resolved"]


def test_a_charge_without_an_intent_is_a_payment_too(
    service: Application, stripe: StripeObjects
) -> None:
    live(service, stripe, "paid")
    at = int(utc_now().timestamp()) - TWO_HOURS
    charge = {"id": "ch_alone", "object": "charge", "created": at, "amount": 700, "paid": True,
              "amount_captured": 700, "amount_refunded": 0, "captured": True, "currency": "eur",
              "status": "succeeded", "payment_intent": None, "disputed": False}  # fmt: skip
    stripe.put(charge)
    reconcile(service, "stripe")
    assert [(it["kind"], it["subject"]) for it in findings(service)] == [
        ("missing_payment", "ch_alone")
    ]


def test_an_intent_without_money_is_not_missed(service: Application, stripe: StripeObjects) -> None:
    live(service, stripe, "paid")
    for name in ("created", "declined", "asked_to_authenticate", "canceled"):
        happen(stripe, lives()[name])
    assert reconcile(service, "stripe")["findings"] == 0


def test_a_payment_that_stripe_does_not_know_is_a_finding(
    service: Application, stripe: StripeObjects
) -> None:
    _, id = live(service, stripe, "refunded", "paid")
    stripe.forget(id)
    reconcile(service, "stripe")
    [found] = findings(service)
    assert (found["kind"], found["subject"]) == ("unknown_at_provider", id)
    assert found["found"].startswith("captured, ")


def test_a_key_of_another_account_makes_no_findings(
    service: Application, stripe: StripeObjects
) -> None:
    for id in live(service, stripe, "refunded", "paid"):
        stripe.forget(id)
    run = reconcile(service, "stripe", code=1)
    assert run["status"] == "incomplete"
    assert "another account" in run["reason"]
    assert findings(service) == []


def test_a_dry_run_shows_and_writes_no_finding(service: Application, stripe: StripeObjects) -> None:
    _, id = live(service, stripe, "refunded", "paid")
    stripe.forget(id)
    run = reconcile(service, "stripe", "--dry-run")
    assert [(it["kind"], it["subject"]) for it in run["found"]] == [("unknown_at_provider", id)]
    assert findings(service) == []
    shown = service.cli("reconcile", "money", "--dry-run").output
    assert "unknown_at_provider" in shown


def test_what_is_signed_off_is_not_opened_again(
    service: Application, stripe: StripeObjects
) -> None:
    _, id = live(service, stripe, "refunded", "paid")
    stripe.forget(id)
    reconcile(service, "stripe")
    service.cli("reconcile", "sign-off", "1", "--reason", "a test of ours")
    reconcile(service, "stripe")
    assert [it["status"] for it in findings(service)] == ["signed_off"]


@pytest.mark.parametrize(
    ("path", "how", "said"),
    [
        ("/v1/payment_intents", "429", "fewer questions (status 429)"),
        ("/v1/payment_intents", "html", "not JSON"),
        ("/v1/payment_intents", "403", "may not see /v1/payment_intents"),
        ("/v1/payment_intents", "400", "status 400"),
        ("/v1/payment_intents", "circle", "do not come to an end"),
        ("/v1/charges", "401", "does not accept STRIPE_API_KEY"),
        ("/v1/refunds", "429", "status 429"),
    ],
)
def test_what_stripe_does_not_answer_makes_the_run_incomplete_with_the_reason(
    service: Application, stripe: StripeObjects, path: str, how: str, said: str
) -> None:
    live(service, stripe, "paid", "refunded")
    stripe.misbehave(path, how)
    run = reconcile(service, "stripe", code=1)
    assert run["status"] == "incomplete"
    assert said in run["reason"]
    assert KEY not in json.dumps(run)
    assert "Maintenance" not in json.dumps(run)
    assert findings(service) == []
    stripe.behave()
    assert reconcile(service, "stripe")["status"] == "complete"


def test_disputes_that_the_key_may_not_see_are_not_compared(
    service: Application, stripe: StripeObjects
) -> None:
    live(service, stripe, "paid", "disputed")
    stripe.misbehave("/v1/disputes", "403")
    run = reconcile(service, "stripe", code=1)
    assert run["reason"] == "STRIPE_API_KEY may not see disputes, so they were not compared."
    assert findings(service) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"currency": "zzz"}, "should be a code of ISO 4217"),
        ({"amount": "a lot"}, "should be a whole number"),
        ({"amount": None}, "should be a whole number"),
        ({"status": "teleported"}, "a known status"),
    ],
)
def test_what_cannot_be_read_is_not_compared_and_said(
    service: Application, stripe: StripeObjects, change: dict[str, Any], said: str
) -> None:
    _, id = live(service, stripe, "refunded", "paid")
    stripe.change(id, **change)
    run = reconcile(service, "stripe", code=1)
    assert "1 could not be read" in run["reason"]
    assert said in run["reason"]
    assert id in run["reason"]
    assert findings(service) == []


def test_a_test_key_says_that_it_does_not_see_live_payments(
    service: Application, stripe: StripeObjects
) -> None:
    _, id = live(service, stripe, "refunded", "paid")
    service.sql("UPDATE payments SET livemode = true WHERE payment_id = :id", id=id)
    stripe.forget(id)
    run = reconcile(service, "stripe", code=1)
    assert "some are live and some are tests" in run["reason"]
    assert findings(service) == []


def test_without_a_key_it_says_which_variable_to_set(make_application: MakeApplication) -> None:
    result = make_application().cli("reconcile", "money")
    assert result.exit_code == 1
    assert "set STRIPE_API_KEY" in result.output
    unknown = make_application().cli("reconcile", "money", "--provider", "other")
    assert unknown.exit_code == 2
    assert "stripe (default)" in unknown.output


def test_payments_of_connected_accounts_are_compared_with_the_platforms_key(
    service: Application, stripe: StripeObjects
) -> None:
    account = stripe.account = "acct_1Shop"
    chosen = [lives()["refunded"], lives()["paid"]]
    for life in chosen:
        happen(stripe, life)
        for event in life.events:
            service.deliver({**event, "account": account})
    service.work()
    service.sql("UPDATE payments SET last_event_at = :at", at=stamp(TWO_HOURS))
    id = chosen[1].expected.payment_id
    stripe.forget(id)
    done = json.loads(service.cli("reconcile", "money", "--json").stdout)
    assert [(run["account"], run["status"]) for run in done] == [
        ("default", "complete"),
        (account, "complete"),
    ]
    assert (done[1]["theirs"], done[1]["ours"], done[1]["processed"]) == (1, 2, 1)
    assert {(it["account"], it["subject"]) for it in findings(service)} == {(account, id)}
    stripe.account = "acct_1Other"
    [cut] = json.loads(service.cli("reconcile", "money", "--account", account, "--json").stdout)
    assert "may not see" in cut["reason"]
