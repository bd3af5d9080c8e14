"""`make run` as a newcomer meets it: in a fresh copy of the project, with nothing configured.

What make itself does beforehand, the virtual environment, is left out: the interpreter of the tests
has everything (tests/unit/test_local_install.py covers that part).
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from payments.local.ports import PORTS
from tests.support.processes import is_running, processes_of
from tests.support.servers import free_port
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
    pytest.mark.timeout(180),
]

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("payments", "jobs", "migrations", "examples", "wsgi.py", "Makefile")
READY_SECONDS = 60
STOP_SECONDS = 60
FLASK = [sys.executable, "-m", "flask", "--app", "wsgi"]
HANDLER = """
from payments.handlers.registry import handles

@handles("stripe", "payment_intent.succeeded")
def fulfil(event, session, effects):
    pass
"""
Start = Callable[..., "Running"]


def environment(**variables: str) -> dict[str, str]:
    """What a shell has, and nothing of the service's own."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | variables


class Running:
    """`python -m payments.local.run` in a copy of the project, and everything that it printed."""

    def __init__(self, folder: Path, arguments: list[str], variables: dict[str, str]) -> None:
        self.folder = folder
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "payments.local.run", *arguments],
            cwd=folder,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def banner(self, name: str) -> str:
        """What the banner says about `name`, once it is printed."""

        def find() -> str:
            assert self.process.poll() is None, self.output
            match = re.search(rf"^  {name}: +(\S.*)$", self.output, re.MULTILINE)
            return match[1] if match else ""

        return eventually(find, f"the banner's line {name}", READY_SECONDS)

    @property
    def port(self) -> int:
        port = urlsplit(self.banner("Address")).port
        assert port
        return port

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def events(self) -> list[dict[str, Any]]:
        token = self.banner("Admin token")
        status, events = self.get("/admin/events", Authorization=f"Bearer {token}")
        assert status == 200
        assert isinstance(events, list)
        return events

    def simulate(self) -> None:
        command = [*FLASK, "simulate", "stripe", "payment_intent.succeeded"]
        done = subprocess.run(
            command, cwd=self.folder, env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def find(self, *words: str) -> set[int]:
        """The service's own processes with `words` in their command line; no keepers."""
        return {
            process
            for process, command in processes_of(self.folder).items()
            if "payments.local.keep" not in command and all(word in command for word in words)
        }

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """As a terminal does: the signal goes to the whole foreground group."""
        os.killpg(self.process.pid, number)
        code = self.process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        return code

    def end(self) -> None:
        """Whatever a failed test left behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        eventually(lambda: not processes_of(self.folder), "the end of everything", STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        if self.process.stdout:
            self.process.stdout.close()


def make_copy(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, folder)
    (folder / "a_handler.py").write_text(HANDLER)
    return folder


def start_in(folder: Path, *arguments: str, **variables: str) -> Running:
    variables = {"PAYMENTS_HANDLERS": "a_handler", **variables}
    return Running(folder, list(arguments), variables)


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


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
        return True


def assert_nothing_is_left(running: Running, port: int) -> None:
    assert processes_of(running.folder) == {}
    assert is_free(port)
    var = running.folder / "var"
    assert not (var / "address").exists()
    assert not list(var.rglob("*.sock"))


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_and_starts_again_in_seconds(start: Start, number: signal.Signals) -> None:
    port = free_port()
    first = start(APP_PORT=str(port))
    first.banner("Stop")
    first.simulate()
    secrets = (first.folder / ".env").read_text()
    assert first.stop(number) == 0, first.output
    assert "Traceback" not in first.output
    assert_nothing_is_left(first, port)

    second = start()
    assert second.banner("Address")
    # The promise of 5 s is measured by `make perf`: other tests may keep this machine busy.
    assert time.monotonic() - second.began < 20
    assert (second.folder / ".env").read_text() == secrets
    assert len(second.events()) == 1


def test_a_second_ctrl_c_leaves_no_orphans(start: Start) -> None:
    port = free_port()
    running = start(APP_PORT=str(port))
    running.banner("Stop")
    os.killpg(running.process.pid, signal.SIGINT)
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.stop() == 0, running.output
    assert "Traceback" not in running.output
    assert_nothing_is_left(running, port)


@pytest.mark.parametrize("seconds", [0.0, 0.3, 0.6, 1.0, 1.5, 2.5])
def test_ctrl_c_while_it_starts_leaves_no_orphans(start: Start, seconds: float) -> None:
    running = start()
    eventually((running.folder / ".env").exists, "the first sign of life", READY_SECONDS)
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(seconds)
    assert running.stop() == 0, running.output
    assert "Traceback" not in running.output
    assert processes_of(running.folder) == {}


def test_ctrl_c_in_the_very_first_moment_starts_nothing(start: Start) -> None:
    running = start()
    running.stop()  # perhaps before Python has got as far as to catch it
    assert processes_of(running.folder) == {}


def test_when_it_is_killed_nothing_of_it_stays(start: Start) -> None:
    port = free_port()
    running = start(APP_PORT=str(port))
    running.banner("Stop")
    running.process.kill()
    running.process.wait()
    eventually(lambda: not processes_of(running.folder), "the end of everything", STOP_SECONDS)
    assert is_free(port)
    again = start()
    assert again.banner("Address")
    assert again.stop() == 0


def test_when_make_is_killed_nothing_of_it_stays(start: Start, tmp_path: Path) -> None:
    # Stands for make: starts what make starts, and waits for it.
    code = "import subprocess, sys; subprocess.run([sys.executable, '-m', *sys.argv[1:]])"
    folder = make_copy(tmp_path / "killed")
    with subprocess.Popen(
        [sys.executable, "-c", code, "payments.local.run", "--end-with-parent"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
    ) as make:
        eventually((folder / "var/address").exists, "the service", READY_SECONDS)
        make.kill()
    eventually(lambda: not processes_of(folder), "the end of everything", STOP_SECONDS)


def test_a_named_port_that_is_busy_is_an_error(start: Start) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        running = start(APP_PORT=str(port))
        assert running.process.wait(READY_SECONDS) == 1
    running.end()
    assert f"APP_PORT: {port} is busy" in running.output
    assert processes_of(running.folder) == {}


def test_a_named_port_is_used(start: Start) -> None:
    port = free_port()
    assert start(APP_PORT=str(port)).port == port


def test_all_ports_busy_is_an_error_that_says_what_to_set(start: Start) -> None:
    with ExitStack() as stack:
        for port in PORTS:
            if is_free(port):
                stack.enter_context(closing(socket.create_server(("127.0.0.1", port))))
        running = start()
        assert running.process.wait(READY_SECONDS) == 1
    running.end()
    assert "All ports from 8065 to 8099 are busy" in running.output
    assert "Set APP_PORT" in running.output


def test_a_wrong_configuration_is_listed_and_nothing_is_started(start: Start) -> None:
    running = start(LOG_LEVEL="loud", RETRY_MAX_ATTEMPTS="many")
    assert running.process.wait(READY_SECONDS) == 2
    running.end()
    assert "LOG_LEVEL" in running.output
    assert "RETRY_MAX_ATTEMPTS" in running.output
    assert not (running.folder / "var").exists()


def test_in_production_nothing_is_made_up(start: Start) -> None:
    running = start(APP_ENV="prod")
    assert running.process.wait(READY_SECONDS) == 2
    running.end()
    assert "ADMIN_TOKEN: is not set" in running.output
    assert not (running.folder / ".env").exists()


def test_a_token_of_the_environment_is_the_one_that_is_printed(start: Start) -> None:
    token = "a-token-of-the-environment-0123456789"
    running = start(ADMIN_TOKEN=token)
    assert running.banner("Admin token") == token
    assert running.events() == []
    assert token not in (running.folder / ".env").read_text()


def test_the_number_of_workers_can_be_set(start: Start) -> None:
    running = start(WORKER_COUNT="1")
    running.banner("Stop")
    leaders = [p for p in running.find("jobs.worker") if os.getpgid(p) == p]
    assert len(leaders) == 1
    assert all(map(is_running, leaders))
