"""`flask simulate`: a made-up event, signed as the provider would, sent to the running service."""

from __future__ import annotations

import json
import secrets

import click
import urllib3
from flask.cli import with_appcontext

from payments.config import DEFAULT_ACCOUNT, Settings
from payments.extensions import settings
from payments.models import utc_now
from payments.providers.base import IDENTIFIER, Provider

TIMEOUT_SECONDS = 10


@click.command("simulate")
@click.argument("provider")
@click.argument("event_type", metavar="TYPE")
@click.option("--account", default=DEFAULT_ACCOUNT, help="the account of the endpoint")
@click.option("--event-id", help="send this id (to see a duplicate, say); default: a new one")
@click.option("--count", type=click.IntRange(1, 1000), default=1, help="how many events to send")
@click.option("--url", help="where the service is; default: the one that `make run` started")
@with_appcontext
def simulate(
    provider: str, event_type: str, account: str, event_id: str | None, count: int, url: str | None
) -> None:
    """Sign a sample event of TYPE and send it to the running service.

    \b
    Examples:
      flask --app wsgi simulate stripe payment_intent.succeeded
      flask --app wsgi simulate paypal PAYMENT.CAPTURE.COMPLETED --count 5
    """
    if settings().is_production:
        raise click.ClickException("With APP_ENV=prod no events are made up.")
    account = account.lower().replace("-", "_")  # as the service reads its own paths
    sender = _provider(settings(), provider, account)
    for value, name in ((event_type, "TYPE"), (event_id or "x", "--event-id")):
        if not IDENTIFIER.fullmatch(value):
            raise click.UsageError(f"{name}: use 1 to 255 printable ASCII characters.")
    address = (url or running_address(settings())).rstrip("/")
    suffix = "" if account == DEFAULT_ACCOUNT else f"/{account}"
    for _ in range(count):
        id = event_id or f"{sender.sample_prefix}{secrets.token_hex(8)}"
        _send(sender, f"{address}/webhooks/{provider}{suffix}", event_type, id)


def running_address(settings: Settings) -> str:
    """The address of the service that runs in this folder, as `make run` wrote it down."""
    written = settings.var_dir / "address"
    if written.is_file():
        return written.read_text().strip()
    return f"http://{settings.app_host}:{settings.app_port or 8065}"


def _provider(settings: Settings, name: str, account: str) -> Provider:
    accounts = settings.providers.get(name)
    if accounts is None:
        raise click.UsageError(f"PROVIDER: use one of {', '.join(settings.providers)}.")
    if account not in accounts:
        raise click.ClickException(
            f"{name} has no account {account!r} configured; see `flask check`."
        )
    provider = accounts[account]
    assert isinstance(provider, Provider)
    return provider


def _send(sender: Provider, url: str, event_type: str, event_id: str) -> None:
    now = utc_now()
    body = json.dumps(sender.sample(event_type, event_id, now)).encode()
    try:
        signature = sender.sign(body, now)
    except NotImplementedError as error:
        raise click.ClickException(str(error)) from None
    headers = {"Content-Type": "application/json", "X-Payments-Source": "simulated", **signature}
    try:
        response = urllib3.request(
            "POST", url, body=body, headers=headers, timeout=TIMEOUT_SECONDS, retries=False
        )
    except urllib3.exceptions.HTTPError as error:
        raise click.ClickException(
            f"The service does not answer at {url} ({type(error).__name__}). Is `make run` running?"
        ) from None
    click.echo(f"{response.status} {response.data.decode(errors='replace').strip()}")
    if response.status != 200:
        raise SystemExit(1)
