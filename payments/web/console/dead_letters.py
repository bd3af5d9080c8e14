"""`/console/dead-letters`: what has failed, by its cause, and what can be done about it."""

from __future__ import annotations

from flask import render_template

from payments.database import snapshot
from payments.dead_letter_groups import count_dead, get_group, list_groups, list_items
from payments.dry_run import DryRun, dry_run
from payments.errors import InvalidQuery, NotFound
from payments.models import utc_now
from payments.web.auth import require_operator
from payments.web.console.address import cursor, read_address
from payments.web.console.blueprint import blueprint
from payments.web.console.trend import trend
from payments.web.keys import key_of
from payments.web.pages import is_part

LONGEST_NUMBER = 18

blueprint.add_app_template_filter(trend)


@blueprint.get("/dead-letters")
def dead_letters() -> str:
    read_address(())
    with snapshot() as session:
        found = list_groups(session, utc_now())
        dead = count_dead(session)
    return render_template(
        "console/dead_letters.html",
        dead=dead,
        groups=[group.describe() for group in found.groups],
        ungrouped=found.ungrouped,
        more=found.more,
    )


@blueprint.get("/dead-letters/news")
def dead_letters_news() -> str:
    """What has changed since a page was made on which `dead` were dead, as a part of it.

    Raises:
        InvalidQuery: `dead` is no number.
    """
    shown = read_address(("dead",)).get("dead", "")
    if not (shown.isascii() and shown.isdigit() and len(shown) <= LONGEST_NUMBER):
        raise InvalidQuery("dead: how many the page shows.")
    with snapshot() as session:
        dead = count_dead(session)
    return render_template("console/dead_letters_news.html", shown=int(shown), dead=dead)


@blueprint.get("/dead-letters/<id>")
def group(id: str) -> str:
    return _page(key_of(id, "group"))


@blueprint.post("/dead-letters/<id>/dry-run")
def dry_run_newest(id: str) -> str:
    """A dry run of the group's newest event: a part of its page, or the page with it.

    It calls handlers and holds locks while it does, so it is for operators, although it
    changes nothing.

    Raises:
        NotFound: there is no such group, or nothing in it.
    """
    require_operator()
    key = key_of(id, "group")
    with snapshot() as session:
        newest = get_group(session, key, utc_now()).newest
    if newest is None:
        raise NotFound("The group holds nothing any more.")
    result = dry_run(newest.id)
    if is_part():
        return render_template("console/dry_run_result.html", result=result)
    return _page(key, result)


def _page(id: int, result: DryRun | None = None) -> str:
    read_address(())
    with snapshot() as session:
        found = get_group(session, id, utc_now())
        page = list_items(session, id, before=cursor())
        return render_template(
            "console/group.html",
            group=found.describe(),
            newest=found.newest,
            items=page.rows,
            result=result,
            next_cursor=page.next_cursor,
            is_first_page=cursor() is None,
        )
