"""Whether spans are collected, and what it takes where they are not: nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from payments.variables import ConfigError
from tests.support.application import BASE_ENVIRONMENT, settings_for
from tests.support.service import KEPT, ROOT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "otel:4317"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_SDK_DISABLED", "perhaps"),
    ],
)
def test_a_collectors_variable_that_is_not_usable_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings_for(**{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", name: value})
    assert [problem.variable for problem in refused.value.problems] == [name]
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_a_collector_none_is_looked_for(variables: dict[str, str]) -> None:
    assert settings_for(**variables).collector is None


def test_a_collectors_headers_and_password_are_secrets_as_written_and_as_sent() -> None:
    settings = settings_for(
        OTEL_EXPORTER_OTLP_ENDPOINT="https://team:p4ssw0rd@collector.example",
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Basic%20dGVhbTprZXk,x-key=abc-def-ghi",
        OTEL_RESOURCE_ATTRIBUTES="team=a,service.name=checkout",
    )
    assert settings.collector is not None
    assert settings.collector["OTEL_SERVICE_NAME"] == "checkout"
    assert settings.secrets >= {
        "p4ssw0rd",
        "Basic%20dGVhbTprZXk",
        "Basic dGVhbTprZXk",
        "abc-def-ghi",
    }


def test_without_a_collector_nothing_that_makes_or_sends_spans_is_imported() -> None:
    wanted = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf")
    code = (
        "import json, sys, wsgi, payments.web.server, jobs.worker, jobs.schedule\n"
        "from payments.extensions import SETTINGS\n"
        "from payments.observability import tracing\n"
        "tracing.start(wsgi.app.extensions[SETTINGS])\n"
        "with wsgi.app.test_client() as client: client.get('/ready')\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**kept, **BASE_ENVIRONMENT, "ENV_FILE": "/nonexistent/.env"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    # redis-py imports the SDK's metrics by itself wherever they are installed.
    imported = json.loads(done.stdout)
    assert [name for name in imported if name.startswith(wanted)] == []
