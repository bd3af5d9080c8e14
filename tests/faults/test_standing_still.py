"""A worker stands still at any statement, for what the others take for an hour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from payments import database
from tests.faults.boundaries import assert_sound, each_boundary
from tests.faults.children import Ended
from tests.faults.laboratory import Laboratory


@pytest.fixture
def patient_laboratory(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Laboratory]:
    """Retries wait for long, and nobody waits for a lock whose holder stands still."""
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 0.2)
    monkeypatch.setattr(database, "SQLITE_BUSY_SECONDS", 0.2)
    patience = {"RETRY_BASE_SECONDS": "3000", "RETRY_CAP_SECONDS": "3000"}
    made = Laboratory(database_url, redis_url, tmp_path, **patience)
    made.warm_up()
    yield made
    made.close()


def test_a_worker_that_stands_still_at_any_statement_does_not_undo_what_others_did(
    patient_laboratory: Laboratory,
) -> None:
    """Meanwhile an hour passes, and another worker makes an attempt of its own, which fails."""

    def operation(at: int) -> Ended:
        laboratory = patient_laboratory
        event = laboratory.event("once_flaky", seed=at)
        assert laboratory.deliver(event).result == 200
        ended = laboratory.work(at, "stop")
        assert_sound(laboratory, at, ended)
        return ended

    assert each_boundary(operation) >= 10
