"""What a worker recovers before its first job: a bounded part, so that it comes to that job."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments import recovery
from payments.models import utc_now
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
