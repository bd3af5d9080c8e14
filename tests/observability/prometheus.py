"""A real Prometheus on loopback, with our rules and the example's configuration, only faster."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.observability.errors import Wrong
from tests.observability.files import ALERTS, EXAMPLE
from tests.support.servers import free_port
from tests.support.waiting import eventually

SCRAPE_SECONDS = 1
# What Grafana would put in: four scrapes, and more under a machine's load.
RATE_INTERVAL = "15s"


@dataclass(frozen=True)
class Series:
    """One series of an answer: its labels, and its points (time, value)."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class Prometheus:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def query(self, expression: str) -> list[Series]:
        """The values of now, without those that are not numbers.

        Raises:
            Wrong: it is no query.
        """
        answer = self._get("query", query=with_interval(expression))
        found = [Series(it["metric"], _points([it["value"]])) for it in answer["result"]]
        return [series for series in found if series.points]

    def range(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        answer = self._get(
            "query_range", query=with_interval(expression), start=start, end=end, step=step
        )
        found = [Series(it["metric"], _points(it["values"])) for it in answer["result"]]
        return [series for series in found if series.points]

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        return self._alerts("firing")

    def active(self) -> set[str]:
        """The same, and of those that will fire if it stays so."""
        return self._alerts("firing", "pending")

    def unhealthy_rules(self) -> list[str]:
        groups = self._get("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return [rule["name"] for rule in rules if rule["health"] == "err"]

    def is_scraping(self) -> bool:
        with contextlib.suppress(OSError, Wrong):
            return any(it.points[0][1] == 1 for it in self.query("up"))
        return False

    def _alerts(self, *states: str) -> set[str]:
        alerts = self._get("alerts")["alerts"]
        return {it["labels"]["alertname"] for it in alerts if it["state"] in states}

    def _get(self, what: str, **parameters: Any) -> Any:
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as response:  # noqa: S310
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise Wrong(f"{parameters.get('query', what)}: {said}") from None


@contextlib.contextmanager
def prometheus(folder: Path, target_port: int) -> Iterator[Prometheus]:
    """Scraping the service on `target_port`, each second."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(_configuration(target_port))
    port = free_port()
    with (folder / "prometheus.log").open("ab") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                *(f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"),
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        running = Prometheus(port)
        eventually(running.is_scraping, "Prometheus scrapes the service", 60)
        yield running
    finally:
        process.terminate()
        process.wait(20)


def with_interval(expression: str) -> str:
    return expression.replace("$__rate_interval", RATE_INTERVAL)


def _configuration(target_port: int) -> str:
    """The example, with its intervals shortened and its placeholders filled in."""
    text = EXAMPLE.read_text()
    for written, meant in (
        ("_interval: 15s", f"_interval: {SCRAPE_SECONDS}s"),
        ("127.0.0.1:8065", f"127.0.0.1:{target_port}"),
        ("  - alerts.yml", f"  - {ALERTS}"),
    ):
        if written not in text:
            raise Wrong(f"{EXAMPLE.name} does not say {written!r} any more")
        text = text.replace(written, meant)
    return text


def _points(values: list[Any]) -> list[tuple[float, float]]:
    points = ((float(at), float(value)) for at, value in values)
    return [(at, value) for at, value in points if math.isfinite(value)]
