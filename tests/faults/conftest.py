"""One laboratory per database for all tests of a module: the first use of everything is slow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from payments.handlers import registry
from tests.conftest import DATABASES
from tests.faults.laboratory import Laboratory


@pytest.fixture(scope="module", params=DATABASES)
def warm_laboratory(
    request: pytest.FixtureRequest, valkey_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Laboratory]:
    folder: Path = tmp_path_factory.mktemp("laboratory")
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "payments.db")
        url = f"sqlite:///{folder / 'payments.db'}"
    else:
        url = request.getfixturevalue("migrated_postgresql")
    made = Laboratory(url, valkey_server, folder)
    made.warm_up()
    yield made
    made.empty()
    made.close()


@pytest.fixture
def laboratory(warm_laboratory: Laboratory) -> Laboratory:
    """An empty one."""
    registry._registrations.clear()
    warm_laboratory.use()
    warm_laboratory.empty()
    return warm_laboratory
