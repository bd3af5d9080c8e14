"""The configuration: what is understood, what is refused, and that no value is ever shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from payments.app import settings_from_environment
from payments.config import ROOT, Settings, embedded_redis_socket, load_settings
from payments.handlers.registry import load_handlers
from payments.providers import REGISTERED
from payments.variables import ConfigError, Variables
from tests.support.application import NEVER_READ, settings_for

GOOD = {
    "APP_ENV": "prod",
    "DATABASE_URL": "postgresql://payments:pw-7d2f@db/payments",
    "REDIS_URL": "redis://redis:6379/0",
    "REDIS_DURABLE": "1",
    "STRIPE_SIGNING_SECRET": "whsec_8fJ2kQ9xLm4TzVb6Rn1C",
    "PAYPAL_MODE": "live",
    "PAYPAL_WEBHOOK_ID": "5GP028458E2496506",
    "ADMIN_TOKEN": "c7d1f0a94be26385b1aa90de",
    "SESSION_SECRET": "2e9b47d05fa1c8e3661b0d94",
}


def problems_of(**variables: str) -> dict[str, str]:
    """The variables that are complained about, each with the whole complaint."""
    with pytest.raises(ConfigError) as caught:
        settings_for(**variables)
    return {problem.variable: str(problem) for problem in caught.value.problems}


def test_without_any_variable_development_starts_on_sqlite_and_an_embedded_redis() -> None:
    settings = settings_for()
    assert settings.app_env == "dev"
    assert settings.database_url == f"sqlite:///{ROOT / 'var' / 'payments.db'}"
    assert settings.redis_is_embedded
    assert settings.redis_url.startswith("unix://")
    assert settings.app_port is None
    assert settings.dlq_backend == "redis"


def test_a_complete_production_configuration_is_accepted() -> None:
    settings = settings_for(**GOOD)
    assert settings.is_production
    assert list(settings.providers) == ["stripe", "paypal"]
    assert settings.providers["stripe"].keys() == {"default"}


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("sqlite+aiosqlite:///./payments.db", f"sqlite:///{ROOT / 'payments.db'}"),
        ("sqlite:////srv/payments.db", "sqlite:////srv/payments.db"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        (
            "postgresql+asyncpg://u:p@h/d?ssl=require",
            "postgresql+psycopg://u:p@h/d?sslmode=require",
        ),
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://u:p@h:5433/d", "postgresql+psycopg://u:p@h:5433/d"),
    ],
)
def test_the_seeds_async_urls_are_understood_as_their_sync_twins(
    given: str, understood: str
) -> None:
    assert settings_for(DATABASE_URL=given).database_url == understood


@pytest.mark.parametrize(
    "url", ["mysql://u:p@h/d", "nonsense", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x"]
)
def test_a_database_that_the_processes_cannot_share_is_refused(url: str) -> None:
    assert "DATABASE_URL" in problems_of(DATABASE_URL=url)


def test_every_problem_is_listed_at_once_with_its_variable_and_its_fix() -> None:
    found = problems_of(
        APP_ENV="production",
        APP_PORT="80x",
        DATABASE_URL="mysql://u:p@h/d",
        REDIS_URL="http://h",
        RETRY_MAX_ATTEMPTS="0",
        RETRY_BASE_SECONDS="nan",
        STRIPE_TOLERANCE_SECONDS="-1",
        MAX_REQUEST_SIZE="1_000_000",
        DLQ_BACKEND="file",
        LOG_LEVEL="loud",
        REDIS_DURABLE="perhaps",
        PAYMENTS_PROVIDERS="stripe,paypal,adyen",
        PAYPAL_MODE="test",
    )
    assert set(found) == {
        "APP_ENV",
        "APP_PORT",
        "DATABASE_URL",
        "REDIS_URL",
        "RETRY_MAX_ATTEMPTS",
        "RETRY_BASE_SECONDS",
        "STRIPE_TOLERANCE_SECONDS",
        "MAX_REQUEST_SIZE",
        "DLQ_BACKEND",
        "LOG_LEVEL",
        "REDIS_DURABLE",
        "PAYMENTS_PROVIDERS",
        "PAYPAL_MODE",
    }
    assert found["APP_ENV"] == (
        "APP_ENV: is not one of the allowed values. Use one of: dev, test, prod."
    )


def test_production_refuses_to_start_without_its_secrets_or_a_redis() -> None:
    assert set(problems_of(APP_ENV="prod")) >= {
        "ADMIN_TOKEN",
        "SESSION_SECRET",
        "REDIS_URL",
        "STRIPE_SIGNING_SECRET",
        "PAYPAL_WEBHOOK_ID",
    }


@pytest.mark.parametrize(
    ("variable", "weak"),
    [
        ("ADMIN_TOKEN", "short"),
        ("ADMIN_TOKEN", "aaaaaaaaaaaaaaaaaaaaaaaa"),
        ("ADMIN_TOKEN", "ops:viewer:short"),
        ("METRICS_TOKEN", "short"),
        ("SESSION_SECRET", "short"),
        ("SESSION_SECRET", "2e9b47d05fa1c8e3661b0d94,changeme-changeme"),
        ("STRIPE_SIGNING_SECRET", "whsec_your_stripe_signing_secret"),
        ("STRIPE_SIGNING_SECRET", "whsec_8fJ2kQ9xLm4TzVb6Rn1C,short"),
    ],
)
def test_production_refuses_a_weak_secret(variable: str, weak: str) -> None:
    found = problems_of(**{**GOOD, variable: weak})
    assert set(found) == {variable}


def test_production_refuses_demo_signatures() -> None:
    strong = "d41f6b0c8e92a573d41f6b0c8e92"
    assert "PAYPAL_MODE" in problems_of(
        **{**GOOD, "PAYPAL_MODE": "demo_hmac", "DEMO_HMAC_SECRET": strong}
    )


def test_a_provider_that_is_not_wanted_needs_no_secret() -> None:
    wanted = {key: value for key, value in GOOD.items() if not key.startswith("PAYPAL")}
    settings = settings_for(**wanted, PAYMENTS_PROVIDERS="stripe")
    assert list(settings.providers) == ["stripe"]


def test_no_problem_repeats_the_value() -> None:
    values = {
        "ADMIN_TOKEN": "sesame-1",
        "STRIPE_SIGNING_SECRET": "sesame-2,,sesame-3",
        "DATABASE_URL": "mysql://u:sesame-4@h/d",
        "REDIS_URL": "http://:sesame-5@h",
        "APP_PORT": "sesame-6",
        "PAYMENTS_PROVIDERS": "sesame-7",
    }
    with pytest.raises(ConfigError) as caught:
        settings_for(APP_ENV="prod", **values)
    assert "sesame" not in str(caught.value)


def test_settings_do_not_show_secrets_when_they_are_printed() -> None:
    shown = repr(settings_for(**GOOD))
    for secret in ("pw-7d2f", GOOD["ADMIN_TOKEN"], GOOD["STRIPE_SIGNING_SECRET"]):
        assert secret not in shown


def load(environ: dict[str, str], env_file: Path = NEVER_READ) -> Settings:
    return load_settings(Variables(environ, env_file), REGISTERED)


def test_the_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("LOG_LEVEL=ERROR\nAPP_PORT=8888  # Optional: a comment\n")
    settings = load({"LOG_LEVEL": "DEBUG"}, file)
    assert (settings.log_level, settings.app_port) == ("DEBUG", 8888)


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from-a-file-0123456789\n")
    [admin] = load({"ADMIN_TOKEN_FILE": str(file)}).admin_tokens
    assert admin.token == "from-a-file-0123456789"


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    found = problems_of(ADMIN_TOKEN_FILE=str(tmp_path / "missing"))
    assert "cannot be read" in found["ADMIN_TOKEN_FILE"]


def test_a_secret_file_in_the_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-a-file-0123456789")
    file = tmp_path / ".env"
    file.write_text("ADMIN_TOKEN=from-dot-env-0123456789\n")
    [admin] = load({"ADMIN_TOKEN_FILE": str(secret)}, file).admin_tokens
    assert admin.token == "from-a-file-0123456789"


def test_admin_tokens_have_a_name_and_a_role() -> None:
    tokens = settings_for(ADMIN_TOKEN="bare-token, eve:viewer:abc:def").admin_tokens
    assert [(it.name, it.role, it.token) for it in tokens] == [
        ("admin", "operator", "bare-token"),
        ("eve", "viewer", "abc:def"),
    ]


def test_an_unknown_role_is_refused() -> None:
    assert "ADMIN_TOKEN" in problems_of(ADMIN_TOKEN="eve:root:abc")


@pytest.mark.parametrize(
    "token",
    [
        *("ключ-0123456789abcdef", "two words-0123456789", "eve:viewer:\x7f0123456789", "a" * 1025),
        *("eve:operator:", ":operator:abc", "eve the first:viewer:abc", f"{'e' * 65}:viewer:abc"),
        *("<b>eve</b>:viewer:abc", "eve:viewer:same,adam:operator:same", "same,same"),
    ],
    ids=lambda it: ascii(it[:30]),
)
def test_an_admin_token_that_nobody_could_use_or_tell_apart_is_refused(token: str) -> None:
    found = problems_of(ADMIN_TOKEN=token)
    assert set(found) == {"ADMIN_TOKEN"}
    assert token not in found["ADMIN_TOKEN"]


def test_one_person_may_have_two_tokens_while_they_are_changed() -> None:
    tokens = settings_for(ADMIN_TOKEN="eve:viewer:old-one,eve:operator:new-one").admin_tokens
    assert [(it.name, it.role) for it in tokens] == [("eve", "viewer"), ("eve", "operator")]


def test_outside_of_production_each_start_makes_up_a_session_secret() -> None:
    [first], [second] = settings_for().session_secrets, settings_for().session_secrets
    assert len(first) >= 32
    assert first != second


def test_a_session_secret_may_come_from_a_file_with_the_old_one_behind_it(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("new-secret-0123456789,old-secret-0123456789\n")
    secrets = load({"SESSION_SECRET_FILE": str(file)}).session_secrets
    assert secrets == ("new-secret-0123456789", "old-secret-0123456789")


@pytest.mark.parametrize("value", ["-1", "11", "one", "1.5"])
def test_the_number_of_trusted_proxies_is_a_small_number(value: str) -> None:
    assert set(problems_of(TRUSTED_PROXIES=value)) == {"TRUSTED_PROXIES"}


def test_production_is_warned_that_it_has_not_said_how_many_proxies_it_trusts() -> None:
    assert "TRUSTED_PROXIES" in [it.variable for it in settings_for(**GOOD).warnings]
    told = settings_for(**GOOD, TRUSTED_PROXIES="0")
    assert "TRUSTED_PROXIES" not in [it.variable for it in told.warnings]


def test_a_long_path_gets_a_socket_that_still_fits() -> None:
    deep = Path("/srv") / ("d" * 200)
    socket = embedded_redis_socket(deep)
    assert len(str(socket)) <= 100
    assert socket == embedded_redis_socket(deep)
    assert socket != embedded_redis_socket(deep / "other")


def test_a_live_paypal_receiver_refuses_the_simulators_webhook_id() -> None:
    assert "PAYPAL_WEBHOOK_ID" in problems_of(PAYPAL_MODE="live", PAYPAL_WEBHOOK_ID="WEBHOOK_ID")


def handler_problems(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> list[str]:
    (folder / "users_handlers.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "users_handlers", raising=False)
    return [str(problem) for problem in load_handlers(["users_handlers"], ["stripe", "paypal"])]


def test_a_handler_module_that_does_not_exist_is_named() -> None:
    [problem] = load_handlers(["no.such.module"], ["stripe"])
    assert "no.such.module" in str(problem)


@pytest.mark.parametrize(
    "source",
    ["raise RuntimeError('pw=sesame')", "import sys\nsys.exit('sesame')", "x = 'sesame"],
)
def test_a_handler_module_that_fails_is_reported_without_its_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    [problem] = handler_problems(tmp_path, monkeypatch, source)
    assert "users_handlers.py, line" in problem
    assert "sesame" not in problem


def test_a_handler_for_an_unknown_provider_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "from payments.handlers import handles\n@handles('strpe', '*')\ndef pay(*_): ..."
    [problem] = handler_problems(tmp_path, monkeypatch, source)
    assert "users_handlers.pay, which handles the unknown provider strpe" in problem


def test_handler_problems_stand_in_one_list_with_all_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "ENV_FILE": str(NEVER_READ),
        "PAYMENTS_HANDLERS": "no.such.module",
        "WEB_THREADS": "abc",
        "WEB_CONCURRENCY": "-3",
        "WORKER_COUNT": "0",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        settings_from_environment()
    assert {problem.variable for problem in caught.value.problems} == {
        "PAYMENTS_HANDLERS",
        "WEB_THREADS",
        "WEB_CONCURRENCY",
        "WORKER_COUNT",
    }
