"""What a worker recovers before its first job: a bounded part, so that it comes to that job."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments import failure_groups, recovery
from payments.models import utc_now
from payments.observability.masking import Masker
from tests.support.application import Application


def test_a_sweep_may_be_bounded_and_the_next_one_does_the_rest(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "BATCH", 2)
    for _ in range(5):
        assert application.deliver().status_code == 200
    application.queue.connection.flushall()
    later = utc_now() + timedelta(minutes=1)
    with application.app.app_context():
        assert recovery.enqueue_stranded(application.queue, later, most_batches=1) == 2
        assert recovery.enqueue_stranded(application.queue, later, most_batches=1) == 2
        assert recovery.enqueue_stranded(application.queue, later) == 1
    assert application.queue.queue.count == 5


def test_giving_old_dead_events_a_group_may_be_bounded_too(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_groups, "BATCH", 2)
    for _ in range(5):
        assert application.deliver().status_code == 200
    application.sql("UPDATE events SET status = 'dead', last_error = 'ValueError: old'")
    with application.app.app_context():
        assert failure_groups.adopt_dead_events(Masker(), most_batches=1) == 2
        assert failure_groups.adopt_dead_events(Masker()) == 3
