"""The real PM2, as `make pm2-start`, `pm2-reload` and `pm2-stop` use it; in this order."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from tests.deployment.load import Load
from tests.deployment.pm2_project import PM2Project
from tests.support.deliveries import ADMIN_TOKEN, STRIPE_SECRET
from tests.support.processes import is_running, processes_of
from tests.support.servers import make_database
from tests.support.waiting import eventually

# Whole services are started and stopped here; on a busy machine that takes its time.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, pm2: Path, postgresql_server: str
) -> Iterator[PM2Project]:
    # Not SQLite: its one writer, a slow handler, would make webhooks wait.
    database = make_database(postgresql_server, "payments_pm2")
    home = Path(tempfile.mkdtemp(prefix="pm2-"))  # a UNIX socket's address must be short
    project = PM2Project(tmp_path_factory.mktemp("pm2") / "project", home, pm2, database)
    started = project.make("pm2-start")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        assert "The service is ready" in started.stdout
        yield project
    finally:
        project.make("pm2-stop")
        shutil.rmtree(home)


def test_web_workers_and_scheduler_run_and_log_into_their_files(service: PM2Project) -> None:
    counts = {name: len(running) for name, running in service.processes().items()}
    expected = {"web": 1, "worker": 2, "scheduler": 1, "redis": 1}
    assert counts == {f"payments-{name}": number for name, number in expected.items()}
    logs = service.folder / "var" / "log"
    assert "serves" in (logs / "payments-web.log").read_text()
    assert (logs / "payments-worker.log").exists()
    scheduler = logs / "payments-scheduler.log"
    eventually(lambda: "schedule-recover" in scheduler.read_text(), "the scheduler logs")


def test_what_pm2_keeps_has_no_secret_and_more_patience_than_any_job(service: PM2Project) -> None:
    kept = json.dumps(service.listed())
    assert STRIPE_SECRET not in kept
    assert ADMIN_TOKEN not in kept
    patience = {row["name"]: row["pm2_env"]["kill_timeout"] for row in service.listed()}
    # The longest are those of the schedule: 1,800 seconds, and the watchdog's 10.
    assert patience["payments-worker"] > 1_810_000
    assert patience["payments-web"] > 35_000


def test_a_process_that_is_killed_comes_back(service: PM2Project) -> None:
    before = service.processes()
    for [process, *_] in before.values():
        os.kill(process, signal.SIGKILL)

    def all_are_back() -> bool:
        now = service.processes()
        new = {name: set(now.get(name, ())) - {0} for name in before}
        return all(
            len(new[name]) == len(before[name]) and before[name][0] not in new[name]
            for name in before
        )

    eventually(all_are_back, "PM2 starts what was killed again")
    eventually(lambda: _is_ready(service), "the service is ready again")


def test_requests_wait_while_a_killed_gunicorn_is_started_again(service: PM2Project) -> None:
    [holder] = service.processes()["payments-web"]
    [gunicorn] = _children(holder)
    killed = [gunicorn, *_children(gunicorn)]
    for process in killed:
        os.kill(process, signal.SIGKILL)
    eventually(lambda: not any(map(is_running, killed)), "gunicorn is dead")
    assert _health(service)["status"] == "ok"
    assert service.processes()["payments-web"] == [holder]


def test_a_reload_under_load_fails_no_request_and_cuts_no_job_off(service: PM2Project) -> None:
    version = service.folder / "payments" / "__init__.py"
    version.write_text(version.read_text().replace("0.1.0", "0.1.99"))
    workers = service.processes()["payments-worker"]
    outcomes = service.outcomes()
    with Load(service.port, [*["quick"] * 14, "slow"]).running() as load:
        eventually((service.folder / "began").exists, "a slow job runs")
        reloaded = service.make("pm2-reload")
        assert reloaded.returncode == 0, reloaded.stdout + reloaded.stderr
        assert _health(service)["version"] == "0.1.99"
    assert not load.failures
    assert not set(workers) & set(service.processes()["payments-worker"])
    # Each is processed with its first attempt: one that was cut off would have had a second.
    outcomes[("processed", 1)] += len(load.sent)
    eventually(
        lambda: set(service.outcomes()) == {("processed", 1)}, "all events are processed", 90
    )
    assert service.outcomes() == outcomes
    began = (service.folder / "began").read_text().split()
    assert sorted(began) == sorted(id for id, kind in load.sent.items() if kind == "slow")


def test_a_version_that_cannot_start_leaves_the_old_one_serving(service: PM2Project) -> None:
    wsgi = service.folder / "wsgi.py"
    good = wsgi.read_text()
    wsgi.write_text("raise RuntimeError('a bad release')\n")
    with Load(service.port, ["quick"]).running() as load:
        refused = service.project.run(".venv/bin/python", "-m", "payments.serving.reload")
    wsgi.write_text(good)
    assert refused.returncode == 1
    assert "The one that was there goes on" in refused.stderr
    assert load.sent
    assert not load.failures


def test_a_wrong_setting_is_named_and_nothing_is_reloaded(service: PM2Project) -> None:
    service.configure(WEB_THREADS="many")
    before = service.processes()
    refused = service.make("pm2-reload")
    service.configure()
    assert refused.returncode != 0
    assert "WEB_THREADS" in refused.stdout + refused.stderr
    assert service.processes() == before


def test_a_stop_ends_what_runs_and_leaves_nothing_behind(service: PM2Project) -> None:
    daemons = processes_of(service.folder)
    assert daemons
    stopped = service.make("pm2-stop")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert not processes_of(service.folder)
    assert not [process for process in daemons if is_running(process)]
    with pytest.raises(urllib3.exceptions.HTTPError):
        _health(service)
    assert set(service.outcomes()) == {("processed", 1)}


def _is_ready(service: PM2Project) -> bool:
    try:
        return _get(service, "/ready").status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _health(service: PM2Project) -> dict[str, str]:
    answer: dict[str, str] = _get(service, "/health").json()
    return answer


def _get(service: PM2Project, path: str) -> urllib3.BaseHTTPResponse:
    """On a connection of its own: a kept one may be that of a process which was killed."""
    url = f"http://127.0.0.1:{service.port}{path}"
    return urllib3.request("GET", url, headers={"Connection": "close"}, timeout=20, retries=False)


def _children(process: int) -> list[int]:
    return [
        int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]
