"""How times, durations and counts read on a page. All times are UTC, and say so."""

from __future__ import annotations

from datetime import UTC, datetime

from payments.models import utc_now

MINUTE, HOUR, DAY = 60, 3600, 86400
MOST_COUNTED = 10_000


def ago(moment: datetime | None) -> str:
    """ "4 min ago", or "in 4 min" for what is to come; "never" where there is no time."""
    if moment is None:
        return "never"
    seconds = (utc_now() - moment).total_seconds()
    span = _span(abs(seconds))
    return f"{span} ago" if seconds >= 0 else f"in {span}"


def clock(moment: datetime) -> str:
    """ "02:11:07Z", with the day before it where it is not today's."""
    moment = moment.astimezone(UTC)
    today = moment.date() == utc_now().date()
    return moment.strftime("%H:%M:%SZ" if today else "%Y-%m-%d %H:%M:%SZ")


def day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def iso(moment: datetime) -> str:
    """For programs: the attribute of a `time` element."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def duration(seconds: float | None) -> str:
    """ "340 ms", "12.4 s", "4 min", "3 h 20 min"; a dash where it is not known."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    return _span(seconds)


def capped(count: int) -> str:
    """ "1,204", or "10,000+" for what is not counted further."""
    return f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}"


def _span(seconds: float) -> str:
    whole = int(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        hours, rest = divmod(whole, HOUR)
        minutes = rest // MINUTE
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, rest = divmod(whole, DAY)
    hours = rest // HOUR
    return f"{days} d {hours} h" if hours else f"{days} d"
