"""What a provider is: one file that can prove who sent a delivery, and read the event in it.

Providers know neither Flask nor SQLAlchemy nor RQ. They get bytes and headers, and give facts.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any, ClassVar, NoReturn

from payments.config import DEFAULT_ACCOUNT
from payments.errors import MalformedEvent
from payments.variables import Variables

# Printable ASCII without spaces: what every provider's ids and types are made of, and what a
# database column, a URL and a log line can hold without surprises.
IDENTIFIER = re.compile(r"[\x21-\x7e]{1,255}")
# json.loads recurses; events of real providers are some ten levels deep.
DEEPEST_NESTING = 64
# A string, or an unfinished one. Possessive: a way back costs 100 bytes for each character.
JSON_STRING = re.compile(r'"(?:[^"\\]++|(?:\\.)++)*+"?', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One HTTP request of a provider, as it came.

    Attributes:
        provider: the provider's name from the path.
        account: the account from the path, in lower case; "default" where it names none.
        body: the raw bytes; what was signed.
        headers: names in lower case; a header that was sent twice has its values joined by ",".
        received_at: when it came; aware, UTC.
    """

    provider: str
    account: str
    body: bytes
    headers: Mapping[str, str]
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How a delivery was shown to be genuine.

    Attributes:
        secret_label: names the secret or certificate that matched, without revealing it.
        transmission_id: the provider's id of this HTTP transmission, where the signature covers
            it; the same one with another body is a forgery.
    """

    secret_label: str
    transmission_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class EventFacts:
    """What an event says of itself. Times are aware, UTC; None where the event does not say."""

    event_id: str
    event_type: str
    object_id: str | None = None
    livemode: bool | None = None
    api_version: str | None = None
    provider_created_at: datetime | None = None
    connected_account: str | None = None


@dataclass(frozen=True, kw_only=True)
class VerifiedEvent:
    """A delivery that is proven and readable: all that intake needs to keep it."""

    provider: str
    account: str
    body: bytes
    facts: EventFacts
    proof: Proof


class Provider(ABC):
    """One account of one provider, ready to verify its deliveries.

    A new provider is a subclass in a file of its own, named in payments/providers/__init__.py.
    """

    name: ClassVar[str]
    # The variable that an account must have; `VARIABLE__ACCOUNT` adds the account `account`.
    account_variable: ClassVar[str]
    # The field of an event that holds what happened; the others may change between deliveries.
    content_field: ClassVar[str]
    # How the ids of made-up events begin.
    sample_prefix: ClassVar[str]

    @classmethod
    def accounts(cls, variables: Variables) -> Sequence[str]:
        """The accounts that the variables speak of; the default one is always among them."""
        return [DEFAULT_ACCOUNT, *variables.accounts(cls.account_variable)]

    @classmethod
    @abstractmethod
    def configure(cls, variables: Variables, account: str, *, strict: bool) -> Provider | None:
        """The provider for `account`, or None where it is not configured.

        Problems and warnings are added to `variables`; `strict` is the production's measure.
        """

    @property
    @abstractmethod
    def secret_labels(self) -> Sequence[str]:
        """The labels of what may prove a delivery now. A proof's own label may say more after it,
        as in "… certificate#1a2b3c4d"."""

    @abstractmethod
    def prove(self, delivery: Delivery) -> Proof:
        """Verify the signature over the raw body, before anything is parsed.

        Raises:
            SignatureError: it is missing, malformed, too old or too new, or does not match.
            ProviderUnavailable: the provider had to be asked, and did not answer.
        """

    @abstractmethod
    def read(self, body: bytes) -> EventFacts:
        """The facts of the event in `body`.

        Raises:
            MalformedEvent: it is not an event of this provider.
        """

    @abstractmethod
    def sign(self, body: bytes, now: datetime) -> dict[str, str]:
        """Headers that make `body` a genuine delivery at `now`, for `flask simulate`.

        Raises:
            NotImplementedError: only the provider itself can sign; the message says what to do.
        """

    @abstractmethod
    def sample(self, event_type: str, event_id: str, now: datetime) -> dict[str, Any]:
        """A made-up event of `event_type` as this provider would word it, for `flask simulate`."""

    def verify(self, delivery: Delivery) -> VerifiedEvent:
        """Prove, then parse.

        Raises:
            SignatureError, MalformedEvent, ProviderUnavailable: see `prove` and `read`.
        """
        proof = self.prove(delivery)
        facts = self.read(delivery.body)
        return VerifiedEvent(
            provider=self.name,
            account=facts.connected_account or delivery.account,
            body=delivery.body,
            facts=facts,
            proof=proof,
        )

    def contradicts(self, known: bytes, new: bytes) -> bool:
        """Whether two bodies with one event id are not the same event.

        Redelivered bodies may differ around the content. In it they may differ only where an
        endpoint of another API version words the same thing in another way.
        """
        before, after = self.read(known), self.read(new)
        if (before.event_type, before.object_id) != (after.event_type, after.object_id):
            return True
        if before.api_version != after.api_version:
            return False
        contents = [parse_object(body).get(self.content_field) for body in (known, new)]
        return bool(contents[0] != contents[1])


def variable_of(name: str, account: str) -> str:
    """The variable `name` of `account`: `NAME` for the default one, else `NAME__ACCOUNT`."""
    return name if account == DEFAULT_ACCOUNT else f"{name}__{account.upper()}"


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, strictly: UTF-8, no BOM, no NaN, bounded nesting.

    Raises:
        MalformedEvent: it is anything else.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedEvent("The body is not UTF-8.") from None
    if text.count("[") + text.count("{") > DEEPEST_NESTING and _nesting(text) > DEEPEST_NESTING:
        raise MalformedEvent(f"The body is nested more than {DEEPEST_NESTING} levels deep.")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        raise MalformedEvent("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise MalformedEvent("The body is not a JSON object.")
    return value


def identifier(value: Any, what: str) -> str:
    """`value` as an event's id or type.

    Raises:
        MalformedEvent: it is missing or not 1 to 255 printable ASCII characters.
    """
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise MalformedEvent(
            f'The event has no usable "{what}": 1 to 255 printable ASCII characters are expected.'
        )
    return value


def optional_identifier(value: Any) -> str | None:
    """`value` if it could be an id, else None: what an event need not have cannot make it wrong."""
    return value if isinstance(value, str) and IDENTIFIER.fullmatch(value) else None


def parse_time(value: Any) -> datetime | None:
    """A provider's time, in UTC: seconds since 1970, or ISO 8601 with `Z`, an offset or neither.

    None where it is no time at all: PayPal's simulator once sent a month 19 (FACTS), and an event
    is not to be lost for that.
    """
    try:
        moment = _moment(value)
    except (ValueError, OverflowError, OSError):
        return None
    # Its neighbours are refused too: in the time zone of a database server they would be outside
    # of the calendar, and could not be read back.
    return moment if moment and MINYEAR < moment.year < MAXYEAR else None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str) and value.isascii() and len(value) <= 64:
        moment = datetime.fromisoformat(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    return None


def _nesting(text: str) -> int:
    """How deep the brackets of a JSON text go, not counting those inside of strings."""
    outside_of_strings = JSON_STRING.sub("", text)
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", outside_of_strings):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
