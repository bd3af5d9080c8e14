"""Causes outside: refused, broken, too slow, 5xx, no such host, a database; and which dependency.

Libraries are recognised by the names of their classes and attributes, without importing them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from payments.causes.chain import chain, look, names, root, said
from payments.causes.frames import connecting_to
from payments.causes.wording import LONGEST_NAME, Mask, printable, type_name

# From the most telling to the least; by the name of a class or of one that it inherits from.
KINDS = {
    "ConnectionRefusedError": "refused",
    "ConnectionResetError": "broken",
    "ConnectionAbortedError": "broken",
    "BrokenPipeError": "broken",
    "RemoteDisconnected": "broken",
    "IncompleteRead": "broken",
    "gaierror": "name",
    "herror": "name",
    "NameResolutionError": "name",
    "SSLError": "tls",
    "TimeoutError": "timeout",
    "Timeout": "timeout",
    "TimeoutException": "timeout",
    "ConnectTimeoutError": "timeout",
    "ReadTimeoutError": "timeout",
    "NewConnectionError": "connection",
    "ConnectionError": "connection",
    "ConnectError": "connection",
    "NetworkError": "connection",
    "TransportError": "connection",
    "ProtocolError": "connection",
    "MaxRetryError": "connection",
    "APIConnectionError": "connection",
    "ClientConnectionError": "connection",
    "EndpointConnectionError": "connection",
    "SMTPServerDisconnected": "connection",
    "SMTPConnectError": "connection",
    "Unavailable": "connection",
}
DATABASE_ERRORS = ("OperationalError", "InterfaceError")
DATABASES = {
    "psycopg": "PostgreSQL",
    "psycopg2": "PostgreSQL",
    "asyncpg": "PostgreSQL",
    "sqlite3": "SQLite",
    "pymysql": "MySQL",
    "MySQLdb": "MySQL",
    "sqlalchemy": "database",
}
# Known by name: their messages name the host in some moments of an outage only.
SERVICES = {"redis": "redis", "stripe": "stripe", "pymongo": "MongoDB"}
# The codes of errno: network or host unreachable or down, timed out, refused, reset, …
NETWORK_ERRNO = frozenset({100, 101, 102, 103, 104, 110, 111, 112, 113})
# SQLite's code for an error in the statement, such as a table that does not exist.
SQLITE_ERROR = 1
_IN_TEXT = (
    re.compile(r"host='([^']+)', port=(\d+)"),
    re.compile(r'server at "([^"]+)"(?: \([^)]*\))?, port (\d+)'),
    re.compile(r"connecting to ([\w.\-]+):(\d+)"),
    re.compile(r"connect (?:to|call failed) \(?'?([\w.\-]+)'?[:,] ?(\d+)"),
)
_URL = re.compile(r"https?://[^\s'\"<>]+")
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,253}")
HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What failed outside: `kind` is "refused", "timeout", …, "database" or "HTTP 503"."""

    kind: str
    error_type: str
    dependency: str | None


def outside(error: BaseException, mask: Mask) -> Outside | None:
    """What failed outside, by the innermost exception that tells; None where nothing did."""
    errors = chain(error)
    for told in (_told_by_status, _told_by_database, _told_by_name):
        for current in reversed(errors):
            if kind := told(current):
                dependency = _dependency(errors, kind)
                return Outside(
                    kind=kind,
                    error_type=type_name(current),
                    dependency=dependency and printable(mask(dependency), LONGEST_NAME),
                )
    return None


def outside_of_text(name: str, message: str, mask: Mask) -> Outside | None:
    """The same of an exception of which nothing is left but its class's name and its message."""
    kind = "database" if name in DATABASE_ERRORS else KINDS.get(name)
    if kind is None:
        return None
    found = (_named(host, port) for host, port in _in_text(message))
    dependency = next((it for it in found if it), None)
    return Outside(kind=kind, error_type=name, dependency=dependency and mask(dependency))


def http_status(error: BaseException) -> int | None:
    """The status of the HTTP answer that `error` is about; None where it is about none."""
    for path in (("response", "status_code"), ("response", "status"), ("http_status",)):
        if _is_error_status(status := look(error, *path)):
            return int(status)
    if "HTTPError" in names(error) and _is_error_status(code := look(error, "code")):
        return int(code)
    return None


def _is_error_status(value: object) -> bool:
    return type(value) is int and 400 <= value <= 599


def _told_by_status(error: BaseException) -> str | None:
    status = http_status(error)
    return f"HTTP {status}" if status is not None and (status >= 500 or status == 429) else None


def _told_by_database(error: BaseException) -> str | None:
    if root(error) not in DATABASES:
        return None
    if root(error) == "sqlalchemy" and isinstance(look(error, "orig"), BaseException):
        return None  # the driver's own exception tells
    if root(error) == "sqlalchemy" and type(error).__name__ == "TimeoutError":
        return "database"
    if not any(name in DATABASE_ERRORS for name in names(error)):
        return None
    code = look(error, "sqlite_errorcode")
    return None if code == SQLITE_ERROR else "database"


def _told_by_name(error: BaseException) -> str | None:
    known = names(error)
    for name, kind in KINDS.items():
        if name in known:
            return kind
    # Of an OSError, only one that the network raised: a missing file is no outage.
    return "connection" if "OSError" in known and error_number(error) in NETWORK_ERRNO else None


def error_number(error: BaseException) -> object:
    return look(error, "errno")


def _dependency(errors: list[BaseException], kind: str) -> str | None:
    for error in reversed(errors):
        if kind == "database" and (name := DATABASES.get(root(error))):
            return name
        if name := SERVICES.get(root(error)):
            return name
    for search in (_by_attributes, _by_frames, _by_text):
        for error in reversed(errors):
            for host, port in search(error):
                if named := _named(host, port):
                    return named
    return None


Place = tuple[Any, Any]


def _by_attributes(error: BaseException) -> Iterator[Place]:
    for path in (("request", "url"), ("response", "url"), ("url",)):
        if (url := look(error, *path)) is not None:
            yield from _of_url(url)
    for owner in ("conn", "pool", "connection"):  # urllib3 deprecates some of its pools
        yield look(error, owner, "host"), look(error, owner, "port")
    yield look(error, "host"), look(error, "port")


def _by_frames(error: BaseException) -> Iterator[Place]:
    yield from connecting_to(error)


def _by_text(error: BaseException) -> Iterator[Place]:
    yield from _in_text(said(error))


def _in_text(text: str) -> Iterator[Place]:
    for pattern in _IN_TEXT:
        if match := pattern.search(text):
            yield match[1], match[2]
    if match := _URL.search(text):
        yield from _of_url(match[0])


def _of_url(url: object) -> Iterator[Place]:
    try:
        parts = urlsplit(str(url))
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
        yield parts.hostname, port
    except Exception:  # no URL
        return


def _named(host: object, port: object) -> str | None:
    """host:port as far as they are such: other attributes may have these names."""
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        return None
    host = host.lower()
    digits = str(port) if type(port) is int or isinstance(port, str) else ""
    if digits.isascii() and digits.isdigit() and len(digits) <= 5 and int(digits) <= HIGHEST_PORT:
        return f"{host}:{int(digits)}"
    return host
