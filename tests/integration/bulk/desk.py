"""Where an operator sits: makes operations as the console does, and works with the command line."""

from __future__ import annotations

import json
from typing import Any

from payments import bulk
from payments.bulk import Scope
from payments.operations import Actor
from tests.support.application import Application
from tests.support.shop import work_until

ENDED = ("stopped", "canceled", "finished")


class Desk:
    """The operator's; `application` is the service."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def create(self, action: str = "retry", scope: Scope | None = None) -> int:
        """A preview; of all dead events by default."""
        with self.application.app.app_context():
            if scope is None:
                [group] = self.groups()
                scope = Scope.of_group(group["id"])
            return bulk.create(action, scope, Actor(name="eve"), self.application.queue)

    def confirm(self, id: int, count: int | None = None) -> Any:
        options = [] if count is None else ["--count", str(count)]
        return self.cli("confirm", str(id), "--reason", "the warehouse is back", *options)

    def run(self, id: int, count: int | None = None) -> dict[str, Any]:
        """Confirm, and let workers work until it has ended; how it is then."""
        assert self.confirm(id, count).exit_code == 0
        return self.until_ended(id)

    def until_ended(self, id: int) -> dict[str, Any]:
        def ended() -> bool:
            shown = self.show(id)
            return shown["state"] in ENDED and not shown["in_flight"]

        work_until(self.application, ended, f"the end of operation {id}")
        return self.show(id)

    def until(self, id: int, **wanted: Any) -> dict[str, Any]:
        work_until(
            self.application,
            lambda: wanted.items() <= self.show(id).items(),
            f"operation {id} has {wanted}",
        )
        return self.show(id)

    def show(self, id: int, items: str | None = None) -> dict[str, Any]:
        options = [] if items is None else ["--items", items]
        result = self.cli("show", str(id), "--json", *options)
        assert result.exit_code == 0, result.output
        shown: dict[str, Any] = json.loads(result.stdout)
        return shown

    def counts(self, id: int) -> dict[str, int]:
        shown = self.show(id)
        names = ("done", "failed", "skipped", "in_flight", "left")
        return {name: shown[name] for name in names}

    def groups(self) -> list[dict[str, Any]]:
        shown = json.loads(self.application.cli("dlq", "groups", "--json").stdout)
        groups: list[dict[str, Any]] = shown["groups"]
        return groups

    def audit(self, id: int) -> list[tuple[str, str, int]]:
        """Action, outcome before its details, and how often."""
        return [
            (action, outcome, count)
            for action, outcome, count in self.application.sql(
                "SELECT action, CASE WHEN event_id IS NULL THEN '' ELSE outcome END, count(*)"
                " FROM audit_log WHERE operation_id = :id GROUP BY 1, 2 ORDER BY 1, 2",
                id=id,
            )
        ]

    def cli(self, *arguments: str) -> Any:
        return self.application.cli("bulk", *arguments)


def counted(**counts: int) -> dict[str, int]:
    return {"done": 0, "failed": 0, "skipped": 0, "in_flight": 0, "left": 0, **counts}
