"""Whether the service can run as it is configured: for `flask check`, and for the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from payments.config import Settings
from payments.durability import durability_problems
from payments.handlers.registry import registered
from payments.health import readiness
from payments.queueing import job_queue


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was found. Values of variables are in none of it.

    Attributes:
        summary: lines on what is configured.
        checks: the result of each check of a dependency by its name: "ok", or why not.
        warnings: what works, and is better mended.
    """

    summary: Sequence[str]
    checks: Mapping[str, str]
    warnings: Sequence[str]

    @property
    def is_ready(self) -> bool:
        return all(result == "ok" for result in self.checks.values())


def check_all(settings: Settings) -> Verdict:
    """Ask every dependency; each within its time limit."""
    checks = readiness()
    warnings = [str(warning) for warning in settings.warnings]
    if checks["redis"] == "ok" and not settings.redis_durable:
        problems = durability_problems(job_queue().connection)
        warnings += [f"REDIS_URL: {what}. {fix}." for what, fix in problems]
    return Verdict(summary=_summary(settings), checks=checks, warnings=warnings)


def _summary(settings: Settings) -> list[str]:
    redis = "embedded valkey" if settings.redis_is_embedded else "Redis of REDIS_URL"
    lines = [
        f"database: {'SQLite' if settings.is_sqlite else 'PostgreSQL'}; queue: {redis}",
        f"admin tokens: {len(settings.admin_tokens)}; handlers registered: {len(registered())}",
    ]
    for provider, accounts in settings.providers.items():
        lines.append(f"{provider}: {', '.join(accounts) or 'not configured'}")
    return lines
