"""TLS of this server's own port, and how long its certificates are still good."""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509

from bot.setting_sections import TlsSettings
from bot.settings import SettingsError


def server_context(tls: TlsSettings) -> ssl.SSLContext | None:
    """The context to listen with; None where TLS ends before the server.

    A client's certificate is verified when it shows one: which doors want one, they say. Raises
    `SettingsError` for files that cannot be used.
    """
    if not tls.certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.client_ca:
            context.load_verify_locations(tls.client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"the files of tls.certificate, tls.key and tls.client_ca cannot be used: {error}"
        ) from error
    return context


def days_left(certificate: str, now: datetime) -> int:
    """Whole days until the first certificate in a PEM file ends. Raises OSError, ValueError."""
    found = x509.load_pem_x509_certificates(Path(certificate).read_bytes())
    return min((one.not_valid_after_utc - now).days for one in found)
