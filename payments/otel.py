"""The standard variables of OpenTelemetry: whether spans are collected, and where they go.

The SDK reads all `OTEL_*` by itself, from the environment; those it would only complain about
while the service runs are checked here. Source: opentelemetry.io/docs/specs/otel, "Environment
Variable Specification" and "OpenTelemetry Protocol Exporter".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from payments.variables import Variables

PREFIX = "OTEL_"
SERVICE_NAME = "payments-api"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
SAMPLERS = tuple(
    parent + name
    for parent in ("", "parentbased_")
    for name in ("always_on", "always_off", "traceidratio")
)


def collector(variables: Variables) -> Mapping[str, str] | None:
    """The variables with which spans are sent; None where no collector is configured."""
    headers = {name: value for name in HEADERS if (value := variables.secret(name))}
    given = [name for name in ENDPOINTS if variables.text(name)]
    exporter = variables.choice("OTEL_TRACES_EXPORTER", ("otlp", "none"), "otlp")
    if not given or variables.flag("OTEL_SDK_DISABLED") or exporter == "none":
        return None
    for name in given:
        _check_endpoint(variables, name)
    for name, value in headers.items():
        variables.secrets_seen.update(_header_values(value))
        _check_headers(variables, name, value)
    for name in PROTOCOLS:
        variables.choice(name, ("http/protobuf",), "http/protobuf")
    for name in TIMEOUTS:
        variables.number(name, 10.0, least=0.001, most=300)
    _check_sampler(variables)
    return {
        "OTEL_SERVICE_NAME": _service_name(variables),
        **variables.starting_with(PREFIX),
        **headers,
    }


def _check_endpoint(variables: Variables, name: str) -> None:
    try:
        url = urlsplit(variables.text(name))
        usable = url.scheme in ("http", "https") and bool(url.hostname)
        if url.password:
            variables.secrets_seen.add(url.password)
    except ValueError:
        usable = False
    if not usable:
        variables.problem(name, "is not an http or https URL", "Write http://collector:4318")


def _check_headers(variables: Variables, name: str, value: str) -> None:
    if not all(pair.partition("=")[1] for pair in value.split(",") if pair.strip()):
        variables.problem(
            name, "is not a list of name=value", "Write name=value,name=value, URL-encoded"
        )


def _header_values(value: str) -> Iterator[str]:
    """Each header's value, as it is written and as it is sent."""
    for pair in value.split(","):
        written = pair.partition("=")[2].strip()
        yield written
        yield unquote(written)


def _check_sampler(variables: Variables) -> None:
    sampler = variables.choice("OTEL_TRACES_SAMPLER", SAMPLERS, "parentbased_always_on")
    if sampler.endswith("traceidratio"):
        variables.number("OTEL_TRACES_SAMPLER_ARG", 1.0, least=0.0, most=1.0)


def _service_name(variables: Variables) -> str:
    """Ours, unless `OTEL_RESOURCE_ATTRIBUTES` names one."""
    for pair in variables.names("OTEL_RESOURCE_ATTRIBUTES"):
        name, _, value = pair.partition("=")
        if name.strip() == "service.name" and value.strip():
            return unquote(value.strip())
    return SERVICE_NAME
