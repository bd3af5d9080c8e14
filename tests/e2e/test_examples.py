"""The examples as a user meets them: `make run` in one terminal, the scripts in another one."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from sqlalchemy import select

from examples.handlers import PaidOrder
from tests.conftest import DATABASES
from tests.support.databases import connected, empty_database
from tests.support.deliveries import SIGNED, encode, unique
from tests.support.operator import Operator
from tests.support.project import Project
from tests.support.servers import free_port
from tests.support.service import Service

PROVIDERS = ("stripe", "paypal")
HANDLERS = "examples.handlers"
SECRETS = {"stripe": "STRIPE_SIGNING_SECRET", "paypal": "DEMO_HMAC_SECRET"}
NEEDED = ("sh", "dirname", "date", "od", "sed", "tr", "tail", "cat", "curl", "openssl")

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
    pytest.mark.skipif(
        not all(map(shutil.which, NEEDED)), reason=f"the scripts need {', '.join(NEEDED)}"
    ),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("examples") / "a project")


@pytest.fixture(scope="module")
def operator(project: Project) -> Iterator[Operator]:
    """Of the running project, with the example handlers."""
    with project.running(PAYMENTS_HANDLERS=HANDLERS) as operator:
        yield operator


def script(project: Project, provider: str) -> str:
    return str(project.folder / "examples" / f"{provider}_curl.sh")


def deliver(project: Project, provider: str, **variables: str) -> CompletedProcess[str]:
    """Run the script as it is, with these variables set."""
    return project.run(script(project, provider), cwd=project.folder, **variables)


def example(project: Project, provider: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(
        (project.folder / "examples" / f"{provider}_webhook.json").read_bytes()
    )
    return event


def another(project: Project, provider: str, file: Path) -> str:
    """Write another event about another payment to `file`; returns the event's id."""
    event = example(project, provider)
    event["id"] = unique("evt")
    subject = event["data"]["object"] if provider == "stripe" else event["resource"]
    subject["id"] = unique("pay")
    # As nobody's encoder would write it: what is signed is the bytes.
    file.write_bytes(json.dumps(event, indent=3, ensure_ascii=False).encode() + b"\n\t\n")
    return str(event["id"])


def answer_of(done: CompletedProcess[str]) -> tuple[str, dict[str, Any]]:
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    status, _, body = done.stdout.partition(" ")
    return status, json.loads(body)


def complaint_of(done: CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


def receipts(var_dir: Path) -> list[dict[str, Any]]:
    file = var_dir / "receipts.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_script_delivers_the_example_and_a_second_run_is_a_duplicate(
    project: Project, operator: Operator, provider: str
) -> None:
    event_id = example(project, provider)["id"]
    for message in ("queued", "duplicate ignored"):
        answer = {"status": "ok", "message": message, "event_id": event_id}
        assert answer_of(deliver(project, provider)) == ("200", answer)
    assert operator.finished(event_id)["status"] == "processed"


def test_the_handlers_write_one_receipt_for_each_example(
    project: Project, operator: Operator
) -> None:
    for provider in PROVIDERS:
        answer_of(deliver(project, provider))
        operator.finished(example(project, provider)["id"])
    sent = [r for r in receipts(project.var_dir) if r["order_id"] in ("1001", "1002")]
    assert Counter(receipt["key"] for receipt in sent) == {
        "receipt:stripe:pi_1ExampleFirstPayment00001": 1,
        "receipt:paypal:0EXAMPLE1CAPTURE1": 1,
    }


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_script_delivers_the_file_that_it_is_given_from_any_folder(
    project: Project, operator: Operator, provider: str, tmp_path: Path
) -> None:
    event_id = another(project, provider, tmp_path / "my event.json")
    done = project.run(script(project, provider), "my event.json", cwd=tmp_path)
    assert answer_of(done)[1]["message"] == "queued"
    assert operator.finished(event_id)["status"] == "processed"


def test_the_script_may_be_named_by_a_relative_path(project: Project, operator: Operator) -> None:
    folder = project.folder / "examples"
    assert answer_of(project.run("./stripe_curl.sh", cwd=folder))[0] == "200"
    assert answer_of(project.run("sh", "stripe_curl.sh", cwd=folder))[0] == "200"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_environment_wins_over_the_env_file(
    project: Project, operator: Operator, provider: str
) -> None:
    other = {SECRETS[provider]: "another-secret-4f1b", "PAYMENTS_URL": operator.url}
    assert "the same secret" in complaint_of(deliver(project, provider, **other))
    right = project.secret(SECRETS[provider])
    several = {SECRETS[provider]: f" {right} , an-older-one", "ENV_FILE": "/nonexistent"}
    done = deliver(project, provider, PAYPAL_MODE="demo_hmac", **several)
    assert answer_of(done)[0] == "200"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_secret_may_be_in_a_file_and_the_port_in_a_variable(
    project: Project, operator: Operator, provider: str, tmp_path: Path
) -> None:
    name = SECRETS[provider]
    (tmp_path / "secret").write_text(project.secret(name) + "\n")
    port = operator.url.rpartition(":")[2]
    (tmp_path / "env").write_text(
        f"# written by hand\r\nAPP_PORT = {port}  # a port\r\nexport PAYPAL_MODE='demo_hmac'\r\n"
        f'VAR_DIR="{tmp_path}/var"\r\n{name}_FILE={tmp_path}/secret\r\n'
    )
    done = deliver(project, provider, ENV_FILE=str(tmp_path / "env"))
    assert answer_of(done)[0] == "200"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_an_env_file_it_says_how_to_get_one(
    project: Project, operator: Operator, provider: str
) -> None:
    complaint = complaint_of(deliver(project, provider, ENV_FILE="nothing"))
    assert f"there is no {project.folder}/nothing" in complaint
    assert "make run" in complaint


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_secret_that_is_not_set_is_named(
    project: Project, operator: Operator, provider: str, tmp_path: Path
) -> None:
    (tmp_path / "env").write_text("PAYPAL_MODE=demo_hmac\n")
    done = deliver(project, provider, ENV_FILE=str(tmp_path / "env"))
    assert f"{SECRETS[provider]} is set neither" in complaint_of(done)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_service_that_does_not_run_is_named(
    project: Project, operator: Operator, provider: str, tmp_path: Path
) -> None:
    complaint = complaint_of(deliver(project, provider, VAR_DIR=str(tmp_path)))
    assert "the service is not running" in complaint
    assert "make run" in complaint
    nowhere = f"http://127.0.0.1:{free_port()}"
    complaint = complaint_of(deliver(project, provider, PAYMENTS_URL=nowhere))
    assert f"does not answer at {nowhere}/webhooks/{provider}" in complaint


@pytest.mark.parametrize("missing", ["curl", "openssl"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_program_that_is_missing_is_named(
    project: Project, operator: Operator, provider: str, missing: str, tmp_path: Path
) -> None:
    for name in NEEDED:
        if name != missing:
            (tmp_path / name).symlink_to(shutil.which(name) or "")
    done = deliver(project, provider, PATH=str(tmp_path))
    assert f"{missing} is not installed" in complaint_of(done)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_file_that_does_not_exist_is_named(
    project: Project, operator: Operator, provider: str
) -> None:
    assert "no file nothing.json" in complaint_of(
        project.run(script(project, provider), "nothing.json")
    )


def test_what_only_paypal_can_sign_for_is_not_tried(project: Project, operator: Operator) -> None:
    complaint = complaint_of(deliver(project, "paypal", PAYPAL_MODE="sandbox"))
    assert "PAYPAL_MODE is sandbox" in complaint
    assert "demo_hmac" in complaint


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_not_an_event_is_refused_and_the_reason_shown(
    project: Project, operator: Operator, provider: str, tmp_path: Path
) -> None:
    (tmp_path / "list.json").write_text("[]")
    done = project.run(script(project, provider), str(tmp_path / "list.json"))
    assert done.returncode == 1
    assert done.stdout.startswith("400 ")
    assert "not a JSON object" in done.stdout


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_secret_is_never_an_argument_of_a_command(
    project: Project, operator: Operator, provider: str, tmp_path: Path
) -> None:
    """Every program that the script runs is replaced by one that notes its arguments first."""
    noted = tmp_path / "noted"
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in NEEDED[1:]:
        (programs / name).write_text(
            f'#!/bin/sh\nprintf \'%s\\n\' {name} "$@" >>{noted}\nexec {shutil.which(name)} "$@"\n'
        )
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    assert answer_of(deliver(project, provider, PATH=path))[0] == "200"
    arguments = noted.read_text()
    assert {"curl", "openssl", "sed"} <= set(arguments.splitlines())
    secret = project.secret(SECRETS[provider])
    assert secret not in arguments
    assert secret.encode().hex() not in arguments


@pytest.fixture(scope="module", params=DATABASES)
def failing_service(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    valkey_server: str,
) -> Iterator[Service]:
    """The example handlers, and another one that fails the first time, when they are through."""
    folder = tmp_path_factory.mktemp("service")
    with empty_database(request.param, folder, request) as url:
        handlers = f"{HANDLERS},tests.e2e.handlers_that_fail_once"
        running = Service(folder, url, valkey_server, PAYMENTS_HANDLERS=handlers)
        with running.started(workers=2):
            yield running


def test_each_payment_gets_one_receipt_though_events_are_retried_and_repeated(
    failing_service: Service,
) -> None:
    payments = [(provider, unique("pay")) for _ in range(6) for provider in PROVIDERS]
    for _ in range(2):  # two events tell of each payment
        bodies = [(provider, encode(event_about(provider, id))) for provider, id in payments]
        for provider, body in bodies + bodies:
            headers = SIGNED[provider][1](body)
            answer = failing_service.request("POST", f"/webhooks/{provider}", body, headers)
            assert answer.status == 200
        for _, body in bodies:
            event = Operator(failing_service.url).finished(json.loads(body)["id"])
            assert event["status"] == "processed"
            assert event["attempts"] >= 2
    var_dir = Path(failing_service.environment["VAR_DIR"])
    assert Counter((r["provider"], r["payment_id"]) for r in receipts(var_dir)) == Counter(payments)
    assert sorted(paid(failing_service)) == sorted(payments)


def event_about(provider: str, payment: str) -> dict[str, Any]:
    event = SIGNED[provider][0]()
    (event["data"]["object"] if provider == "stripe" else event["resource"])["id"] = payment
    return event


def paid(service: Service) -> list[tuple[str, str]]:
    """What the handlers wrote into their own table."""
    with connected(service.environment["DATABASE_URL"]) as engine, engine.connect() as connection:
        rows = connection.execute(select(PaidOrder.provider, PaidOrder.payment_id)).all()
        return [(row.provider, row.payment_id) for row in rows]


def test_an_event_without_a_payment_id_is_dead_at_once(failing_service: Service) -> None:
    event = SIGNED["paypal"][0](resource={"status": "COMPLETED"})
    body = encode(event)
    headers = SIGNED["paypal"][1](body)
    assert failing_service.request("POST", "/webhooks/paypal", body, headers).status == 200
    dead = Operator(failing_service.url).finished(event["id"])
    assert (dead["status"], dead["attempts"]) == ("dead", 1)
    assert "no payment id" in dead["last_error"]
