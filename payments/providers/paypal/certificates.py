"""Proving a PayPal delivery here, with the certificate that its `PAYPAL-CERT-URL` names.

Whatever costs something comes after whatever does not: headers, time and URL first, then the
certificate, its chain, and at last the signature.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import AuthorityInformationAccessOID

from payments.errors import SignatureError
from payments.providers.base import Delivery, Proof
from payments.providers.paypal.cache import CertificateCache
from payments.providers.paypal.transmission import Transmission, parse_transmission
from payments.providers.paypal.trust import Trust, rsa_key
from payments.providers.signatures import LabelledSecret

# Where DigiCert publishes its intermediates. Plain http does no harm: what comes from there still
# has to end in a root that is trusted already.
ISSUER_ORIGINS = ("http://cacerts.digicert.com", "https://cacerts.digicert.com")
ISSUER_PATH = re.compile(r"/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class CertificateScheme:
    """Verifies against any of `webhook_ids` (labelled), with certificates from `origins` alone."""

    webhook_ids: tuple[LabelledSecret, ...] = field(repr=False)
    tolerance_seconds: int
    origins: tuple[str, ...]
    names: tuple[str, ...]
    trust: Trust = field(repr=False)
    cache: CertificateCache = field(repr=False)
    issuer_origins: tuple[str, ...] = ISSUER_ORIGINS

    @property
    def labels(self) -> Sequence[str]:
        return [webhook_id.label for webhook_id in self.webhook_ids]

    def prove(self, delivery: Delivery) -> Proof:
        """See `Provider.prove`."""
        transmission = parse_transmission(
            delivery.headers,
            delivery.received_at,
            tolerance_seconds=self.tolerance_seconds,
            origins=self.origins,
        )
        leaf = self._leaf(transmission.certificate_url, transmission.moment)
        webhook_id = self._matching_webhook(leaf, transmission, delivery.body)
        fingerprint = leaf.fingerprint(SHA256()).hex()[:8]
        return Proof(
            secret_label=f"{webhook_id.label} certificate#{fingerprint}",
            transmission_id=transmission.id,
        )

    def _leaf(self, url: str, moment: datetime) -> x509.Certificate:
        """The certificate at `url`, if it is PayPal's and was valid at `moment`."""
        leaf, *served = self.cache.get(url)
        rsa_key(leaf)
        # The names are looked at before a stranger's certificate can make us fetch its issuer.
        if not self.trust.issuers_of(leaf, served) and _is_named(leaf, self.names):
            served += self._published_issuers(leaf)
        self.trust.check(leaf, served, moment, self.names)
        return leaf

    def _published_issuers(self, leaf: x509.Certificate) -> list[x509.Certificate]:
        """The issuer that `leaf` says where to find, for the day that PayPal changes its CA."""
        for url in _issuer_urls(leaf):
            if any(
                url.startswith(origin) and ISSUER_PATH.fullmatch(url, len(origin))
                for origin in self.issuer_origins
            ):
                return list(self.cache.get(url))
        return []

    def _matching_webhook(
        self, leaf: x509.Certificate, transmission: Transmission, body: bytes
    ) -> LabelledSecret:
        key = rsa_key(leaf)
        for webhook_id in self.webhook_ids:
            text = transmission.signed_text(webhook_id.value.decode(), body)
            try:
                key.verify(transmission.signature_bytes, text, PKCS1v15(), SHA256())
                return webhook_id
            except InvalidSignature:
                continue
        raise SignatureError("no signature matches")


def _is_named(leaf: x509.Certificate, names: tuple[str, ...]) -> bool:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    return any(name in names for name in extension.value.get_values_for_type(x509.DNSName))


def _issuer_urls(leaf: x509.Certificate) -> list[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except x509.ExtensionNotFound:
        return []
    return [
        description.access_location.value
        for description in extension.value
        if description.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(description.access_location, x509.UniformResourceIdentifier)
    ]
