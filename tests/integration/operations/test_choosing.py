"""Which events an operator means: by id, by filter, or all of them; and orders that are unclear."""

from __future__ import annotations

import json

import pytest

from tests.integration.operations.dead_letters import Warehouse, kill
from tests.support.application import Application


def test_a_filter_chooses_and_a_dry_run_only_counts(
    application: Application, warehouse: Warehouse
) -> None:
    kill(application, 3, "charge.refunded")
    kill(application, 2, "payout.failed")
    filters = ["--type", "charge.*", "--error", "warehouse", "--provider", "stripe"]
    preview = application.cli("dlq", "retry", *filters, "--dry-run")
    assert "3 events would be retried." in preview.stdout
    assert len(application.events(status="dead")) == 5
    done = application.cli("dlq", "retry", *filters, "--yes", "--json", "--rate", "1000")
    assert [result["done"] for result in json.loads(done.stdout)] == [True] * 3
    assert {event["event_type"] for event in application.events(status="dead")} == {"payout.failed"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["retry"], "Give ids or a filter; --all"),
        (["retry", "1", "--type", "x"], "not both"),
        (["retry", "1", "--all"], "not both"),
        (["retry", "--since", "yesterday"], "ISO 8601"),
        (["retry", "--rate", "0", "1"], "rate"),
        (["discard", "1"], "--reason"),
        (["discard", "1", "--reason", "  "], "--reason"),
        (["retry", "0"], "1<=x"),
    ],
)
def test_an_unclear_order_is_refused_with_what_is_missing(
    application: Application, arguments: list[str], complaint: str
) -> None:
    result = application.cli("dlq", *arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_a_filter_that_matches_nothing_says_so(application: Application) -> None:
    result = application.cli("dlq", "retry", "--type", "no.such", "--yes")
    assert (result.exit_code, result.stdout) == (0, "Nothing matches.\n")


def test_an_id_that_does_not_exist_is_named_and_the_others_are_done(
    application: Application, warehouse: Warehouse
) -> None:
    [id] = kill(application)
    result = application.cli("dlq", "retry", str(id), "999999")
    assert result.exit_code == 1
    assert "1 retried, 1 skipped" in result.stdout
    assert "999999: there is no such event" in result.stdout


def test_a_huge_id_is_a_usage_error(application: Application) -> None:
    assert application.cli("dlq", "retry", "9" * 20).exit_code == 2
