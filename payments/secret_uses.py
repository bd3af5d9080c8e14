"""Which secrets prove deliveries, by their labels: configured ones, and those used before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.models import SecretUse


@dataclass(frozen=True, kw_only=True)
class KnownSecret:
    """A secret. `last_used_at` is None where it never proved a delivery.

    Attributes:
        configured: whether it may prove a delivery now.
        is_latest: whether no other of its account was used later.
    """

    provider: str
    account: str
    label: str
    configured: bool
    last_used_at: datetime | None
    is_latest: bool


def known_secrets(
    session: Session, providers: Mapping[str, Mapping[str, Any]]
) -> list[KnownSecret]:
    """The secrets of all accounts: those that are configured, then those that were."""
    uses = list(session.scalars(select(SecretUse).order_by(SecretUse.last_used_at.desc())))
    found: list[KnownSecret] = []
    for name, accounts in providers.items():
        for account, provider in accounts.items():
            of_account = [use for use in uses if (use.provider, use.account) == (name, account)]
            labels = list(provider.secret_labels)
            retired = [use.label for use in of_account if not _is_of(use.label, labels)]
            newest = of_account[0].label if of_account else ""
            found += [
                KnownSecret(
                    provider=name,
                    account=account,
                    label=label,
                    configured=label in labels,
                    last_used_at=_last_use(of_account, label),
                    is_latest=_is_of(newest, [label]),
                )
                for label in [*labels, *retired]
            ]
    return found


def _last_use(uses: Sequence[SecretUse], label: str) -> datetime | None:
    """`uses` are the latest first."""
    return next((use.last_used_at for use in uses if _is_of(use.label, [label])), None)


def _is_of(used: str, labels: Sequence[str]) -> bool:
    """A proof may name the certificate after the label."""
    return any(used == label or used.startswith(f"{label} ") for label in labels)
