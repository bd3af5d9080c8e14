"""PayPal's variables: read, checked, and turned into what verifies.

Each of them may carry the suffix `__ACCOUNT`. The webhook ids and the demo secrets must, for an
account other than the default one; the others fall back to the plain variable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from payments.providers.base import variable_of
from payments.providers.bounded_http import BoundedHttp
from payments.providers.paypal.api import PayPalApi
from payments.providers.paypal.cache import CertificateCache, fetch_certificate
from payments.providers.paypal.certificates import CertificateScheme
from payments.providers.paypal.postback import PostbackScheme
from payments.providers.paypal.transmission import (
    LIVE_HOSTS,
    SANDBOX_HOSTS,
    certificate_origins,
)
from payments.providers.paypal.trust import LIVE_NAME, SANDBOX_NAME, Trust, load_trust
from payments.providers.signatures import LabelledSecret, labelled
from payments.variables import Variables
from payments.weak_secrets import weakness

MODE, VERIFY, API_BASE = "PAYPAL_MODE", "PAYPAL_VERIFY", "PAYPAL_API_BASE"
WEBHOOK_ID, CA_FILE, TOLERANCE = "PAYPAL_WEBHOOK_ID", "PAYPAL_CA_FILE", "PAYPAL_TOLERANCE_SECONDS"
CLIENT_ID, CLIENT_SECRET = "PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET"
DEMO_SECRET = "DEMO_HMAC_SECRET"  # noqa: S105 - the name of a variable
LIVE, SANDBOX, DEMO = "live", "sandbox", "demo_hmac"
CERTIFICATE, POSTBACK = "certificate", "postback"
DEFAULT_BASE = {LIVE: "https://api-m.paypal.com", SANDBOX: "https://api-m.sandbox.paypal.com"}
# A year, for replaying recorded deliveries.
LONGEST_TOLERANCE = 366 * 86400
# PayPal retries for three days, and does not say whether a retry is signed anew. A replay within
# that time meets the unique row of its event.
DEFAULT_TOLERANCE = 3 * 86400
# The webhook simulator signs with the production certificate over this, for anybody who asks.
SIMULATOR_WEBHOOK_ID = "WEBHOOK_ID"
WEBHOOK_ID_FORM = re.compile(r"[A-Za-z0-9_-]{1,64}")
ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:(?P<port>[1-9][0-9]{0,4}))?")
DASHBOARD = "Copy it from PayPal's developer dashboard"


@dataclass(frozen=True, kw_only=True)
class PayPalSettings:
    """What the variables of one account say. `base` is set only where a variable sets it."""

    mode: str
    verify: str = CERTIFICATE
    demo_secrets: tuple[LabelledSecret, ...] = field(default=(), repr=False)
    webhook_ids: tuple[LabelledSecret, ...] = field(default=(), repr=False)
    tolerance_seconds: int = DEFAULT_TOLERANCE
    base: str | None = None
    ca_pem: bytes = field(default=b"", repr=False)
    trust: Trust | None = field(default=None, repr=False)
    api: PayPalApi | None = None

    def scheme(self) -> CertificateScheme | PostbackScheme:
        """What verifies in the modes live and sandbox."""
        origins = certificate_origins(self.mode) + ((self.base,) if self.base else ())
        if self.verify == POSTBACK:
            if self.api is None:
                raise ValueError("postback needs a client id and secret")
            return PostbackScheme(
                webhook_ids=self.webhook_ids,
                tolerance_seconds=self.tolerance_seconds,
                origins=origins,
                api=self.api,
            )
        return CertificateScheme(
            webhook_ids=self.webhook_ids,
            tolerance_seconds=self.tolerance_seconds,
            origins=origins,
            names=(LIVE_NAME,) if self.mode == LIVE else (LIVE_NAME, SANDBOX_NAME),
            trust=self.trust or load_trust(),
            cache=CertificateCache(fetch_certificate(_http(self.ca_pem))),
        )


def read_settings(variables: Variables, account: str, *, strict: bool) -> PayPalSettings | None:
    """The settings of `account`; None where it is not configured, or not usably.

    Problems and warnings are added to `variables`.
    """
    mode = variables.choice(_shared(variables, MODE, account), (LIVE, SANDBOX, DEMO), SANDBOX)
    if mode == DEMO:
        return _demo_settings(variables, account, strict)
    webhook_ids = _webhook_ids(variables, account, mode, strict)
    tolerance = variables.integer(TOLERANCE, DEFAULT_TOLERANCE, least=1, most=LONGEST_TOLERANCE)
    verify = variables.choice(
        _shared(variables, VERIFY, account), (CERTIFICATE, POSTBACK), CERTIFICATE
    )
    base = _base(variables, _shared(variables, API_BASE, account), mode, strict)
    ca_pem, trust = _trust(variables, strict)
    api = _api(variables, account, base or DEFAULT_BASE[mode], verify, strict, ca_pem)
    if not webhook_ids or (verify == POSTBACK and api is None):
        return None
    return PayPalSettings(
        mode=mode,
        verify=verify,
        webhook_ids=webhook_ids,
        tolerance_seconds=tolerance,
        base=base,
        ca_pem=ca_pem,
        trust=trust,
        api=api,
    )


def _shared(variables: Variables, name: str, account: str) -> str:
    """The account's own variable where it is set, else the plain one."""
    own = variable_of(name, account)
    return own if variables.is_set(own) else name


def _demo_settings(variables: Variables, account: str, strict: bool) -> PayPalSettings | None:
    if strict:
        variables.problem(
            _shared(variables, MODE, account),
            "production refuses demo_hmac, which anybody with the secret can sign for",
            "Use live or sandbox",
        )
        return None
    variable = variable_of(DEMO_SECRET, account)
    secrets = variables.secrets(variable)
    if not secrets:
        variables.warn(
            variable, "is not set, which demo_hmac needs", "Make one with: openssl rand -hex 32"
        )
        return None
    return PayPalSettings(mode=DEMO, demo_secrets=labelled(variable, secrets))


def _webhook_ids(
    variables: Variables, account: str, mode: str, strict: bool
) -> tuple[LabelledSecret, ...]:
    variable = variable_of(WEBHOOK_ID, account)
    ids = variables.secrets(variable)
    if not ids:
        report = variables.problem if strict else variables.warn
        report(
            variable,
            "is not set",
            f"{DASHBOARD} (the id of the webhook), or leave paypal out of PAYMENTS_PROVIDERS",
        )
    if not all(WEBHOOK_ID_FORM.fullmatch(webhook_id) for webhook_id in ids):
        variables.problem(variable, "has a value that is no webhook id", DASHBOARD)
    if SIMULATOR_WEBHOOK_ID in ids:
        # It is no secret, and masked in the logs it would take this variable's name with it.
        variables.secrets_seen.discard(SIMULATOR_WEBHOOK_ID)
        report = variables.problem if mode == LIVE else variables.warn
        report(
            variable,
            "has the webhook simulator's id, for which anybody can have events signed",
            DASHBOARD,
        )
    return labelled(variable, ids)


def _base(variables: Variables, variable: str, mode: str, strict: bool) -> str | None:
    base = variables.text(variable).rstrip("/")
    if not base:
        return None
    hosts = LIVE_HOSTS if mode == LIVE else SANDBOX_HOSTS
    form = ORIGIN.fullmatch(base)
    if form is None or int(form["port"] or 0) > 65535:
        variables.problem(
            variable,
            "is not a scheme and a host in lower case",
            f"Use {DEFAULT_BASE[mode]}, or leave it out",
        )
        return None
    if strict and base not in {f"https://{host}" for host in hosts}:
        variables.problem(
            variable,
            f"is not one of PayPal's hosts for the mode {mode}",
            f"Leave it out, or use https and one of: {', '.join(hosts)}",
        )
        return None
    return base


def _trust(variables: Variables, strict: bool) -> tuple[bytes, Trust | None]:
    path = variables.text(CA_FILE)
    if not path:
        return b"", None
    try:
        pem = Path(path).read_bytes()
        trust = load_trust(pem)
        pem.decode("ascii")
    except (OSError, ValueError) as error:
        variables.problem(
            CA_FILE,
            f"names a file that is not readable PEM ({type(error).__name__})",
            "Name a file of CA certificates in PEM, or leave it out",
        )
        return b"", None
    if strict:
        variables.warn(
            CA_FILE, "adds authorities that may speak for PayPal", "Check that each one is meant"
        )
    return pem, trust


def _api(
    variables: Variables, account: str, base: str, verify: str, strict: bool, ca_pem: bytes
) -> PayPalApi | None:
    names = {name: _shared(variables, name, account) for name in (CLIENT_ID, CLIENT_SECRET)}
    client_id, client_secret = (variables.secret(name) for name in names.values())
    if verify == POSTBACK:
        for variable, value in zip(names.values(), (client_id, client_secret), strict=True):
            if not value:
                what = "is not set, which PAYPAL_VERIFY=postback needs"
                variables.problem(variable, what, f"{DASHBOARD} (the app)")
    if strict and client_secret and (reason := weakness(client_secret)):
        variables.problem(names[CLIENT_SECRET], reason, f"{DASHBOARD} (the app)")
    if not client_id or not client_secret:
        return None
    return PayPalApi(base, client_id, client_secret, _http(ca_pem))


def _http(ca_pem: bytes) -> BoundedHttp:
    return BoundedHttp(extra_ca_pem=ca_pem.decode("ascii") or None)
