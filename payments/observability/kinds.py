"""What a value is follows from the key it stands under: plain, of a person, or a secret.

Ids, amounts, times and states are plain; what a merchant or a buyer wrote freely counts as
personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from itertools import pairwise

SECRET = {"authorization", "credential", "credentials", "csc", "cvc", "cvv", "pan", "passwd"} | {
    "password", "pin", "pwd", "secret", "secrets", "signature", "token", "tokens"
}  # fmt: skip
SECRET_PAIRS = {("api", "key"), ("private", "key"), ("access", "key"), ("card", "number")}
PERSONAL = {
    # who
    "name", "names", "surname", "firstname", "lastname", "fullname", "username", "cardholder",
    "dob", "birth", "birthday", "birthdate", "ssn", "passport", "iban", "receiver",
    # where
    "address", "addresses", "street", "line1", "line2", "city", "town", "postal", "postcode", "zip",
    "zipcode", "email", "emails", "mail", "phone", "phones", "telephone", "mobile", "fax", "ip",
}  # fmt: skip
# What people write, or may have written.
FREE_TEXT = {
    "comment", "comments", "content", "description", "memo", "message", "note", "notes",
    "metadata",
}  # fmt: skip
PERSONAL_PAIRS = {("account", "number"), ("national", "number"), ("tax", "id"), ("user", "agent")}
PERSONAL_KEYS = {
    # The evidence of a dispute: letters, names, addresses.
    "evidence",
    # Whoever has such a link sees the receipt, the invoice or the checkout.
    "hosted_invoice_url", "hosted_verification_url", "invoice_pdf", "receipt_url",
}  # fmt: skip
# The provider's own words about a failure.
PROVIDERS_WORDS = {"failure_message", "seller_message"}
# What such a key says is about the thing, and not the thing: `cvc_check`, `tax_id_type`.
ABOUT = {"check", "collection", "countries", "country", "exempt", "status", "type"}
# These are shown below a personal key too: `metadata.order_id`, `address.country_code`.
IDS = {"id", "ids"}
COUNTRY = ("country", "code")


class Kind(Enum):
    """What a value is: plain, of a person, or a secret. The values are their ranks."""

    PLAIN = 0
    PERSONAL = 1
    SECRET = 2


def kind_of(key: str, above: Kind) -> Kind:
    """What stands below `key`, in a tree that is of kind `above`."""
    words = tuple(words_of(key))
    if not words or words[-1] in ABOUT or words[-2:] == COUNTRY:
        return Kind.PLAIN if above is not Kind.SECRET else above
    pairs = set(pairwise(words))
    if SECRET & set(words) or SECRET_PAIRS & pairs or above is Kind.SECRET:
        return Kind.SECRET
    if PERSONAL_PAIRS & pairs:
        return Kind.PERSONAL
    if words[-1] in IDS:
        return Kind.PLAIN
    named = key.lower() in PERSONAL_KEYS or (PERSONAL | FREE_TEXT) & set(words)
    if named and key.lower() not in PROVIDERS_WORDS:
        return Kind.PERSONAL
    return above


def words_of(key: str) -> Iterator[str]:
    """The words of a key in snake, kebab or camel case, in lower case."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", key)
    return (word.lower() for word in re.findall(r"[A-Za-z0-9]+", apart))
