"""Which addresses are pages for people, and what a page says where it cannot show what was meant.

Everything else is for programs, and answers with problem details: payments/web/errors.py.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from flask import Response, g, redirect, render_template, request, url_for

PREFIXES = ("/console", "/admin/rq")
LONGEST_NEXT = 2000
WHAT_TO_DO = {
    400: "Go back, reload the page and try again. If that does not help, log out and in again.",
    403: "Log in with an operator's token, or ask somebody who has one.",
    404: "Check the address. What was deleted or has expired is gone.",
    405: "Jobs are only looked at here. Retry and discard events with the command line or the "
    "admin API, where each change is checked and audited.",
    409: "Go back and reload the page: it has changed meanwhile.",
    413: "Send less at once.",
    422: "Go back and correct it. Nothing was changed.",
    429: "Wait a minute, then try again. Sessions that are open already are not affected.",
    500: "Search the log for the request id below: the reason stands there.",
    503: "Try again in a few seconds. The overview says which dependency is away.",
}


def is_page(path: str | None = None) -> bool:
    """Whether `path` (by default the request's) is a page's."""
    path = request.path if path is None else path
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in PREFIXES)


def is_part() -> bool:
    """Whether htmx asks, for a part of a page that somebody looks at."""
    return request.headers.get("HX-Request") == "true"


def error_page(status: int, title: str, detail: str) -> Response:
    """A page that says what is wrong, what to do, and the id under which the log tells more.

    For a part of a page it is a line above the page, whose rows stay: they are the last good ones.
    """
    page = render_template(
        "console/problem.html" if is_part() else "error.html",
        status=status,
        title=title,
        detail=detail,
        what_to_do=WHAT_TO_DO.get(status, WHAT_TO_DO[500] if status > 500 else WHAT_TO_DO[404]),
        request_id=g.get("request_id", ""),
    )
    response = Response(page, status=HTTPStatus(status))
    if is_part():
        response.headers.update({"HX-Retarget": "#problem", "HX-Reswap": "innerHTML"})
    return response


def to_login() -> Response:
    """The way to the login form, and from there back to the page that was asked for."""
    address = url_for("login.form")
    if is_part():
        # A redirect would put the form into the part; this makes the browser leave the page.
        return Response(status=401, headers={"HX-Redirect": address})
    if request.method == "GET":
        wanted = request.full_path.removesuffix("?")
        address = f"{address}?{urlencode({'next': request.script_root + wanted})}"
    response = redirect(address, 303)
    assert isinstance(response, Response)
    return response


def safe_next(wanted: str) -> str | None:
    """`wanted` if it leads to a page of ours, and never to another host.

    Browsers take `//host`, `/\\host` and addresses with tabs or newlines for other hosts.
    """
    if len(wanted) > LONGEST_NEXT or not wanted.isascii() or not wanted.isprintable():
        return None
    if "\\" in wanted or not wanted.startswith(f"{request.script_root}/"):
        return None
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return None
    path = parts.path.removeprefix(request.script_root)
    return wanted if not parts.scheme and not parts.netloc and is_page(path) else None
