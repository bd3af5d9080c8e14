"""One service in its production form for all tests here, and a collector for its spans."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standins.collector import Collector
from tests.support.service import Service

ADMIN_TOKEN = "operator-9b1f4c7e2a5d8036-production"
VARIABLES = {
    "APP_ENV": "prod",
    "LOG_LEVEL": "INFO",
    "PAYMENTS_PROVIDERS": "stripe",
    "PAYMENTS_HANDLERS": "tests.e2e.observability.handlers",
    "ADMIN_TOKEN": f"eve:operator:{ADMIN_TOKEN}",
    "SESSION_SECRET": "session-5d8036e2a9b1f4c7-production",
    "REDIS_DURABLE": "1",
    "RETRY_BASE_SECONDS": "0.05",
    "RETRY_CAP_SECONDS": "0.05",
    "WEB_CONCURRENCY": "1",
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=otlp-4c7e2a5d80369b1f,x-team=payments-team-key",
    "OTEL_BSP_SCHEDULE_DELAY": "100",
    "OTEL_RESOURCE_ATTRIBUTES": "team=checkout",
}


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="package")
def service(
    collector: Collector, valkey_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("observed")
    database = f"sqlite:///{folder / 'payments.db'}"
    variables = {**VARIABLES, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    made = Service(folder, database, valkey_server, **variables)
    with made.started(workers=1, scheduler=True) as service:
        yield service
