"""From an exception, a death or an old text to its cause."""

from __future__ import annotations

from dataclasses import replace

from payments.causes.cause import Cause, Subject, say_inside, say_outside
from payments.causes.chain import said
from payments.causes.fields import field_of
from payments.causes.frames import Place, places
from payments.causes.outside import Outside, http_status, outside, outside_of_text
from payments.causes.wording import LONGEST_NAME, Mask, in_general, printable, type_name

# Where our own code was, by the beginning of its module; the first that fits.
_STAGES_OF_MODULES = (
    ("payments.providers.signatures", "signature"),
    ("payments.providers", "read"),
    ("payments.handlers.registry", "read"),
    ("payments.handlers.effects", "effect"),
    ("payments.handlers.payments", "projection"),
    ("payments.projection", "projection"),
    ("payments.ledger", "projection"),
)
# The payload is fetched here, and has expired or is no event any more.
_PAYLOAD = ("payments.processing", "_handled")


def classify(
    error: BaseException, subject: Subject, mask: Mask, *, timed_out: bool = False
) -> Cause:
    """The cause of a failed attempt; `timed_out` where it had used up its time.

    Never raises, whatever the exception is.
    """
    try:
        return _classify(error, subject, mask, timed_out)
    except Exception:  # somebody's exception class that cannot even be looked at
        name = type_name(error)
        return Cause(
            stage="unknown",
            error_type=name,
            provider=subject.provider,
            event_type=subject.event_type,
            says=say_inside(name, None, None, subject),
        )


def cause_of_death(reason: str, subject: Subject) -> Cause:
    """Of an event whose process died at it: `reason` is a name, such as "KillsItsWorker"."""
    return Cause(
        stage="worker",
        error_type=reason,
        provider=subject.provider,
        event_type=subject.event_type,
        says=say_inside(reason, None, None, subject),
    )


def cause_of_text(last_error: str | None, subject: Subject, mask: Mask) -> Cause:
    """Of an event that died before causes were kept: its text, "<class>: <message>", is all."""
    name, _, message = (last_error or "Unknown").partition(": ")
    if not name.isidentifier():
        name, message = "Unknown", last_error or ""
    name, general = printable(name, LONGEST_NAME), in_general(message, mask)
    found = outside_of_text(name, message, mask)
    if found and found.dependency:
        return _of_outside(found, "unknown", None)
    return Cause(
        stage="unknown",
        error_type=name,
        # One outage is one group, whatever the events were.
        provider=None if found else subject.provider,
        event_type=None if found else subject.event_type,
        message=general or None,
        says=f"{name}: {general}" if general else name,
    )


def _classify(error: BaseException, subject: Subject, mask: Mask, timed_out: bool) -> Cause:
    passed = places(error)
    place = next((it for it in reversed(passed) if not it.is_ours), None)
    place = place or (passed[-1] if passed else None)
    if timed_out:
        return _time_used_up(error, place)
    if found := outside(error, mask):
        return _of_outside(found, _stage(passed), place)
    return _of_inside(error, subject, mask, passed, place)


def _time_used_up(error: BaseException, place: Place | None) -> Cause:
    where = f" in {place.function}" if place else ""
    return Cause(
        stage="timeout",
        error_type=type_name(error),
        frame=place.frame if place else None,
        says=f"took longer than an attempt may{where}",
    )


def _of_outside(found: Outside, stage: str, place: Place | None) -> Cause:
    """Without an event type: one outage is one group.

    Where nothing names the dependency, the function that asked it stands for it.
    """
    unnamed = found.dependency is None and place is not None
    return Cause(
        stage="database" if found.kind == "database" else stage,
        error_type=found.kind if found.kind.startswith("HTTP ") else found.error_type,
        dependency=found.dependency,
        frame=place.frame if unnamed and place else None,
        says=say_outside(found.kind, found.dependency, place.function if place else None),
    )


def _of_inside(
    error: BaseException,
    subject: Subject,
    mask: Mask,
    passed: list[Place],
    place: Place | None,
) -> Cause:
    status = http_status(error)
    name = type_name(error) if status is None else f"{type_name(error)} {status}"
    field = field_of(error, mask)
    cause = Cause(
        stage=_stage(passed),
        error_type=name,
        provider=subject.provider,
        event_type=subject.event_type,
        field=field,
        frame=place.frame if place else None,
        says=say_inside(name, field, place.function if place else None, subject),
    )
    if place is None and field is None:
        message = in_general(said(error), mask)
        return replace(cause, message=message or None, says=f"{cause.says}: {message}"[:500])
    return cause


def _stage(passed: list[Place]) -> str:
    """Where it was: by the innermost function that is the user's or ours."""
    if not passed:
        return "unknown"
    last = passed[-1]
    if (last.module, last.function) == _PAYLOAD:
        return "payload"
    if last.is_ours:
        for module, stage in _STAGES_OF_MODULES:
            if last.module.startswith(module):
                return stage
    return "handler" if any(not it.is_ours for it in passed) else "unknown"
