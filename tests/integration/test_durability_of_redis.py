"""Production does not start on a Redis that may forget, unless it was told so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from payments.app import create_app
from payments.variables import ConfigError
from tests.support.application import settings_for
from tests.support.servers import Valkey, free_port
from tests.unit.test_config import GOOD


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    return {**GOOD, "VAR_DIR": str(tmp_path), "REDIS_DURABLE": "0"}


@pytest.fixture
def forgetful() -> Iterator[Valkey]:
    server = Valkey("--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
    server.start()
    yield server
    server.close()


def test_a_redis_without_aof_or_with_eviction_is_refused_with_both_reasons(
    production: dict[str, str], forgetful: Valkey
) -> None:
    with pytest.raises(ConfigError) as caught:
        create_app(settings_for(**{**production, "REDIS_URL": forgetful.url}))
    message = str(caught.value)
    assert "without AOF" in message
    assert "may evict jobs" in message


def test_a_redis_that_cannot_be_asked_is_refused(production: dict[str, str]) -> None:
    away = f"redis://127.0.0.1:{free_port()}/0"
    with pytest.raises(ConfigError, match="does not tell whether it is durable"):
        create_app(settings_for(**{**production, "REDIS_URL": away}))


def test_a_durable_redis_is_accepted(production: dict[str, str], redis_url: str) -> None:
    app = create_app(settings_for(**{**production, "REDIS_URL": redis_url}))
    assert app.test_client().get("/health").status_code == 200


def test_being_told_so_is_enough_also_while_redis_is_away(production: dict[str, str]) -> None:
    away = f"redis://127.0.0.1:{free_port()}/0"
    told = {**production, "REDIS_URL": away, "REDIS_DURABLE": "1"}
    app = create_app(settings_for(**told))
    assert app.test_client().get("/health").status_code == 200
