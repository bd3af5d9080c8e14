"""What `make run` says, and what it keeps running."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys

import pytest

from payments.local.ports import PORTS
from tests.e2e.make_run.running import (
    FLASK,
    READY_SECONDS,
    STOP_SECONDS,
    Running,
    environment,
    start_in,
)
from tests.support.processes import processes_of
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
    pytest.mark.timeout(180),
]


def test_it_says_where_it_is_and_answers_there(service: Running) -> None:
    assert service.port in PORTS
    assert service.get("/health")[0] == 200
    assert service.get("/ready")[0] == 200


def test_the_address_is_written_down_for_other_programs(service: Running) -> None:
    path = service.folder / "var/address"
    assert eventually(path.exists, "the address file")
    assert path.read_text() == service.banner("Address") + "\n"


def test_secrets_are_made_for_their_owner_alone(service: Running) -> None:
    assert stat.S_IMODE((service.folder / ".env").stat().st_mode) == 0o600
    assert stat.S_IMODE((service.folder / "var").stat().st_mode) == 0o700
    assert service.banner("Admin token") in (service.folder / ".env").read_text()


def test_the_output_has_no_colours_where_it_is_no_terminal(service: Running) -> None:
    assert "\033" not in service.output


def test_the_command_of_the_banner_sends_an_event_that_is_processed(service: Running) -> None:
    command = service.banner("Send an event")
    assert command == ".venv/bin/flask --app wsgi simulate stripe payment_intent.succeeded"
    before = len(service.events())
    service.simulate()

    def processed() -> bool:
        events = service.events()
        return len(events) == before + 1 and events[0]["status"] == "processed"

    eventually(processed, "the event is processed", 30)


def test_the_other_command_of_the_banner_shows_it(service: Running) -> None:
    service.simulate()
    assert service.banner("See events") == ".venv/bin/flask --app wsgi events list"
    shown = subprocess.check_output(
        [*FLASK, "events", "list"], cwd=service.folder, env=environment(), text=True
    )
    assert "payment_intent.succeeded" in shown


def test_a_second_one_in_the_same_folder_is_refused(service: Running) -> None:
    second = start_in(service.folder)
    assert second.process.wait(READY_SECONDS) == 1
    second._reader.join(STOP_SECONDS)
    assert second.process.stdout
    second.process.stdout.close()
    assert f"already running in this folder (process {service.process.pid})" in second.output
    assert service.get("/health")[0] == 200
    assert (service.folder / "var/address").exists()


@pytest.mark.parametrize(
    "words", [["jobs.worker"], ["jobs.schedule"], ["gunicorn"]], ids=["worker", "scheduler", "web"]
)
def test_what_is_killed_comes_back(service: Running, words: list[str]) -> None:
    before = service.find(*words)
    leader = next(process for process in before if os.getpgid(process) == process)
    os.kill(leader, signal.SIGKILL)

    def is_back() -> bool:
        now = service.find(*words)
        leaders = {process for process in now if os.getpgid(process) == process}
        return leader not in now and len(leaders) == (2 if words == ["jobs.worker"] else 1)

    eventually(is_back, f"{words} comes back", 30)
    assert service.get("/health")[0] == 200


def test_events_are_processed_after_valkey_was_killed(service: Running) -> None:
    (server,) = {
        process
        for process, command in processes_of(service.folder / "var/valkey").items()
        if "valkey-server" in command[0]
    }
    os.kill(server, signal.SIGKILL)
    eventually(lambda: service.get("/ready")[0] == 200, "valkey is back", 30)
    service.simulate()
    eventually(lambda: service.events()[0]["status"] == "processed", "the event", 60)
