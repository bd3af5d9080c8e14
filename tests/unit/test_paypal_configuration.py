"""What PayPal's variables mean, and which of them are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from payments.providers.paypal.certificates import CertificateScheme
from payments.providers.paypal.postback import PostbackScheme
from payments.providers.paypal.provider import DemoScheme, PayPal
from payments.variables import Variables
from tests.standins.certificates import issue

APP = {"PAYPAL_CLIENT_ID": "an-id-of-an-app", "PAYPAL_CLIENT_SECRET": "8c41d0e97b26fa53"}
LIVE = {"PAYPAL_MODE": "live", "PAYPAL_WEBHOOK_ID": "8WH123"}


def read(
    environ: dict[str, str], account: str = "default", *, strict: bool = False
) -> tuple[PayPal | None, list[str], list[str]]:
    """The provider, and the variables with problems and with warnings."""
    variables = Variables(environ)
    provider = PayPal.configure(variables, account, strict=strict)
    for name, value in environ.items():
        if name.endswith(("ID", "SECRET")) and len(value) > 12:
            text = "".join(map(str, (*variables.problems, *variables.warnings)))
            assert value not in text + repr(provider)
    problems = [problem.variable for problem in variables.problems]
    return provider, problems, [warning.variable for warning in variables.warnings]


def test_nothing_at_all_is_a_warning_and_in_production_a_problem() -> None:
    assert read({}) == (None, [], ["PAYPAL_WEBHOOK_ID"])
    assert read({}, strict=True) == (None, ["PAYPAL_WEBHOOK_ID"], [])


def test_a_webhook_id_is_enough_for_certificates_of_the_sandbox() -> None:
    provider, problems, warnings = read({"PAYPAL_WEBHOOK_ID": "8WH123"}, strict=True)
    assert provider is not None
    assert not problems
    assert not warnings
    assert provider.mode == "sandbox"
    assert provider.api is None
    assert isinstance(provider.scheme, CertificateScheme)
    assert provider.scheme.tolerance_seconds == 3 * 86400
    assert len(provider.scheme.origins) == 4


def test_live_takes_live_hosts_and_names_alone() -> None:
    provider, problems, _ = read(LIVE, strict=True)
    assert provider is not None
    assert not problems
    assert isinstance(provider.scheme, CertificateScheme)
    assert provider.scheme.origins == ("https://api.paypal.com", "https://api-m.paypal.com")
    assert provider.scheme.names == ("messageverificationcerts.paypal.com",)


def test_postback_needs_an_app() -> None:
    environ = {**LIVE, "PAYPAL_VERIFY": "postback"}
    provider, problems, _ = read(environ)
    assert (provider, problems) == (None, ["PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET"])
    provider, problems, _ = read({**environ, **APP}, strict=True)
    assert provider is not None
    assert not problems
    assert isinstance(provider.scheme, PostbackScheme)
    assert repr(provider.api) == "PayPalApi('https://api-m.paypal.com')"


def test_production_refuses_the_demo() -> None:
    environ = {"PAYPAL_MODE": "demo_hmac", "DEMO_HMAC_SECRET": "4b8f2a6c1d9e7035"}
    assert read(environ, strict=True) == (None, ["PAYPAL_MODE"], [])
    provider, problems, warnings = read(environ)
    assert provider is not None
    assert not problems
    assert not warnings
    assert isinstance(provider.scheme, DemoScheme)


def test_the_demo_without_a_secret_is_not_configured() -> None:
    assert read({"PAYPAL_MODE": "demo_hmac"}) == (None, [], ["DEMO_HMAC_SECRET"])


@pytest.mark.parametrize("strict", [True, False])
def test_live_refuses_the_simulators_webhook_id_everywhere(strict: bool) -> None:
    environ = {"PAYPAL_MODE": "live", "PAYPAL_WEBHOOK_ID": "8WH123,WEBHOOK_ID"}
    assert read(environ, strict=strict)[1] == ["PAYPAL_WEBHOOK_ID"]


def test_a_sandbox_with_the_simulators_webhook_id_is_warned() -> None:
    provider, problems, warnings = read({"PAYPAL_WEBHOOK_ID": "WEBHOOK_ID"})
    assert provider is not None
    assert (problems, warnings) == ([], ["PAYPAL_WEBHOOK_ID"])


@pytest.mark.parametrize("value", ["8WH|1", "8WH 1", "ä", "x" * 65, "https://shop.example/hook"])
def test_what_cannot_be_a_webhook_id_is_a_problem(value: str) -> None:
    assert read({"PAYPAL_WEBHOOK_ID": value})[1] == ["PAYPAL_WEBHOOK_ID"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYPAL_MODE", "production"),
        ("PAYPAL_VERIFY", "none"),
        ("PAYPAL_TOLERANCE_SECONDS", "0"),
        ("PAYPAL_API_BASE", "ftp://api-m.paypal.com"),
        ("PAYPAL_API_BASE", "https://api-m.paypal.com/v1"),
        ("PAYPAL_API_BASE", "https://user@api-m.paypal.com"),
        ("PAYPAL_API_BASE", "https://api-m.paypal.com:99999"),
        ("PAYPAL_API_BASE", "api-m.paypal.com"),
        ("PAYPAL_CA_FILE", "/nowhere/ca.pem"),
    ],
)
def test_a_bad_value_is_a_problem_that_names_its_variable(name: str, value: str) -> None:
    assert read({"PAYPAL_WEBHOOK_ID": "8WH123", name: value})[1] == [name]


@pytest.mark.parametrize(
    ("base", "good"),
    [
        ("https://api-m.paypal.com", True),
        ("https://api.paypal.com/", True),
        ("https://api-m.sandbox.paypal.com", False),
        ("http://api-m.paypal.com", False),
        ("https://api-m.paypal.com:8443", False),
        ("https://paypal.example", False),
        ("http://127.0.0.1:8000", False),
    ],
)
def test_production_talks_to_paypal_alone(base: str, good: bool) -> None:
    problems = read({**LIVE, "PAYPAL_API_BASE": base}, strict=True)[1]
    assert problems == ([] if good else ["PAYPAL_API_BASE"])


def test_elsewhere_an_explicit_base_may_serve_certificates_too() -> None:
    provider, problems, _ = read({**LIVE, "PAYPAL_API_BASE": "http://127.0.0.1:8000/"})
    assert provider is not None
    assert not problems
    assert isinstance(provider.scheme, CertificateScheme)
    assert provider.scheme.origins[-1] == "http://127.0.0.1:8000"


def test_a_weak_client_secret_is_refused_in_production() -> None:
    environ = {**LIVE, **APP, "PAYPAL_CLIENT_SECRET": "secret"}
    assert read(environ, strict=True)[1] == ["PAYPAL_CLIENT_SECRET"]
    assert read(environ)[1] == []


def test_own_authorities_are_read_and_in_production_warned_of(tmp_path: Path) -> None:
    root = issue("Own Root", authority=True)
    middle = issue("Own Intermediate", root, authority=True)
    file = tmp_path / "ca.pem"
    file.write_bytes(b"# ours\n" + root.pem + middle.pem)
    provider, problems, warnings = read({**LIVE, "PAYPAL_CA_FILE": str(file)}, strict=True)
    assert (problems, warnings) == ([], ["PAYPAL_CA_FILE"])
    assert provider is not None
    assert isinstance(provider.scheme, CertificateScheme)
    assert root.certificate in provider.scheme.trust.anchors
    assert middle.certificate in provider.scheme.trust.intermediates
    assert middle.certificate not in provider.scheme.trust.anchors


def test_a_file_of_no_certificates_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    assert read({**LIVE, "PAYPAL_CA_FILE": str(file)})[1] == ["PAYPAL_CA_FILE"]


def test_accounts_come_from_webhook_ids_and_demo_secrets() -> None:
    variables = Variables({"PAYPAL_WEBHOOK_ID__SHOP": "8WH1", "DEMO_HMAC_SECRET__DEMO": "x"})
    assert PayPal.accounts(variables) == ["default", "demo", "shop"]
    assert PayPal.accounts(Variables({})) == ["default"]


def test_an_account_has_its_own_webhook_and_shares_what_it_does_not_set() -> None:
    environ = {**LIVE, "PAYPAL_WEBHOOK_ID__SHOP": "8WH999", "PAYPAL_MODE__SHOP": "sandbox", **APP}
    provider, problems, _ = read(environ, "shop", strict=True)
    assert provider is not None
    assert not problems
    assert provider.mode == "sandbox"
    assert provider.api is not None
    assert isinstance(provider.scheme, CertificateScheme)
    assert [w.label.split("#")[0] for w in provider.scheme.webhook_ids] == [
        "PAYPAL_WEBHOOK_ID__SHOP"
    ]


def test_an_account_never_uses_the_webhook_of_another() -> None:
    assert read(LIVE, "shop") == (None, [], ["PAYPAL_WEBHOOK_ID__SHOP"])


def test_secrets_may_come_from_files(tmp_path: Path) -> None:
    file = tmp_path / "id"
    file.write_text("8WH123\n")
    assert read({"PAYPAL_WEBHOOK_ID_FILE": str(file)}, strict=True)[1] == []


def test_what_is_secret_is_known_to_the_masking_of_logs() -> None:
    variables = Variables({**LIVE, **APP, "PAYPAL_WEBHOOK_ID": "8WH123,WEBHOOK_ID"})
    PayPal.configure(variables, "default", strict=False)
    assert variables.secrets_seen == {"8WH123", *APP.values()}
