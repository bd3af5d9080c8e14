"""Reading queries and JSON bodies by their schemas; what is wrong becomes one clear sentence."""

from __future__ import annotations

from functools import cache
from typing import Any, NoReturn

from flask import Request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from payments.errors import InvalidQuery

UNKNOWN = "Unknown field."


class Parser(FlaskParser):
    """Strict: unknown parameters are refused, since a misspelt filter would widen what is meant."""

    # The schemas say it themselves.
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {}  # noqa: RUF012  # as in the base class

    def _get_schema(self, schema: Any, req: Request) -> Any:
        return super()._get_schema(_only(schema) if isinstance(schema, type) else schema, req)

    def load_querystring(self, req: Request, schema: Any) -> dict[str, str]:
        """Each parameter once; one without a value counts as absent, where the schema says so."""
        given = dict(req.args.items())
        for name in schema.fields.keys() & given.keys():
            if len(req.args.getlist(name)) > 1:
                raise InvalidQuery(f"{name}: give it once.")
            if not given[name] and schema.empty_is_absent:
                del given[name]
        return given

    def load_json(self, req: Request, schema: Any) -> dict[str, Any]:
        """The JSON object in the body, whatever its media type; none counts as an empty one."""
        if not req.get_data():
            return {}
        try:
            body = req.get_json(force=True, silent=True)
        except RecursionError:
            raise InvalidQuery("The body is nested too deeply.") from None
        if not isinstance(body, dict):
            raise InvalidQuery("The body is not a JSON object.")
        return body

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: Any,
    ) -> NoReturn:
        [(location, messages)] = dict(error.messages_dict).items()
        raise InvalidQuery(_sentence(location, messages, schema)) from None


@cache
def _only(schema: type[Schema]) -> Schema:
    """One instance for all requests: making one costs more than using it."""
    return schema()


def _sentence(location: str, messages: dict[Any, Any], schema: Schema) -> str:
    """What is wrong first. What the client called it is not repeated unless we know the name."""
    if any(said == [UNKNOWN] for said in messages.values()):
        what = "parameter" if location == "query" else "field"
        return f"Unknown {what}; use {', '.join(sorted(schema.fields)) or 'none'}."
    name, said = next(iter(messages.items()))
    while isinstance(said, dict):  # of an item in a list
        said = next(iter(said.values()))
    return said[0] if name == "_schema" else f"{name}: {said[0]}"
