"""The first `.env`: fresh random secrets for development, so that nobody shares a default."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

HEADER = """\
# Settings of this copy of payments-api, made by `make run` with secrets of its own.
# For development only. The environment wins over this file. All names: README.md.
"""


@dataclass(frozen=True)
class Entry:
    """One variable: what it is for, and how its first value is made."""

    name: str
    comment: str
    make: Callable[[], str]


ENTRIES = (
    Entry("APP_ENV", "dev, test or prod", lambda: "dev"),
    Entry("STRIPE_SIGNING_SECRET", "Signs Stripe's webhooks", lambda: f"whsec_{_random()}"),
    Entry("PAYPAL_MODE", "live, sandbox, or demo_hmac: a shared secret", lambda: "demo_hmac"),
    Entry("DEMO_HMAC_SECRET", "Signs PayPal's webhooks in demo_hmac mode", lambda: _random()),
    Entry("ADMIN_TOKEN", "Opens /admin and /console", lambda: _random()),
    Entry("SESSION_SECRET", "Signs the console's session cookies", lambda: _random()),
    Entry("METRICS_TOKEN", "Opens /metrics", lambda: _random()),
    Entry("PAYMENTS_HANDLERS", "Handler modules; write your own", lambda: "examples.handlers"),
)


def write_env_file(path: Path, environ: Mapping[str, str]) -> bool:
    """Writes `path` with mode 0600 unless it exists; True where it was written.

    What `environ` sets already gets a remark and no value: the environment's wins anyhow, a second
    value would only mislead, and a secret that was kept out of files stays out.
    """
    if os.path.lexists(path):
        return False
    handle, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(_text(environ))
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never replaces a file that somebody else made meanwhile.
        os.link(temporary, path)
        return True
    except FileExistsError:
        return False
    finally:
        os.unlink(temporary)


def _text(environ: Mapping[str, str]) -> str:
    return "\n".join([HEADER, *(_lines(entry, environ) for entry in ENTRIES)])


def _lines(entry: Entry, environ: Mapping[str, str]) -> str:
    if environ.get(entry.name) or environ.get(f"{entry.name}_FILE"):
        return f"# {entry.comment}. Set in the environment at first.\n#{entry.name}=\n"
    return f"# {entry.comment}.\n{entry.name}={entry.make()}\n"


def _random() -> str:
    """256 bits in hexadecimal: needs no quoting, and no placeholder word can appear in it."""
    return secrets.token_hex(32)
