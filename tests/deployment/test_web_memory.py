"""A web process that has grown too large is replaced, and nobody notices."""

from __future__ import annotations

from pathlib import Path

from tests.deployment.load import Load
from tests.support.service import Service
from tests.support.waiting import eventually


def test_a_worker_above_its_limit_retires_without_failing_a_request(
    tmp_path: Path, redis_url: str
) -> None:
    variables = {
        "PAYMENTS_HANDLERS": "tests.deployment.hoarding_handlers",
        "WEB_MAX_MEMORY_MB": "256",
        "WEB_CONCURRENCY": "2",
    }
    service = Service(tmp_path, f"sqlite:///{tmp_path / 'p.db'}", redis_url, **variables)
    with service.started(), Load(service.port, ["quick"]).running() as load:
        eventually(lambda: service.log("web").count("worker retires") > 1, "workers retire")
        eventually(lambda: len(load.sent) > 20, "the load goes on")
    assert not load.failures
