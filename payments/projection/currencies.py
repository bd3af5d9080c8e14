"""Currencies: how many digits ISO 4217, Stripe and PayPal give them, and amounts on the wire.

Sources: ISO 4217 (list one of 2026-01-01, with the codes that went out of use since 2015, for old
events); docs.stripe.com/currencies; developer.paypal.com/reference/currency-codes.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from payments.projection.money import Money, Unreadable


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


ISO_0 = _codes("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF")
ISO_3 = _codes("BHD IQD JOD KWD LYD OMR TND")
ISO_4 = _codes("CLF UYW")
ISO_2 = _codes("""
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
    CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL
    MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR
    PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
    TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    ANG BGN BYR CUC HRK LTL MRO SLL STD VEF ZWL
""")
DIGITS = {
    **dict.fromkeys(ISO_0, 0),
    **dict.fromkeys(ISO_2, 2),
    **dict.fromkeys(ISO_3, 3),
    **dict.fromkeys(ISO_4, 4),
}
# Stripe's whole units of MGA are hundredths for ISO; its ISK and UGX have two digits that are
# always 00, where ISO has none. All others are as in ISO.
STRIPE_DIGITS = {**DIGITS, "MGA": 0, "ISK": 2, "UGX": 2}
# PayPal takes no decimals for these, whatever ISO says.
PAYPAL_DIGITS = {**DIGITS, "HUF": 0, "JPY": 0, "TWD": 0}
PAYPAL_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII)
# Above any sum of money; far below what a database's BIGINT holds, also when added up.
MOST_UNITS = 10**15
LONGEST_NUMBER = 32
LONGEST_FOUND = 60


def stripe_money(amount: Any, currency: Any) -> Money | Unreadable:
    """Money from Stripe's whole number in the smallest unit of Stripe, and its lower case code."""
    code = _code(currency)
    if code is None:
        return Unreadable("unknown_currency", "a code of ISO 4217", shown(currency))
    if not isinstance(amount, int) or isinstance(amount, bool) or abs(amount) > MOST_UNITS:
        return Unreadable("unreadable_amount", "a whole number", shown(amount))
    scale = DIGITS[code] - STRIPE_DIGITS[code]
    if scale >= 0:
        return Money(amount * 10**scale, code)
    units, rest = divmod(amount, 10**-scale)
    if rest:
        return Unreadable("excess_digits", f"a multiple of {10**-scale} {code}", shown(amount))
    return Money(units, code)


def paypal_money(amount: Any) -> Money | Unreadable:
    """Money from PayPal's object: `value` and `currency_code` (v2), `total` and `currency` (v1).

    The value is a decimal text: "1001" means 1001.00, never 1001 minor units.
    """
    if not isinstance(amount, dict):
        return Unreadable("unreadable_amount", "an object with a value", shown(amount))
    code = _code(amount.get("currency_code", amount.get("currency")))
    value = amount.get("value", amount.get("total"))
    if code is None:
        found = shown(amount.get("currency_code", amount.get("currency")))
        return Unreadable("unknown_currency", "a code of ISO 4217", found)
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER:
        return Unreadable("unreadable_amount", "a decimal number", shown(value))
    if not PAYPAL_NUMBER.fullmatch(value):
        return Unreadable("unreadable_amount", "a decimal number", shown(value))
    return _paypal_units(Decimal(value), code, value)


def display(amount: int, currency: str | None) -> str:
    """`amount` minor units for people: "12.50 EUR"; the raw number where the digits are unknown."""
    digits = DIGITS.get(currency or "")
    if digits is None:
        return f"{amount} minor units of {currency or 'an unknown currency'} (unknown exponent)"
    sign, units = ("-" if amount < 0 else ""), abs(amount)
    if digits == 0:
        return f"{sign}{units} {currency}"
    whole, fraction = divmod(units, 10**digits)
    return f"{sign}{whole}.{fraction:0{digits}} {currency}"


def shown(value: Any) -> str:
    """What was found instead, short and in printable ASCII, fit for a finding."""
    if value is None:
        return "nothing"
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) > MOST_UNITS:  # str() refuses thousands of digits
        return "a number too large"
    return ascii(value)[:LONGEST_FOUND]


def _paypal_units(number: Decimal, code: str, value: str) -> Money | Unreadable:
    wire = number.scaleb(PAYPAL_DIGITS[code])
    if wire != wire.to_integral_value():
        expected = f"at most {PAYPAL_DIGITS[code]} decimals of {code}"
        return Unreadable("excess_digits", expected, shown(value))
    units = int(number.scaleb(DIGITS[code]))
    if abs(units) > MOST_UNITS:
        return Unreadable("unreadable_amount", "a sum of money", shown(value))
    return Money(units, code)


def _code(currency: Any) -> str | None:
    if not isinstance(currency, str) or len(currency) != 3:
        return None
    code = currency.upper()
    return code if code in DIGITS else None
