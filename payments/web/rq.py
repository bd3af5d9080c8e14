"""`/admin/rq`: rq-dashboard behind the login, for operators, to look and not to touch."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.exceptions import NotFound as NoSuchPage

from payments.errors import NotFound, Unavailable
from payments.queueing import job_queue
from payments.web.auth import require_operator, require_session
from payments.web.rq_dashboard_app import REQUEUES_ON_GET, dashboard, is_shown

blueprint = Blueprint("rq", __name__, url_prefix="/admin/rq")
blueprint.before_request(require_session)
blueprint.before_request(require_operator)


@blueprint.get("", strict_slashes=False)
@blueprint.get("/<path:path>")
def page(path: str = "") -> str:
    """One of rq-dashboard's pages, in the frame of ours.

    Raises:
        MethodNotAllowed: rq-dashboard would change something, although this is a GET.
    """
    _refuse_changes(f"/{path}")
    try:
        # rq-dashboard shows its front page without Redis too, as if all were well.
        job_queue().ping()
        content = _content(f"/{path}")
    except NoSuchJobError:
        raise NotFound("There is no job with this id.") from None
    except (RedisError, OSError) as error:
        raise Unavailable("Redis does not answer, so its jobs cannot be shown.") from error
    # Made by our templates, which escape what stands in Redis.
    return render_template("rq.html", content=Markup(content))  # noqa: S704


def _refuse_changes(path: str) -> None:
    """Raises MethodNotAllowed for what changes something, NotFound for what is not shown."""
    try:
        endpoint, arguments = dashboard().url_map.bind("").match(path, "GET")
    except MethodNotAllowed:
        raise MethodNotAllowed from None
    except HTTPException:
        raise NoSuchPage from None
    if endpoint == REQUEUES_ON_GET:
        raise MethodNotAllowed
    if not is_shown(endpoint, arguments):
        raise NoSuchPage


def _content(path: str) -> str:
    prefix = f"{request.script_root}{blueprint.url_prefix}"
    # WSGI's form of text: the bytes of UTF-8, each as a letter of Latin-1.
    path = path.encode().decode("latin-1")
    environ = {**request.environ, "SCRIPT_NAME": prefix, "PATH_INFO": path, "REQUEST_METHOD": "GET"}
    return Response.from_app(dashboard(), environ, buffered=True).get_data(as_text=True)
