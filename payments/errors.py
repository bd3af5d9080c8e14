"""The exceptions of this service, with what each decides: the status a client sees, retry or not.

The docstring of each class is its default message. Messages that reach a client never carry a
secret, a signature or a piece of the payload.
"""

from __future__ import annotations

MOST_RETRY_AFTER_SECONDS = 30 * 24 * 3600


class PaymentsError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class ClientError(PaymentsError):
    """The request cannot be accepted as it is."""

    status = 400
    title = "Bad request"


class SignatureError(ClientError):
    """The signature of this delivery could not be verified."""

    title = "Bad signature"

    def __init__(self, reason: str) -> None:
        """`reason` is for the log alone: every client gets one and the same sentence."""
        super().__init__()
        self.reason = reason


class MalformedEvent(ClientError):
    """The signature is right, but the body is not an event."""

    title = "Malformed event"


class UnknownEndpoint(ClientError):
    """No provider or account of this name is configured here."""

    status = 404
    title = "Unknown provider or account"


class Unauthorized(ClientError):
    """A valid admin token is required: send it as "Authorization: Bearer <token>"."""

    status = 401
    title = "Unauthorized"


class Forbidden(ClientError):
    """This token may look, and not change anything: the role operator is needed."""

    status = 403
    title = "Forbidden"


class TooManyAttempts(ClientError):
    """Too many wrong tokens came from this address; none is looked at for a while."""

    status = 429
    title = "Too many attempts"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class InvalidQuery(ClientError):
    """The query does not validate."""

    status = 422
    title = "Invalid query"


class TookTooLong(InvalidQuery):
    """This search takes too long: narrow it, by a status, a type, an id or a shorter time."""

    title = "Search ended early"


class NotFound(ClientError):
    """There is nothing with this id."""

    status = 404
    title = "Not found"


class Conflict(ClientError):
    """It is not in a state in which this could be done."""

    status = 409
    title = "Conflict"


class Unavailable(PaymentsError):
    """A dependency is away; the delivery was not accepted and should be sent again."""

    status = 503
    title = "Temporarily unavailable"
    retry_after_seconds = 5


class ProviderUnavailable(Unavailable):
    """The provider could not be asked whether this delivery is genuine; please send it again."""

    retry_after_seconds = 30

    def __init__(self, reason: str = "The provider gives no usable answer.") -> None:
        """`reason` is for logs and operators: every client gets one and the same sentence."""
        super().__init__()
        self.reason = reason


class ProviderLimitsRate(ProviderUnavailable):
    """The provider was asked too often (status 429)."""

    def __init__(self, wait_seconds: float | None) -> None:
        """`wait_seconds` is what it wants in between; None where it does not say."""
        super().__init__("The provider asks for fewer questions (status 429).")
        self.wait_seconds = wait_seconds


class CannotAsk(PaymentsError):
    """The provider's API cannot be asked now, or gives no usable answer; the message says why."""


class MayNotAsk(CannotAsk):
    """The provider's API does not let this key see that."""


class QuestionRefused(CannotAsk):
    """The provider's API does not take this question (status 400)."""


class AskedTooOften(CannotAsk):
    """The provider's API wants to be asked less often (status 429)."""

    def __init__(self, provider: str, wait_seconds: float | None) -> None:
        """`wait_seconds` is what it wants in between; None where it does not say."""
        pause = "" if wait_seconds is None else f", and for a pause of {wait_seconds:g} seconds"
        super().__init__(f"{provider} asks for fewer questions (status 429){pause}.")
        self.wait_seconds = wait_seconds


class QueueUnavailable(PaymentsError):
    """The job could not be enqueued in time; recovery will enqueue it from the database."""


class PermanentFailure(PaymentsError):
    """Retrying cannot help. Raised by a handler, it sends the event to the dead letters at once."""


class RetryAfter(PaymentsError):
    """Raised by a handler to ask for the next attempt after a given time."""

    def __init__(self, seconds: float, message: str | None = None) -> None:
        """`seconds` from now until the next attempt: more than 0, and at most 30 days."""
        if not 0 < seconds <= MOST_RETRY_AFTER_SECONDS:
            raise ValueError(
                f"RetryAfter wants seconds, more than 0 and at most 30 days: {seconds!r}"
            )
        super().__init__(message or f"The handler asked to be called again after {seconds:g} s.")
        self.seconds = float(seconds)


class LostRace(PaymentsError):
    """Another transaction has just joined these payments; the same work has to begin anew."""


class AttemptFailed(PaymentsError):
    """One attempt at an event failed. What RQ sees: an id and a masked reason, never a payload."""


class HandlerMisuse(PermanentFailure):
    """A handler did something that would break exactly-once, such as committing the session."""
