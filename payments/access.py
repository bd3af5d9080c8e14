"""The settings that say who gets in: tokens for programs and people, and what signs sessions."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from payments.variables import Variables
from payments.weak_secrets import refuse_weak

ROLES = ("viewer", "operator")
# Who it is stands in the audit log and on pages.
ADMIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
# What an Authorization header can carry as a bearer token (RFC 7230: visible ASCII).
ADMIN_TOKEN = re.compile(r"[!-~]{1,1024}")


@dataclass(frozen=True)
class AdminToken:
    """One key to the admin doors: who it is, what it may do (viewer or operator), the token."""

    name: str
    role: str
    token: str = field(repr=False)


def admin_tokens(variables: Variables, strict: bool) -> tuple[AdminToken, ...]:
    """`name:role:token` or a bare token, which is an operator's; several are comma-separated."""
    tokens: list[AdminToken] = []
    for entry in variables.secrets("ADMIN_TOKEN"):
        name, role, token = (
            entry.split(":", 2) if entry.count(":") >= 2 else ("admin", "operator", entry)
        )
        variables.secrets_seen.add(token)
        if problem := _admin_token_problem(name, role, token, tokens):
            variables.problem("ADMIN_TOKEN", *problem)
            continue
        tokens.append(AdminToken(name, role, token))
    if strict:
        if not tokens:
            variables.problem("ADMIN_TOKEN", "is not set", "Make one with: openssl rand -hex 32")
        refuse_weak(variables, "ADMIN_TOKEN", [token.token for token in tokens])
    return tuple(tokens)


def _admin_token_problem(
    name: str, role: str, token: str, before: Sequence[AdminToken]
) -> tuple[str, str] | None:
    """What is wrong with an entry, and how to mend it."""
    if role not in ROLES or not name or not token:
        return "has an entry that is not name:role:token", "Role: viewer or operator"
    if not ADMIN_NAME.fullmatch(name):
        return "has a name that is not plain", "Use at most 64 letters, digits and . _ @ + -"
    if not ADMIN_TOKEN.fullmatch(token):
        return (
            "has a token that no header can carry",
            "Use 1 to 1,024 visible ASCII characters: openssl rand -hex 32",
        )
    if any(token == other.token for other in before):
        return "has one token twice", "Give each person a token of their own"
    return None


def metrics_tokens(variables: Variables, strict: bool) -> tuple[str, ...]:
    tokens = variables.secrets("METRICS_TOKEN")
    if strict:
        refuse_weak(variables, "METRICS_TOKEN", tokens)
    return tokens


def session_secrets(variables: Variables, strict: bool) -> tuple[str, ...]:
    """The first signs the console's cookies; the others are still accepted."""
    given = variables.secrets("SESSION_SECRET")
    if strict:
        if not given:
            variables.problem(
                "SESSION_SECRET",
                "is not set",
                "Make one with: openssl rand -hex 32, the same for every web process",
            )
        refuse_weak(variables, "SESSION_SECRET", given)
    # Made before gunicorn forks, so that its workers share it; after a restart all log in again.
    used = given or (secrets.token_hex(32),)
    variables.secrets_seen.update(used)
    return used


def trusted_proxies(variables: Variables, strict: bool) -> int:
    if strict and not variables.is_set("TRUSTED_PROXIES"):
        variables.warn(
            "TRUSTED_PROXIES",
            "is not set, so behind a proxy all clients share one address, and one limit",
            "Set it to the number of proxies in front, 0 for none",
        )
    return variables.integer("TRUSTED_PROXIES", 0, least=0, most=10)
