"""Fixtures: real servers once per run, a fresh application per test, on both databases."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from payments.app import create_app
from payments.handlers import registry
from tests.support.application import BASE_ENVIRONMENT, Application, MakeApplication, settings_for
from tests.support.databases import empty_tables, migrate
from tests.support.leaks import pytest_runtest_makereport as pytest_runtest_makereport
from tests.support.servers import Valkey, make_database, postgresql

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="session", autouse=True)
def quiet_end() -> Iterator[None]:
    """What is logged after the last test would go to a stream that pytest has closed."""
    yield
    logging.getLogger().handlers.clear()


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of real deliveries and payloads; not part of the project's own files."""
    folder = os.environ.get("VECTORS")
    if not folder:
        pytest.skip("VECTORS is unset: it names a folder of recorded deliveries")
    return Path(folder)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server; `TEST_DATABASE_URL` names one to use instead."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    # Not below pytest's own folder: it runs as another user where we are root, and each further
    # pytest on this machine takes that folder's permissions away from others.
    with tempfile.TemporaryDirectory(prefix="pg-") as folder, postgresql(Path(folder)) as url:
        yield url


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """The URL of a Redis; `TEST_REDIS_URL` names one to use (and empty) instead."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    server = Valkey()
    server.start()
    yield server.url
    server.close()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated and empty SQLite database, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "payments.db"
    migrate(f"sqlite:///{file}", file.parent)
    return file


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = postgresql_server
    if not os.environ.get("TEST_DATABASE_URL"):
        url = make_database(postgresql_server, "payments_tests")
    migrate(url, tmp_path_factory.mktemp("var"))
    return url


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database: each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        file = tmp_path / "payments.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
        yield f"sqlite:///{file}"
        return
    url = request.getfixturevalue("migrated_postgresql")
    yield url
    empty_tables(url)


@pytest.fixture
def redis_url(valkey_server: str) -> Iterator[str]:
    """An empty Redis."""
    import redis

    client = redis.Redis.from_url(valkey_server)
    client.flushall()
    yield valkey_server
    client.close()


@pytest.fixture
def make_application(
    database_url: str, redis_url: str, tmp_path: Path
) -> Iterator[MakeApplication]:
    """Builds applications on this test's database and Redis, with more variables if given."""
    made: list[Application] = []

    def make(*, patient: bool = True, **variables: str) -> Application:
        environment = {
            **BASE_ENVIRONMENT,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "VAR_DIR": str(tmp_path / "var"),
            **variables,
        }
        made.append(Application(create_app(settings_for(**environment)), patient=patient))
        return made[-1]

    yield make
    for application in made:
        application.close()


@pytest.fixture
def application(make_application: MakeApplication) -> Application:
    return make_application()


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    """What a test registers with @handles is gone after it."""
    before = list(registry._registrations)
    registry._registrations.clear()
    yield
    registry._registrations[:] = before
