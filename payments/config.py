"""Settings: everything that can be configured, frozen and typed, read once at start.

The names and their meanings are a contract with users (README.md, "Configuration").
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from payments.access import (
    AdminToken,
    admin_tokens,
    metrics_tokens,
    session_secrets,
    trusted_proxies,
)
from payments.otel import collector
from payments.retries import RetryPolicy
from payments.variables import ConfigError, Problem, Variables

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ("dev", "test", "prod")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
DEFAULT_ACCOUNT = "default"
# A UNIX socket's address holds 108 bytes on Linux and 104 on macOS (sys/un.h). It is a part of the
# Redis URL, and of valkey's CLIENT INFO, which RQ's worker could not parse with a space in it.
SOCKET_PATH = re.compile(r"[A-Za-z0-9._/-]{1,100}")
TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
# The seed's asynchronous drivers, and what people paste from hosting dashboards.
SYNC_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "sqlite+aiosqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "postgresql+psycopg2": "postgresql+psycopg",
    "postgresql+asyncpg": "postgresql+psycopg",
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of one process. Times are in seconds, sizes in bytes.

    `providers` maps provider name and account to what that provider's `configure` returned.
    `secrets` holds every secret value, so that the logs can mask them. `collector` holds the
    `OTEL_*` variables with which spans are sent, or is None where they are not.
    """

    app_env: str
    app_host: str
    app_port: int | None
    var_dir: Path
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    redis_is_embedded: bool
    redis_durable: bool
    dlq_backend: str
    admin_tokens: tuple[AdminToken, ...]
    metrics_tokens: tuple[str, ...] = field(repr=False)
    session_secrets: tuple[str, ...] = field(repr=False)
    trusted_proxies: int
    log_level: str
    collector: Mapping[str, str] | None = field(repr=False)
    metrics_enabled: bool
    handler_modules: tuple[str, ...]
    max_request_size: int
    retry: RetryPolicy
    job_timeout_seconds: int
    web_concurrency: int
    web_threads: int
    web_max_memory_mb: int
    worker_count: int
    worker_max_jobs: int
    worker_max_memory_mb: int
    event_payload_days: int
    reconcile_money_at: time
    reconcile_every_minutes: int
    reconcile_nightly_at: time
    reconcile_max_per_second: float
    providers: Mapping[str, Mapping[str, Any]] = field(repr=False)
    secrets: frozenset[str] = field(repr=False)
    warnings: tuple[Problem, ...] = ()
    # Where each variable comes from; None where it is not set.
    origins: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def is_production(self) -> bool:
        return self.app_env == "prod"

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")


class ProviderConfigurator(Protocol):
    """What a provider brings to read its own variables; see payments/providers/base.py."""

    name: str

    def accounts(self, variables: Variables) -> Sequence[str]: ...

    def configure(self, variables: Variables, account: str, *, strict: bool) -> Any | None: ...


def environment() -> Variables:
    """The variables of this process: the environment, then the file `ENV_FILE` (default `.env`)."""
    return Variables(os.environ, Path(ROOT, os.environ.get("ENV_FILE") or ".env"))


def load_settings(variables: Variables, providers: Sequence[ProviderConfigurator]) -> Settings:
    """Read, check and freeze.

    Raises:
        ConfigError: with every problem at once.
    """
    app_env = variables.choice("APP_ENV", ENVIRONMENTS, "dev")
    strict = app_env == "prod"
    var_dir = Path(ROOT, variables.text("VAR_DIR", "var"))
    redis_url = variables.secret("REDIS_URL")
    settings = Settings(
        app_env=app_env,
        app_host=variables.text("APP_HOST", "127.0.0.1"),
        app_port=variables.integer("APP_PORT", 0, least=1, most=65535) or None,
        var_dir=var_dir,
        database_url=_database_url(variables, var_dir, strict),
        redis_url=_redis_url(variables, redis_url, var_dir, strict),
        redis_is_embedded=not redis_url,
        redis_durable=variables.flag("REDIS_DURABLE"),
        dlq_backend=variables.choice("DLQ_BACKEND", ("redis", "db"), "redis"),
        admin_tokens=admin_tokens(variables, strict),
        metrics_tokens=metrics_tokens(variables, strict),
        session_secrets=session_secrets(variables, strict),
        trusted_proxies=trusted_proxies(variables, strict),
        log_level=variables.choice("LOG_LEVEL", LOG_LEVELS, "INFO"),
        collector=collector(variables),
        metrics_enabled=variables.flag("METRICS_ENABLED", default=True),
        handler_modules=variables.names("PAYMENTS_HANDLERS"),
        max_request_size=variables.integer(
            "MAX_REQUEST_SIZE", 1024 * 1024, least=1024, most=64 * 1024 * 1024
        ),
        retry=_retry_policy(variables),
        job_timeout_seconds=variables.integer("JOB_TIMEOUT_SECONDS", 180, least=1, most=86400),
        web_concurrency=web_concurrency(variables),
        web_threads=web_threads(variables),
        web_max_memory_mb=web_max_memory_mb(variables),
        worker_count=variables.integer("WORKER_COUNT", 2, least=1, most=64),
        worker_max_jobs=variables.integer("WORKER_MAX_JOBS", 50_000, least=1, most=10**9),
        worker_max_memory_mb=variables.integer(
            "WORKER_MAX_MEMORY_MB", 512, least=128, most=1024 * 1024
        ),
        event_payload_days=variables.integer("EVENT_PAYLOAD_DAYS", 90, least=1, most=36500),
        reconcile_money_at=_time_of_day(variables, "RECONCILE_MONEY_AT", "02:30"),
        reconcile_every_minutes=variables.integer(
            "RECONCILE_EVERY_MINUTES", 15, least=1, most=24 * 60
        ),
        reconcile_nightly_at=_time_of_day(variables, "RECONCILE_NIGHTLY_AT", "01:30"),
        reconcile_max_per_second=variables.number(
            "RECONCILE_MAX_PER_SECOND", 50.0, least=0.1, most=10_000.0
        ),
        providers=_providers(variables, providers, strict),
        secrets=frozenset(variables.secrets_seen),
        warnings=tuple(variables.warnings),
        origins=dict(sorted(variables.origins.items())),
    )
    if variables.problems:
        raise ConfigError(variables.problems)
    return settings


def web_concurrency(variables: Variables) -> int:
    """gunicorn's workers; its configuration asks before there are settings."""
    return variables.integer("WEB_CONCURRENCY", 2, least=1, most=64)


def web_threads(variables: Variables) -> int:
    """The threads of each gunicorn worker; not more than it may keep database connections."""
    return variables.integer("WEB_THREADS", 16, least=1, most=40)


def web_max_memory_mb(variables: Variables) -> int:
    """When a gunicorn worker is replaced; above what it holds from the start."""
    return variables.integer("WEB_MAX_MEMORY_MB", 512, least=192, most=1024 * 1024)


def embedded_redis_socket(var_dir: Path) -> Path:
    """Where the embedded valkey listens: under `var_dir`, or where that does not do, in /tmp."""
    socket = var_dir / "valkey" / "valkey.sock"
    if SOCKET_PATH.fullmatch(str(socket)):
        return socket
    digest = hashlib.sha256(os.fsencode(socket)).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"payments-api-{os.getuid()}-{digest}", "valkey.sock")


def _database_url(variables: Variables, var_dir: Path, strict: bool) -> str:
    raw = variables.secret("DATABASE_URL")
    if not raw:
        if strict:
            variables.warn("DATABASE_URL", "is not set, so SQLite is used", "Use PostgreSQL")
        return f"sqlite:///{var_dir / 'payments.db'}"
    try:
        url = make_url(raw)
        driver = SYNC_DRIVERS[url.drivername]
    except (ArgumentError, ValueError, KeyError):
        variables.problem(
            "DATABASE_URL",
            "is not a URL of SQLite or PostgreSQL",
            "Write sqlite:///./payments.db or postgresql://user:password@host/name",
        )
        return f"sqlite:///{var_dir / 'payments.db'}"
    if url.password:
        variables.secrets_seen.add(url.password)
    if driver == "sqlite":
        if strict:
            variables.warn("DATABASE_URL", "names a SQLite file", "Use PostgreSQL for real load")
        return _sqlite_url(variables, url)
    if "ssl" in url.query and url.drivername == "postgresql+asyncpg":
        # asyncpg calls it `ssl`, libpq calls it `sslmode`; the values are the same.
        url = url.update_query_dict({"sslmode": url.query["ssl"]}).difference_update_query(["ssl"])
    return url.set(drivername=driver).render_as_string(hide_password=False)


def _sqlite_url(variables: Variables, url: URL) -> str:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        variables.problem(
            "DATABASE_URL",
            "names a SQLite database that is not a plain file, which the processes cannot share",
            "Write sqlite:///./payments.db",
        )
        return "sqlite:///"
    # Relative to the project, not to the folder that a process happens to be started in.
    return f"sqlite:///{Path(ROOT, url.database)}"


def _redis_url(variables: Variables, raw: str, var_dir: Path, strict: bool) -> str:
    if raw:
        try:
            url = make_url(raw)
            known = url.drivername in ("redis", "rediss", "unix")
        except (ArgumentError, ValueError):
            known = False
        if not known:
            variables.problem("REDIS_URL", "is not a Redis URL", "Write redis://host:6379/0")
        elif url.password:
            variables.secrets_seen.add(url.password)
        return raw
    if strict:
        variables.problem(
            "REDIS_URL",
            "is not set",
            "Name a Redis with AOF on and noeviction: redis://host:6379/0",
        )
    return f"unix://{embedded_redis_socket(var_dir)}"


def _time_of_day(variables: Variables, name: str, default: str) -> time:
    value = variables.text(name, default)
    if not TIME_OF_DAY.fullmatch(value):
        variables.problem(name, "is not a time of day", f"Write hours and minutes: {default}")
        value = default
    return time.fromisoformat(value)


def _retry_policy(variables: Variables) -> RetryPolicy:
    policy = RetryPolicy(
        max_attempts=variables.integer("RETRY_MAX_ATTEMPTS", 8, least=1, most=100),
        base_seconds=variables.number("RETRY_BASE_SECONDS", 2.0, least=0.001, most=86400),
        cap_seconds=variables.number("RETRY_CAP_SECONDS", 3600.0, least=0.001, most=604800),
    )
    if policy.cap_seconds < policy.base_seconds:
        variables.problem(
            "RETRY_CAP_SECONDS", "is below RETRY_BASE_SECONDS", "Make the cap the larger one"
        )
    return policy


def _providers(
    variables: Variables, providers: Sequence[ProviderConfigurator], strict: bool
) -> Mapping[str, Mapping[str, Any]]:
    known = {provider.name: provider for provider in providers}
    wanted = variables.names("PAYMENTS_PROVIDERS", ",".join(known))
    if unknown := sorted(set(wanted) - known.keys()):
        variables.problem(
            "PAYMENTS_PROVIDERS",
            f"names {len(unknown)} unknown provider{'s' * (len(unknown) > 1)}",
            f"Choose from: {', '.join(known)}",
        )
    configured: dict[str, dict[str, Any]] = {}
    for name, provider in known.items():
        if name not in wanted:
            continue
        accounts = {
            account: provider.configure(variables, account, strict=strict)
            for account in provider.accounts(variables)
        }
        configured[name] = {account: it for account, it in accounts.items() if it is not None}
    return configured
