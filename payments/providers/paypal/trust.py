"""Whom a PayPal certificate must descend from: DigiCert's roots, and what an operator adds.

trust/ holds public DigiCert certificates. The High Assurance EV root is there because certifi
(2026.10.18) does not carry it, and PayPal's chain of 2024 ends in it. The two EV intermediates are
there because PayPal serves its leaf alone.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from payments.errors import SignatureError

LIVE_NAME = "messageverificationcerts.paypal.com"
# Implementations in the wild expect this name in the sandbox, and PayPal's retired SDK for Java
# took any "messageverificationcerts*.paypal.com". No recorded sandbox delivery shows it.
SANDBOX_NAME = "messageverificationcerts.sandbox.paypal.com"
DIGICERT = frozenset({"DigiCert Inc", "DigiCert, Inc."})
TRUST = Path(__file__).with_name("trusted")
MOST_CERTIFICATES = 8
PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension)


@dataclass(frozen=True)
class Trust:
    """`anchors` end a chain; `intermediates` may be part of one, and prove nothing alone."""

    anchors: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]

    def issuers_of(
        self, leaf: x509.Certificate, more: Sequence[x509.Certificate] = ()
    ) -> list[x509.Certificate]:
        """The known certificates that bear the name of the issuer of `leaf`."""
        known = (*self.anchors, *self.intermediates, *more)
        return [certificate for certificate in known if certificate.subject == leaf.issuer]

    def check(
        self,
        leaf: x509.Certificate,
        served: Sequence[x509.Certificate],
        moment: datetime,
        names: Sequence[str],
    ) -> None:
        """Check that `leaf` is one of `names`, and was valid up to an anchor at `moment`.

        Revocation is not asked about: whoever serves the certificate can withdraw it.

        Raises:
            SignatureError: it is not.
        """
        builder = PolicyBuilder().store(Store(list(self.anchors))).time(moment)
        for name in names:
            try:
                verifier = builder.build_server_verifier(x509.DNSName(name))
                verifier.verify(leaf, [*self.intermediates, *served])
                return
            except (VerificationError, *UNREADABLE):
                continue
        raise SignatureError("certificate does not chain to a trusted root")


def load_trust(extra_pem: bytes = b"") -> Trust:
    """The shipped trust, and the certificates of `extra_pem`: self-signed ones become anchors.

    Raises:
        ValueError: `extra_pem` is not a series of certificates.
    """
    shipped = [parse_certificates(path.read_bytes())[0] for path in sorted(TRUST.glob("*.pem"))]
    extra = parse_certificates(extra_pem, most=1000) if extra_pem else ()
    every = [*_digicert_roots(), *shipped, *extra]
    return Trust(
        anchors=tuple(certificate for certificate in every if _is_self_signed(certificate)),
        intermediates=tuple(c for c in every if not _is_self_signed(c)),
    )


def parse_certificates(
    data: bytes, *, most: int = MOST_CERTIFICATES
) -> tuple[x509.Certificate, ...]:
    """The certificates in PEM text, or the one in DER, with all that is parsed late parsed now.

    Raises:
        ValueError: there is none, there are more than `most`, or one is broken.
    """
    blocks = PEM.findall(data)
    if len(blocks) > most:
        raise ValueError("too many certificates")
    try:
        ders = [base64.b64decode(b"".join(block.split()), validate=True) for block in blocks]
        certificates = tuple(x509.load_der_x509_certificate(der) for der in ders or [data])
        for certificate in certificates:
            _ = certificate.extensions, certificate.public_key()
    except UNREADABLE as error:
        raise ValueError(f"broken certificate ({type(error).__name__})") from None
    return certificates


def rsa_key(leaf: x509.Certificate) -> RSAPublicKey:
    """The key of `leaf`.

    Raises:
        SignatureError: it is not an RSA key, which SHA256withRSA calls for.
    """
    key = leaf.public_key()
    if not isinstance(key, RSAPublicKey):
        raise SignatureError("certificate has no RSA key")
    return key


def _digicert_roots() -> Iterator[x509.Certificate]:
    for block in PEM.findall(Path(certifi.where()).read_bytes()):
        der = base64.b64decode(block)
        # Looked for before parsing: cryptography warns about oddities of other roots.
        if b"DigiCert" in der:
            root = x509.load_der_x509_certificate(der)
            names = root.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
            if any(name.value in DIGICERT for name in names):
                yield root


def _is_self_signed(certificate: x509.Certificate) -> bool:
    """By its names: a root's own signature proves nothing, and old ones are SHA-1."""
    return certificate.subject == certificate.issuer
