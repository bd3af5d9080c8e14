"""The files for Docker: clean for hadolint, consistent, and telling about a missing engine."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.service import ROOT, Service
from tests.support.waiting import eventually

EXAMPLE = "examples/handlers.py"
OURS = ("migrate", "embedded-redis", "web", "worker", "scheduler")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return parsed


def test_hadolint_finds_nothing_wrong_with_the_dockerfile() -> None:
    fetched = subprocess.run(["make", "hadolint"], cwd=ROOT, capture_output=True, text=True)
    if fetched.returncode:
        pytest.skip(f"hadolint could not be fetched, so it was not asked: {fetched.stderr[-300:]}")
    [hadolint] = ROOT.glob("var/cache/hadolint-*/bin/hadolint")
    judged = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout
    assert not judged.stdout


def test_the_image_has_what_the_service_imports_and_no_more(compose: dict[str, Any]) -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", _dockerfile(), re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    code = {"wsgi.py", "jobs", "migrations", "payments", EXAMPLE}
    assert sources == {"requirements.txt", "openapi.json", *code}
    assert all((ROOT / source).exists() for source in sources)
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert sources == {line[1:] for line in lines if line.startswith("!")}
    ignored = [line for line in lines if line and line[0] not in "#!"]
    for secret in (".env", ".env.production", "var"):
        assert any(fnmatch.fnmatch(secret, pattern) for pattern in ignored)


def test_the_image_runs_as_nobody_in_particular_and_tells_of_its_health() -> None:
    last = _dockerfile().rpartition("FROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert 'CMD ["python", "-m", "payments.serving.web"]' in last


@pytest.mark.parametrize(
    ("profiles", "started"),
    [
        (set(), {*OURS}),
        ({"redis"}, {*OURS, "redis"}),
        ({"postgres"}, {*OURS, "postgres"}),
        ({"redis", "postgres"}, {*OURS, "redis", "postgres"}),
    ],
)
def test_a_profile_starts_its_server_and_what_is_started_lacks_nothing(
    compose: dict[str, Any], profiles: set[str], started: set[str]
) -> None:
    services = compose["services"]
    wanted = {
        name
        for name, service in services.items()
        if "profiles" not in service or profiles & set(service["profiles"])
    }
    assert wanted == started
    for name in wanted:
        for other, how in services[name].get("depends_on", {}).items():
            assert other in wanted or how.get("required") is False
            if how["condition"] == "service_healthy":
                assert "test" in services[other]["healthcheck"]
        for volume in services[name].get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]


def test_every_service_has_limits_a_health_check_and_no_more_rights_than_it_needs(
    compose: dict[str, Any],
) -> None:
    for name, service in compose["services"].items():
        assert service["mem_limit"], name
        assert service["restart"] in ("unless-stopped", "on-failure"), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name in OURS:
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
        # The image has one of its own.
        assert name == "web" or service["healthcheck"], name


def test_the_containers_have_the_patience_that_jobs_need(compose: dict[str, Any]) -> None:
    service = Service(Path("unused"), "sqlite:///unused.db", "redis://127.0.0.1:1")
    plan = json.loads(_module(service, "jobs.process_plan").stdout)
    patience = compose["services"]["worker"]["stop_grace_period"]
    assert int(patience.removesuffix("s")) > plan["longest_job_seconds"]


def test_health_checks_tell_the_living_from_the_dead(tmp_path: Path, redis_url: str) -> None:
    service = Service(tmp_path, f"sqlite:///{tmp_path / 'p.db'}", redis_url)
    service.environment["APP_PORT"] = str(service.port)
    checks = {
        "web": ("payments.serving.alive",),
        "worker.1": ("jobs.alive", "worker"),
        "scheduler": ("jobs.alive", "scheduler"),
    }
    for check in checks.values():
        assert _module(service, *check).returncode == 1
    with service.started(workers=1, scheduler=True):
        for name, check in checks.items():
            eventually(lambda c=check: _module(service, *c).returncode == 0, f"{name} lives")
    assert _module(service, "payments.serving.alive").returncode == 1
    assert _module(service, "jobs.alive", "worker").returncode == 1


def test_where_no_engine_runs_the_smoke_test_says_that_it_did_not(tmp_path: Path) -> None:
    """With a name for the engine at which nobody listens, so also on machines that have one."""
    done = subprocess.run(
        [sys.executable, ROOT / "deploy" / "docker_smoke.py"],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "DOCKER_HOST": f"unix://{tmp_path}/none"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Docker: SKIPPED" in done.stdout
    assert "not built" in done.stdout


def _dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def _module(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=service.environment,
        capture_output=True,
        text=True,
    )
