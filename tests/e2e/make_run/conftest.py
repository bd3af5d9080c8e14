"""`make run` in a copy of the project: one for a whole file, or one for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.make_run.running import Running, Start, make_copy, start_in


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One that runs for all tests that do not stop it."""
    running = start_in(make_copy(tmp_path_factory.mktemp("run") / "project"))
    running.banner("Stop")
    yield running
    running.end()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts one in a copy of this test's own."""
    folder = make_copy(tmp_path / "project")
    with ExitStack() as stack:

        def start(*arguments: str, **variables: str) -> Running:
            running = start_in(folder, *arguments, **variables)
            stack.callback(running.end)
            return running

        yield start
