"""Secrets that are easy to guess, which production refuses."""

from __future__ import annotations

from collections.abc import Sequence

from payments.variables import Variables

SHORTEST_SECRET = 16
FEWEST_DISTINCT_CHARACTERS = 6
PLACEHOLDERS = ("your_", "changeme", "change_me", "placeholder", "example", "for_testing", "demo_")


def weakness(secret: str) -> str | None:
    """Why `secret` would be easy to guess, in words that do not repeat it; None where it is not."""
    if len(secret) < SHORTEST_SECRET:
        return f"has a secret of fewer than {SHORTEST_SECRET} characters"
    if len(set(secret)) < FEWEST_DISTINCT_CHARACTERS:
        return f"has a secret of fewer than {FEWEST_DISTINCT_CHARACTERS} different characters"
    if any(word in secret.lower() for word in PLACEHOLDERS):
        return "still has a placeholder from an example"
    return None


def refuse_weak(
    variables: Variables,
    name: str,
    secrets: Sequence[str],
    fix: str = "Make one with: openssl rand -hex 32",
) -> None:
    """A problem for each secret of `name` that is weak."""
    for reason in filter(None, map(weakness, secrets)):
        variables.problem(name, reason, fix)
