"""`flask payments rebuild`: payments from events that were kept before, or are read anew."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask_migrate import downgrade, upgrade

from payments.rebuilding import rebuild_event
from tests.support.application import Application
from tests.support.deliveries import customer_event
from tests.support.intents import charge_event, intent_event, refund_event
from tests.support.ledgers import deliver_all, ledger_of, payments_of, rows_of
from tests.support.lifecycles import lifecycles


def rebuild(application: Application, *options: str) -> dict[str, Any]:
    result = application.cli("payments", "rebuild", "--json", *options)
    assert result.exit_code == 0, result.output
    said: dict[str, Any] = json.loads(result.stdout)
    return said


@pytest.fixture
def lived(application: Application) -> Application:
    """Some payments with all that can happen to them, and an event that is about none."""
    for provider in ("stripe", "paypal"):
        for life in lifecycles(provider, seed=9)[::6]:
            deliver_all(application, provider, life.events, "default")
    deliver_all(application, "stripe", [customer_event()], "default")
    application.work()
    return application


def test_an_older_database_gets_its_payments(lived: Application) -> None:
    told = ledger_of(lived)
    with lived.app.app_context():
        downgrade(revision="0002")
        upgrade()
    assert ledger_of(lived) == []
    # The version before had no use for these events.
    lived.sql("UPDATE events SET status = 'ignored'")
    said = rebuild(lived, "--all")
    assert said["outcomes"]["not about a payment"] >= 1
    assert said["facts_taken_back"] == 0
    assert ledger_of(lived) == told
    statuses = [event["status"] for event in lived.events(limit=500)]
    assert statuses.count("ignored") == said["outcomes"]["not about a payment"]
    assert statuses.count("processed") == said["outcomes"]["rebuilt"]


def test_rebuilding_twice_changes_nothing(lived: Application) -> None:
    before = rows_of(lived)
    rebuild(lived, "--all")
    assert rows_of(lived) == before


def test_an_interrupted_rebuild_is_finished_by_the_next(lived: Application) -> None:
    told = ledger_of(lived)
    ids = [event["id"] for event in lived.events(limit=500)]
    lived.sql("DELETE FROM payment_groups")
    with lived.app.app_context():
        for id in ids[::2]:
            rebuild_event(id)
    assert ledger_of(lived) != told
    rebuild(lived, "--all")
    assert ledger_of(lived) == told


def wrongly_read(application: Application, event_id: int) -> None:
    """As if an earlier version had read the refund as one of another charge, and three times."""
    [(group,)] = application.sql(
        "SELECT DISTINCT payment_id FROM payment_changes WHERE event_id = :id", id=event_id
    )
    for kind, object_id, value in (("parent", "re_1", "ch_9"), ("refund.amount", "re_1", "1 EUR")):
        application.sql(
            "INSERT INTO payment_changes (payment_id, kind, object_id, value, event_id, caused_at)"
            " SELECT :group, :kind, :object_id, :value, id, provider_created_at FROM events"
            " WHERE id = :id",
            group=group, kind=kind, object_id=object_id, value=value, id=event_id,
        )  # fmt: skip
    application.sql(
        "INSERT INTO payment_objects (provider, account, object_id, payment_id)"
        " VALUES ('stripe', 'default', 'ch_9', :group)",
        group=group,
    )


def test_what_events_do_not_state_any_more_is_taken_back(application: Application) -> None:
    events = [charge_event("charge.succeeded"), refund_event("refund.created", after=5)]
    deliver_all(application, "stripe", events, "default")
    application.work()
    told = ledger_of(application)
    [refund, _] = application.events()
    wrongly_read(application, refund["id"])
    assert rebuild(application, "--all")["facts_taken_back"] == 2
    assert ledger_of(application) == told
    assert len(rows_of(application)["payment_objects"]) == 3


def test_what_another_event_states_too_is_given_back(application: Application) -> None:
    """The refund came first; as if its amount had once been read in the charge's event, too."""
    events = [refund_event("refund.created", after=5), charge_event("charge.succeeded")]
    deliver_all(application, "stripe", events, "default")
    application.work()
    told = ledger_of(application)
    [charge, _] = application.events()
    application.sql(
        "UPDATE payment_changes SET event_id = :id, caused_at ="
        " (SELECT provider_created_at FROM events WHERE id = :id) WHERE kind = 'refund.amount'",
        id=charge["id"],
    )
    assert rebuild(application, "--all")["facts_taken_back"] == 1
    assert ledger_of(application) == told


def test_payments_and_findings_of_an_earlier_version_are_made_anew(
    application: Application,
) -> None:
    deliver_all(application, "stripe", [charge_event("charge.succeeded")], "default")
    application.work()
    told = ledger_of(application)
    application.sql("UPDATE payments SET status = 'created', amount_captured = 1")
    application.sql(
        "INSERT INTO reconciliation_findings"
        " (provider, account, source, kind, subject, detail, status, first_seen_at, last_seen_at)"
        " SELECT provider, account, 'projection', 'of old', payment_id, '', 'open', updated_at,"
        " updated_at FROM payments"
    )
    assert ledger_of(application) != told
    rebuild(application, "--all")
    assert ledger_of(application) == told


def test_payments_that_were_joined_by_mistake_come_apart(application: Application) -> None:
    events = [
        charge_event("charge.succeeded"),
        charge_event("charge.succeeded", "ch_2", payment_intent="pi_2", after=3),
    ]
    deliver_all(application, "stripe", events, "default")
    application.work()
    told = ledger_of(application)
    [_, first] = application.events()
    [kept, gone] = [payment["id"] for payment in payments_of(application)]
    joined = {"kept": kept, "gone": gone}
    application.sql(
        "UPDATE payment_changes SET payment_id = :kept WHERE payment_id = :gone", **joined
    )
    application.sql(
        "UPDATE payment_objects SET payment_id = :kept WHERE payment_id = :gone", **joined
    )
    application.sql("DELETE FROM payment_groups WHERE id = :gone", gone=gone)
    application.sql(
        "INSERT INTO payment_changes (payment_id, kind, object_id, value, event_id, caused_at)"
        " SELECT :kept, 'parent', 'pi_2', 'pi_1', id, provider_created_at FROM events"
        " WHERE id = :id",
        kept=kept, id=first["id"],
    )  # fmt: skip
    assert rebuild(application, "--all")["facts_taken_back"] == 1
    assert ledger_of(application) == told
    assert payments_of(application)[0]["id"] == kept


def test_what_an_expired_payload_once_stated_stays(application: Application) -> None:
    deliver_all(application, "stripe", [charge_event("charge.succeeded")], "default")
    application.work()
    told = ledger_of(application)
    application.sql("DELETE FROM event_payloads")
    assert rebuild(application, "--all")["outcomes"] == {"payload expired": 1}
    assert ledger_of(application) == told


def test_a_filter_chooses_and_everything_has_to_be_said(application: Application) -> None:
    intents = [intent_event("payment_intent.created", f"pi_{number}") for number in range(3)]
    deliver_all(application, "stripe", intents, "default")
    application.work()
    assert rebuild(application, "--object-id", "pi_1")["outcomes"] == {"rebuilt": 1}
    for options in ((), ("--all", "--provider", "stripe")):
        refused = application.cli("payments", "rebuild", *options)
        assert (refused.exit_code, "--all" in refused.stderr) == (2, True)
    shown = application.cli("payments", "rebuild", "--all")
    assert "3 events: 3 × rebuilt." in shown.stdout


def test_an_event_that_waits_for_a_worker_is_left_to_it(application: Application) -> None:
    deliver_all(application, "stripe", [charge_event("charge.succeeded")], "default")
    assert rebuild(application, "--all")["outcomes"] == {}
    with application.app.app_context():
        assert rebuild_event(application.events()[0]["id"]).outcome == "not processed"
    assert payments_of(application) == []
