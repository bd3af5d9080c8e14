"""The clients among the examples: from a dead letter to its replay, against a live service."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.e2e.shop_handlers import BROKEN
from tests.support.deliveries import ADMIN_TOKEN, encode, stripe_event, stripe_headers
from tests.support.operator import Operator
from tests.support.service import ROOT, Service
from tests.support.waiting import eventually

EXAMPLES = ROOT / "examples"
CLIENTS = {
    "client.py": ([sys.executable, str(EXAMPLES / "client.py")], ["--reason"]),
    "curl.sh": (["sh", str(EXAMPLES / "curl.sh")], []),
}
STATUS = re.compile(r"pm\.response\.to\.have\.status\((\d+)\)")
KEEP = re.compile(r'pm\.collectionVariables\.set\("(\w+)", pm\.response\.json\(\)(.+)\);')
STEP = re.compile(r"\[(\d+)\]|\.(\w+)")
WHY = 'the "warehouse" is back \\ again'
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def service(valkey_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("clients")
    database = f"sqlite:///{folder / 'payments.db'}"
    variables = {"PAYMENTS_HANDLERS": "tests.e2e.shop_handlers", "RETRY_MAX_ATTEMPTS": "1"}
    with Service(folder, database, valkey_server, **variables).started(workers=1) as service:
        yield service


@pytest.fixture
def dead_letter(service: Service) -> int:
    """The key of an event that died of what is mended by now."""
    broken = Path(service.environment["VAR_DIR"]) / BROKEN
    broken.touch()
    event = stripe_event()
    body = encode(event)
    assert service.request("POST", "/webhooks/stripe", body, stripe_headers(body)).status == 200
    dead = Operator(service.url).finished(event["id"])
    assert dead["status"] == "dead"
    broken.unlink()
    return int(dead["id"])


@pytest.fixture(params=CLIENTS)
def run(request: pytest.FixtureRequest, service: Service) -> Run:
    """Runs one of the clients as its users do."""
    command, before_reason = CLIENTS[request.param]
    if command[0] == "sh" and not shutil.which("curl"):
        pytest.skip("no curl here")

    def run(
        *arguments: str, reason: str = "", without: Sequence[str] = (), **variables: str
    ) -> Any:
        more = [*before_reason, reason] if reason else []
        environment = {"PAYMENTS_URL": service.url, "ADMIN_TOKEN": ADMIN_TOKEN, **variables}
        for name in without:
            del environment[name]
        return subprocess.run(
            [*command, *arguments, *more],
            env={"PATH": os.environ["PATH"], "ENV_FILE": "/nonexistent", **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_a_dead_letter_is_found_looked_at_rehearsed_and_replayed(
    service: Service, dead_letter: int, run: Run
) -> None:
    id = str(dead_letter)
    assert id in run("list").stdout
    shown = json.loads(run("show", id).stdout)
    assert (shown["status"], len(shown["history"])) == ("dead", 1)
    foreseen = json.loads(run("dry-run", id).stdout)
    assert foreseen["outcome"] == "changes"
    assert [it["key"] for it in foreseen["effects"]] == [f"fulfilled:{shown['event_id']}"]
    replayed = run("replay", id, reason=WHY)
    assert json.loads(replayed.stdout)["done"] == 1, replayed.stderr
    assert Operator(service.url).finished(shown["event_id"])["status"] == "processed"
    [line] = Operator(service.url).get(f"/events/{id}")["audit"]
    assert line["reason"] == WHY


def test_a_refusal_is_told_and_ends_with_an_error(run: Run) -> None:
    missing = run("show", "999999")
    assert missing.returncode == 1
    assert "404" in missing.stderr
    assert "no event with this id" in missing.stdout + missing.stderr
    nowhere = run("list", PAYMENTS_URL="http://127.0.0.1:9")
    assert nowhere.returncode == 1
    assert "does not answer" in nowhere.stderr
    assert run("explode").returncode != 0


@pytest.mark.parametrize("run", ["curl.sh"], indirect=True)
def test_the_script_reads_the_token_as_the_service_does(run: Run, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"eve:operator:{ADMIN_TOKEN},another\n")
    (tmp_path / "env").write_text(f"ADMIN_TOKEN_FILE={tmp_path}/token\n")
    variables = {"ENV_FILE": str(tmp_path / "env"), "ADMIN_TOKEN_FILE": str(tmp_path / "token")}
    assert run("list", without=["ADMIN_TOKEN"], **variables).returncode == 0


def test_all_pages_are_listed(service: Service, dead_letter: int) -> None:
    sys.path.insert(0, str(ROOT))
    from examples.client import Client, Refused

    client = Client(service.url, ADMIN_TOKEN)
    known = [event["id"] for event in Operator(service.url).get("/dlq", limit=500)]
    assert [event["id"] for event in client.dead_letters(limit="1")] == known
    with pytest.raises(Refused) as refused:
        list(client.dead_letters(typ="charge.*"))
    assert refused.value.problem["status"] == 422


def test_the_requests_of_the_postman_collection_are_answered_as_they_expect(
    service: Service, dead_letter: int
) -> None:
    collection = json.loads((EXAMPLES / "postman_collection.json").read_text())
    variables = {it["key"]: it["value"] for it in collection["variable"]}
    variables |= {"baseUrl": service.url, "token": ADMIN_TOKEN}
    made = [item for folder in collection["item"] for item in folder["item"]]
    for item in made:
        send(collection, item, variables)
    assert variables["eventId"] == str(dead_letter)
    assert len(made) >= 20
    ended = f"/bulk/{variables['operationId']}"
    operator = Operator(service.url)
    eventually(lambda: operator.get(ended)["state"] == "finished", "the operation ends", 60)


def send(collection: dict[str, Any], item: dict[str, Any], variables: dict[str, str]) -> None:
    """One request as Postman would send it, and what its script expects and keeps."""
    [token] = collection["auth"]["bearer"]
    request = item["request"]
    headers = {it["key"]: it["value"] for it in request.get("header", ())}
    headers["Authorization"] = f"Bearer {filled(token['value'], variables)}"
    body = filled(request["body"]["raw"], variables) if "body" in request else None
    url = filled(request["url"]["raw"], variables)
    answer = urllib3.request(request["method"], url, body=body, headers=headers, timeout=30)
    [script] = [it["script"]["exec"] for it in item["event"] if it["listen"] == "test"]
    for line in script:
        if expected := STATUS.search(line):
            assert answer.status == int(expected[1]), (item["name"], answer.data)
        else:
            name, path = KEEP.fullmatch(line).groups()  # type: ignore[union-attr]  # or it fails
            value = answer.json()
            for index, key in STEP.findall(path):
                value = value[int(index)] if index else value[key]
            variables[name] = str(value)


def filled(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: variables[match[1]], text)
