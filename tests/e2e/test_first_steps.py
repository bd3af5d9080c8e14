"""The commands of a person who has just typed `make run`, in a second terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.support.operator import Operator
from tests.support.project import Project
from tests.support.servers import free_port

PRODUCTION = {
    "APP_ENV": "prod",
    "PAYMENTS_PROVIDERS": "stripe",
    "STRIPE_SIGNING_SECRET": "whsec_9d1f0c7a2b84e365d07f",
    "ADMIN_TOKEN": "b7e15162ac93d04f8e21",
    "SESSION_SECRET": "5c90e1f7ab3824d6605f",
    "REDIS_DURABLE": "yes",
    "ENV_FILE": "none",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("steps") / "project")


@pytest.fixture(scope="module")
def operator(project: Project) -> Iterator[Operator]:
    with project.running(PAYMENTS_HANDLERS="examples.handlers") as operator:
        yield operator


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which nothing runs; its database is not there yet."""
    project = Project(tmp_path_factory.mktemp("stopped") / "project")
    project.env_file.write_text(
        "STRIPE_SIGNING_SECRET=whsec_5c0f9a71e2d85b36\nPAYPAL_MODE=demo_hmac\n"
        "DEMO_HMAC_SECRET=7f3c91d2a8b64e05\nADMIN_TOKEN=4c0f9a71e2d85b36\n"
    )
    return project


def output_of(done: CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def complaint_of(done: CompletedProcess[str], code: int = 1) -> str:
    """What a failed command says: a few lines for a person, never a traceback."""
    assert done.returncode == code, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    return said


def answers_in(output: str) -> list[dict[str, Any]]:
    """The body of each answer that `flask simulate` printed; all were 200."""
    lines = output.splitlines()
    assert all(line.startswith("200 ") for line in lines), output
    return [json.loads(line.removeprefix("200 ")) for line in lines]


def test_simulate_sends_an_event_that_is_processed(project: Project, operator: Operator) -> None:
    sent = project.flask("simulate", "stripe", "payment_intent.succeeded")
    [answer] = answers_in(output_of(sent))
    assert answer["message"] == "queued"
    event = operator.finished(answer["event_id"])
    assert (event["status"], event["source"]) == ("processed", "simulated")


def test_simulate_sends_as_many_events_as_asked_for(project: Project, operator: Operator) -> None:
    sent = project.flask("simulate", "paypal", "PAYMENT.CAPTURE.COMPLETED", "--count", "3")
    answers = answers_in(output_of(sent))
    assert [answer["message"] for answer in answers] == ["queued"] * 3
    assert len({answer["event_id"] for answer in answers}) == 3
    for answer in answers:
        assert operator.finished(answer["event_id"])["status"] == "processed"


def test_simulate_shows_what_a_duplicate_is(project: Project, operator: Operator) -> None:
    command = ("simulate", "stripe", "charge.refunded", "--event-id", "evt_twice", "--count", "2")
    answers = answers_in(output_of(project.flask(*command)))
    assert [answer["message"] for answer in answers] == ["queued", "duplicate ignored"]
    assert operator.finished("evt_twice")["status"] == "processed"


def test_the_list_and_the_page_of_an_event_show_what_was_sent(
    project: Project, operator: Operator
) -> None:
    sent = project.flask("simulate", "stripe", "payment_intent.succeeded")
    [answer] = answers_in(output_of(sent))
    id = operator.finished(answer["event_id"])["id"]

    listed = output_of(project.flask("events", "list", "--provider", "stripe"))
    [row] = [line for line in listed.splitlines() if answer["event_id"] in line]
    assert re.match(rf"{id} .* processed .* payment_intent.succeeded ", row)

    shown = output_of(project.flask("events", "show", str(id)))
    assert re.search(rf"^event_id +{answer['event_id']}$", shown, re.MULTILINE)
    assert re.search(r"^1 .* processed", shown.partition("Attempts")[2], re.MULTILINE)

    as_json = json.loads(output_of(project.flask("events", "show", str(id), "--json")))
    assert [attempt["outcome"] for attempt in as_json["history"]] == ["processed"]


def test_check_says_that_all_is_well_and_shows_no_secret(
    project: Project, operator: Operator
) -> None:
    said = output_of(project.flask("check"))
    for line in ("database: ok", "redis: ok", "migrations: ok", "verdict: ready to run"):
        assert line in said.splitlines()
    for name in ("STRIPE_SIGNING_SECRET", "DEMO_HMAC_SECRET", "ADMIN_TOKEN"):
        assert project.secret(name) not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("simulate", "strype", "x"), "PROVIDER: use one of stripe, paypal."),
        (("simulate", "stripe", "two words"), "TYPE: use 1 to 255 printable ASCII characters."),
        (("events", "list", "--status", "done"), "'done' is not one of"),
    ],
)
def test_what_was_mistyped_is_named(
    project: Project, operator: Operator, arguments: tuple[str, ...], words: str
) -> None:
    assert words in complaint_of(project.flask(*arguments), code=2)


def test_an_unknown_event_is_named(project: Project, operator: Operator) -> None:
    assert "no event with this id" in complaint_of(project.flask("events", "show", "99999999"))


def test_an_event_that_the_service_refuses_is_a_failure(
    project: Project, operator: Operator
) -> None:
    """As with a .env that was changed after the start."""
    other = {"STRIPE_SIGNING_SECRET": "whsec_another-4f1b"}
    refused = complaint_of(project.flask("simulate", "stripe", "charge.refunded", **other))
    assert "400" in refused
    assert "could not be verified" in refused


def test_a_service_that_does_not_run_is_named(stopped: Project) -> None:
    port = free_port()
    said = complaint_of(stopped.flask("simulate", "stripe", "charge.refunded", APP_PORT=str(port)))
    assert f"does not answer at http://127.0.0.1:{port}/webhooks/stripe" in said
    assert "Is `make run` running?" in said


def test_check_fails_where_something_is_away_and_says_what(stopped: Project) -> None:
    said = complaint_of(stopped.flask("check", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0"))
    checks = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    assert checks["redis"] != "ok"
    assert checks["migrations"] != "ok"
    assert "verdict: ready to run" not in said


def test_a_configuration_that_cannot_be_used_is_reported_whole(stopped: Project) -> None:
    bad = {"APP_PORT": "eighty", "PAYPAL_MODE": "playground", "STRIPE_TOLERANCE_SECONDS": "-1"}
    said = complaint_of(stopped.flask("check", **bad))
    assert "3 problems with the configuration" in said
    for name, value in bad.items():
        assert name in said
        assert value not in said


def test_production_makes_no_events_up(
    stopped: Project, valkey_server: str, tmp_path: Path
) -> None:
    production = {**PRODUCTION, "REDIS_URL": valkey_server, "VAR_DIR": str(tmp_path)}
    refused = stopped.flask("simulate", "stripe", "payment_intent.succeeded", **production)
    assert "With APP_ENV=prod no events are made up." in complaint_of(refused)
