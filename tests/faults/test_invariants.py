"""A checker that finds nothing wrong with a doctored database would be worth nothing."""

# ruff: noqa: S608 (statements made of the constants below)
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.faults.evidence import Evidence, Operation, collect
from tests.faults.invariants import DISCARD, REPLAY, RETRY, RULES, violations
from tests.faults.laboratory import Laboratory
from tests.support.servers import Valkey

KINDS = ("outside", "plain", "ignored", "refused", "refused", "hopeless", "plain")
PROCESSED, PLAIN, IGNORED, DEAD, DISCARDED, HOPELESS, REPLAYED = range(1, 8)
REASON = "as a test"
DATABASE = "payments.db"


class Played:
    """A small run that went well: seven events, and an operator."""

    def __init__(self, folder: Path, laboratory: Laboratory) -> None:
        self.folder = folder
        self.laboratory = laboratory
        for kind in KINDS:
            assert laboratory.deliver(laboratory.event(kind)).result == 200
        laboratory.settle()
        self.operations = [
            self._operate("dlq discard", DISCARD, DISCARDED),
            self._operate("dlq retry", RETRY, HOPELESS),
            self._operate("events replay", REPLAY, REPLAYED),
        ]
        laboratory.settle()
        self.outside = (folder / "outside.txt").read_text().splitlines()
        self.redis = laboratory.redis
        self._keys = {key: self.redis.dump(key) for key in self.redis.scan_iter()}

    def restore_redis(self) -> None:
        self.redis.flushall()
        for key, value in self._keys.items():
            self.redis.restore(key, 0, value)

    def _operate(self, command: str, action: str, id: int) -> Operation:
        def work() -> int:
            runner = self.laboratory.application.app.test_cli_runner()
            arguments = [*command.split(), str(id), "--yes", "--reason", REASON]
            return runner.invoke(args=arguments).exit_code

        assert self.laboratory.child(work).result == 0
        return Operation(action, id, REASON)


class Scene:
    """A copy of what was played, to be doctored."""

    def __init__(self, played: Played, folder: Path) -> None:
        played.restore_redis()
        self.redis = played.redis
        self.engine = create_engine(f"sqlite:///{folder / 'copy.db'}")
        self.accepted = dict(played.laboratory.accepted)
        self.operations = list(played.operations)
        self.outside = list(played.outside)
        self.listed = {DEAD, HOPELESS}
        self._copy_without_constraints(played.folder / DATABASE)

    def _copy_without_constraints(self, file: Path) -> None:
        """A table that is made from a query has none, so anything can be done to it."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql(f"ATTACH '{file}' AS original")
            for table in (
                "events",
                "event_payloads",
                "attempts",
                "effects",
                "audit_log",
                "fault_effects",
            ):
                connection.exec_driver_sql(
                    f"CREATE TABLE {table} AS SELECT * FROM original.{table}"
                )

    def sql(self, statement: str, **parameters: object) -> None:
        with self.engine.begin() as connection:
            done = connection.execute(text(statement), parameters)
            assert done.rowcount, f"nothing was doctored by: {statement}"

    def evidence(self) -> Evidence:
        return collect(
            self.engine,
            self.redis,
            self.accepted,
            self.outside,
            self.listed,
            self.operations,
        )

    def broken(self) -> set[str]:
        """The names of the rules that are broken."""
        return {violation.rule for violation in violations(self.evidence())}


@pytest.fixture(scope="module")
def played(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("played")
    (folder / DATABASE).write_bytes(migrated_sqlite.read_bytes())
    server = Valkey()
    server.start()
    laboratory = Laboratory(f"sqlite:///{folder / DATABASE}", server.url, folder)
    yield Played(folder, laboratory)
    laboratory.close()
    server.close()


@pytest.fixture
def scene(played: Played, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(played, tmp_path)
    yield made
    made.engine.dispose()


def test_a_run_that_went_well_has_no_violations(scene: Scene) -> None:
    assert violations(scene.evidence()) == []


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (
            f"DELETE FROM events WHERE id = {PROCESSED}",
            "nothing accepted is missing",
        ),
        (
            f"UPDATE events SET event_id = 'evt_unheard_of' WHERE id = {PROCESSED}",
            "nothing is there that was not sent",
        ),
        (
            f"UPDATE events SET account = 'another' WHERE id = {PROCESSED}",
            "nothing accepted is missing",
        ),
        (
            f"INSERT INTO events SELECT * FROM events WHERE id = {PROCESSED}",
            "no event has two rows",
        ),
        (
            f"UPDATE event_payloads SET body = x'7b7d' WHERE event_id = {PROCESSED}",
            "the bytes are those that were sent",
        ),
        (
            f"UPDATE event_payloads SET sha256 = 'x' WHERE event_id = {PROCESSED}",
            "the bytes are those that were sent",
        ),
        (
            f"DELETE FROM event_payloads WHERE event_id = {PROCESSED}",
            "the bytes are those that were sent",
        ),
        (
            f"UPDATE events SET status = 'retrying' WHERE id = {PROCESSED}",
            "every event has ended",
        ),
        (
            f"UPDATE events SET status = 'received' WHERE id = {PLAIN}",
            "every event has ended",
        ),
        (
            f"UPDATE events SET status = 'processed' WHERE id = {DEAD}",
            "each ends as its kind must",
        ),
        (
            f"UPDATE events SET status = 'ignored' WHERE id = {PLAIN}",
            "each ends as its kind must",
        ),
        (
            f"DELETE FROM fault_effects WHERE event_id = {PLAIN}",
            "each effect happened once",
        ),
        (
            f"INSERT INTO fault_effects SELECT * FROM fault_effects WHERE event_id = {PLAIN}",
            "each effect happened once",
        ),
        (
            f"UPDATE fault_effects SET event_id = {DEAD} WHERE event_id = {PLAIN}",
            "each effect happened once",
        ),
        (
            f"UPDATE fault_effects SET event_id = 999 WHERE event_id = {PLAIN}",
            "each effect happened once",
        ),
        (
            f"DELETE FROM effects WHERE event_id = {PROCESSED}",
            "outside effects repeat only after a death",
        ),
        (
            f"UPDATE events SET status = 'dead' WHERE id = {PLAIN}",
            "each dead event has a failed job",
        ),
        (
            f"UPDATE events SET status = 'dead' WHERE id = {PLAIN}",
            "each dead event is listed",
        ),
        (
            f"DELETE FROM attempts WHERE event_id = {HOPELESS} AND number = 2",
            "attempts are numbered without holes",
        ),
        (
            f"INSERT INTO attempts SELECT * FROM attempts WHERE event_id = {PLAIN}",
            "attempts are numbered without holes",
        ),
        (
            f"UPDATE attempts SET outcome = 'failed' WHERE event_id = {PLAIN}",
            "one attempt succeeded where the event did",
        ),
        (
            f"UPDATE attempts SET outcome = 'processed' WHERE event_id = {DEAD}",
            "one attempt succeeded where the event did",
        ),
        (
            f"UPDATE attempts SET outcome = NULL WHERE event_id = {DEAD}",
            "no attempt is left open",
        ),
        (
            f"UPDATE events SET attempts = attempts + 1 WHERE id = {PLAIN}",
            "attempts are counted",
        ),
        (
            f"UPDATE events SET attempts = attempts - 1 WHERE id = {HOPELESS}",
            "attempts are counted",
        ),
        (
            f"DELETE FROM fault_effects WHERE event_id = {REPLAYED} AND id = "
            f"(SELECT max(id) FROM fault_effects WHERE event_id = {REPLAYED})",
            "each effect happened once",
        ),
        (
            f"INSERT INTO fault_effects SELECT * FROM fault_effects WHERE event_id = {REPLAYED}",
            "each effect happened once",
        ),
        (
            f"DELETE FROM attempts WHERE event_id = {REPLAYED} AND number = 2",
            "one attempt succeeded where the event did",
        ),
        (
            "INSERT INTO attempts (event_id, number, outcome, started_at) SELECT event_id, 3, "
            f"outcome, started_at FROM attempts WHERE event_id = {REPLAYED} AND number = 2",
            "one attempt succeeded where the event did",
        ),
        (
            f"UPDATE audit_log SET outcome = 'skipped' WHERE event_id = {REPLAYED}",
            "the audit adds up",
        ),
        (
            f"DELETE FROM audit_log WHERE event_id = {DISCARDED}",
            "the audit adds up",
        ),
        (
            "INSERT INTO audit_log SELECT * FROM audit_log LIMIT 1",
            "the audit adds up",
        ),
        (
            f"UPDATE events SET status = 'dead' WHERE id = {DISCARDED}",
            "the audit adds up",
        ),
        (
            f"UPDATE events SET status = 'discarded' WHERE id = {DEAD}",
            "the audit adds up",
        ),
    ],
)
def test_a_doctored_database_is_noticed(scene: Scene, statement: str, rule: str) -> None:
    scene.sql(statement)
    assert rule in scene.broken()


def test_a_failed_job_that_is_gone_is_noticed(scene: Scene) -> None:
    client = scene.redis
    jobs = client.zrange("rq:failed:payments", 0, -1)
    client.zrem("rq:failed:payments", *[id for id in jobs if b"event-%d-" % DEAD in id])
    assert scene.broken() == {"each dead event has a failed job"}


def test_a_failed_job_whose_hash_is_gone_is_noticed(scene: Scene) -> None:
    client = scene.redis
    client.delete(*client.keys(f"rq:job:event-{DEAD}-*"))
    assert scene.broken() == {"each dead event has a failed job"}


def test_a_failed_job_of_an_event_that_is_not_dead_is_noticed(scene: Scene) -> None:
    client = scene.redis
    client.zadd("rq:failed:payments", {f"event-{PLAIN}-dead": 1})
    client.hset(f"rq:job:event-{PLAIN}-dead", "status", "failed")
    assert scene.broken() == {"each dead event has a failed job"}


def test_a_dead_letter_that_the_list_leaves_out_is_noticed(scene: Scene) -> None:
    scene.listed.remove(DEAD)
    assert scene.broken() == {"each dead event is listed"}


def test_an_effect_outside_that_was_doubled_is_noticed(scene: Scene) -> None:
    scene.outside *= 2
    assert scene.broken() == {"outside effects repeat only after a death"}


def test_an_effect_outside_that_is_missing_is_noticed(scene: Scene) -> None:
    scene.outside = []
    assert scene.broken() == {"outside effects repeat only after a death"}


def test_an_effect_outside_of_an_unknown_event_is_noticed(scene: Scene) -> None:
    scene.outside.append("mail:stripe:evt_unheard_of")
    assert scene.broken() == {"outside effects repeat only after a death"}


def test_an_effect_outside_may_repeat_after_a_death(scene: Scene) -> None:
    scene.outside *= 2
    scene.sql(f"UPDATE attempts SET number = 2 WHERE event_id = {PROCESSED}")
    scene.sql(f"UPDATE events SET attempts = 2 WHERE id = {PROCESSED}")
    scene.sql(
        "INSERT INTO attempts (event_id, number, outcome, started_at) "
        f"SELECT event_id, 1, 'died', started_at FROM attempts WHERE event_id = {PROCESSED}"
    )
    assert scene.broken() == set()


def test_an_accepted_event_that_never_came_is_noticed(scene: Scene) -> None:
    entry = next(iter(scene.accepted.values()))
    lost = replace(entry, event_id="evt_lost")
    scene.accepted[lost.key] = lost
    assert scene.broken() == {"nothing accepted is missing"}


def test_an_operation_that_the_audit_does_not_know_is_noticed(scene: Scene) -> None:
    scene.operations.append(Operation(RETRY, DEAD, REASON))
    assert scene.broken() == {"the audit adds up"}


def test_every_rule_has_a_test_that_breaks_it() -> None:
    said = Path(__file__).read_text()
    assert not [name for name in RULES if f'"{name}"' not in said]
