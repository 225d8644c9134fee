"""Which certificates are trusted, and what to do about one that is not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ..._connection import Connection

# What the ssl module calls a certificate.
Certificate = Mapping[str, Any]

# OpenSSL's numbers that the ssl module has no names for: X509_V_FLAG_..., X509_V_ERR_...
_NO_CHECK_TIME = 0x200000
_NOT_YET_VALID, _EXPIRED, _OTHER_HOST, _OTHER_ADDRESS = 9, 10, 62, 64

_SHORT_NAMES = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU"}


def context_for(connection: Connection) -> ssl.SSLContext:
    """Return a context with the same authorities and client certificate as the engine.

    It is an `OSError` if a file of these cannot be used.
    """
    context = _unverifying_context()
    if connection.verify_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(connection.ca.file or None, connection.ca.path or None)
    if connection.client_cert:
        context.load_cert_chain(connection.client_cert, connection.client_key)
    return context


def unverified_certificate(connect: Callable[[], socket.socket], host: str) -> Certificate:
    """Return the certificate of a server that is not trusted; empty if that fails.

    The ssl module describes only certificates that it has verified. So this one is fetched first,
    and then verified with itself as the authority. `connect` is called for each new connection.
    """
    with suppress(OSError):
        with _unverifying_context().wrap_socket(connect(), server_hostname=host) as secured:
            certificate = secured.getpeercert(binary_form=True) or b""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
        with context.wrap_socket(connect(), server_hostname=host) as secured:
            return secured.getpeercert() or {}
    return {}


def issuer(certificate: Certificate | None) -> str:
    """Return who signed a certificate, as ``"O=Example, CN=Example Root"``."""
    parts = (part for name in (certificate or {}).get("issuer", ()) for part in name)
    known = (f"{_SHORT_NAMES[kind]}={value}" for kind, value in parts if kind in _SHORT_NAMES)
    return ", ".join(known) or "an unknown authority"


def remedy(
    error: ssl.SSLCertVerificationError,
    certificate: Certificate,
    endpoint_option: str,
    ca_variable: str,
) -> str:
    """Say what to do about a certificate that is not trusted."""
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        period = f"from {certificate.get('notBefore')} to {certificate.get('notAfter')}"
        return f"The certificate is valid {period}: renew it, or set this machine's clock."
    if error.verify_code in (_OTHER_HOST, _OTHER_ADDRESS):
        names = ", ".join(name for _, name in certificate.get("subjectAltName", ()))
        return (
            f"The certificate is valid for {names or 'no host'}: use such a name in"
            f" {endpoint_option}. If it does not cover the bucket's name in front, see"
            " --addressing-style."
        )
    return (
        "If a private authority signed the certificate, or a proxy inspects TLS, name the"
        f" authority's own certificate with --ca-file or {ca_variable}."
    )


def _unverifying_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
