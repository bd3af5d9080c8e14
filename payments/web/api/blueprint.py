"""flask-smorest's blueprint, with our way of refusing and of documenting.

    @blueprint.get("/events")
    @blueprint.asks(EventsQuery)
    @blueprint.answers(Event, many=True)
    def list_events(asked): ...

Answers are plain values of the services; their schemas document them, and tests compare both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from flask_smorest import Blueprint
from marshmallow import Schema

from payments.web.api.parsing import Parser
from payments.web.auth import require_operator

View = TypeVar("View", bound=Callable[..., Any])

BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
LINK = {
    "description": 'The next page, as in `<https://…>; rel="next"`; absent on the last one.',
    "schema": {"type": "string"},
}
REFUSALS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    413: "TooLarge",
    414: "AddressTooLong",
    422: "InvalidQuery",
    429: "TooManyAttempts",
    431: "HeadersTooLarge",
    500: "Unexpected",
    503: "Unavailable",
}


class ApiBlueprint(Blueprint):  # type: ignore[misc]  # it has no type information
    """Reads with our parser; documents what each view takes, answers and refuses.

    `guarded` ones want a token: their views refuse with 401 and 429.
    """

    ARGUMENTS_PARSER = Parser()

    def __init__(
        self, name: str, *, url_prefix: str = "", guarded: bool = True, description: str
    ) -> None:
        super().__init__(name, __name__, url_prefix=url_prefix, description=description)
        self.guarded = guarded
        self._prepare_doc_cbks.append(self._document_refusals)

    def get(self, rule: str, **options: Any) -> Callable[[View], View]:
        """As Flask's, and documented; `parameters` describe what stands in the path."""
        return cast(Callable[[View], View], super().get(rule, **options))

    def post(self, rule: str, **options: Any) -> Callable[[View], View]:
        """The same for POST."""
        return cast(Callable[[View], View], super().post(rule, **options))

    def asks(self, schema: type[Schema]) -> Callable[[View], View]:
        """The query string, read by `schema`, is the view's first argument."""
        return cast(Callable[[View], View], self.arguments(schema, location="query"))

    def takes(self, schema: type[Schema]) -> Callable[[View], View]:
        """The JSON body, read by `schema`, is the view's first argument."""
        return cast(Callable[[View], View], self.arguments(schema, location="json"))

    def answers(
        self,
        schema: type[Schema] | dict[str, Any],
        *,
        many: bool = False,
        paged: bool = False,
        as_csv: bool = False,
        status: int = 200,
        refuses: Sequence[int] = (),
        description: str = "As asked.",
        body: dict[str, Any] | None = None,
    ) -> Callable[[View], View]:
        """Document what a view answers, and with which statuses it refuses, beside the usual.

        `body` describes one that the view reads by itself.
        """
        shown: Any = {"type": "array", "items": schema} if many else schema
        content = {"application/json": {"schema": shown}}
        if as_csv:
            content["text/csv"] = {"schema": {"type": "string"}}
        answer: dict[str, Any] = {"description": description, "content": content}
        if paged:
            answer["headers"] = {"Link": LINK}

        def document(view: View) -> View:
            notes = view.__dict__.setdefault("_apidoc", {})
            notes["answer"] = {str(status): answer}
            notes["refuses"] = [*notes.get("refuses", ()), *refuses]
            if body is not None:
                notes["manual_doc"] = {"requestBody": body}
            return view

        return document

    def for_operators(self, view: View) -> View:
        """Refuse everybody else with 403, before anything that was sent is read."""

        @wraps(view)
        def guarded_view(*args: Any, **kwargs: Any) -> Any:
            require_operator()
            return view(*args, **kwargs)

        notes = dict(getattr(view, "_apidoc", {}))
        notes["refuses"] = [*notes.get("refuses", ()), 403]
        guarded_view._apidoc = notes  # type: ignore[attr-defined]  # where flask-smorest looks
        return guarded_view  # type: ignore[return-value]  # called like the view

    def _store_endpoint_docs(self, endpoint: str, obj: Any, *args: Any, **options: Any) -> None:
        super()._store_endpoint_docs(endpoint, obj, *args, **options)
        for notes in self._docs[endpoint].values():
            if isinstance(notes, dict):
                notes.setdefault("manual_doc", {})["operationId"] = endpoint

    def _document_refusals(
        self, doc: dict[str, Any], notes: dict[str, Any], *, method: str, **_: Any
    ) -> dict[str, Any]:
        refused = {400, 414, 431, 500, 503, *notes.get("refuses", ())}
        if self.guarded:
            refused |= {401, 429}
            doc["security"] = BEARER
        if notes.get("arguments"):
            refused |= {422}
        if method != "get":
            refused |= {413}
        answers = {**notes.get("answer", {}), **{str(it): REFUSALS[it] for it in refused}}
        doc["responses"] = dict(sorted(answers.items()))
        return doc


def key_in_path(what: str, name: str = "id") -> list[dict[str, Any]]:
    """The parameter of a path that is a primary key."""
    schema = {"type": "integer", "minimum": 1}
    described = {"description": f"The key of {what}.", "example": 17}
    return [{"name": name, "in": "path", "required": True, "schema": schema, **described}]
