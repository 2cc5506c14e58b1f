"""TLS 1.3 for the listener, and a certificate that is read again when its files change."""

import ssl
from collections.abc import Callable
from pathlib import Path

from conclave.edge.file_watch import POLL_S, FileWatch
from conclave.model.errors import ConclaveError


class CertificateError(ConclaveError):
    """The certificate or its key cannot be used; the text says which file and why."""


def make_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a server context: TLS 1.3 alone, HTTP/1.1 by ALPN. Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    load_chain(context, certificate, key)
    return context


def load_chain(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Load PEM files into `context`; handshakes from now on use them. Raises CertificateError; then nothing changed."""
    for path in (certificate, key):
        if not path.is_file():
            raise CertificateError(f"{path} does not exist; make development certificates with `python certs/make.py`")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        context.load_cert_chain(certificate, key)
    except PermissionError as error:
        raise CertificateError(f"{error.filename or key} cannot be read by this user") from None
    except (ssl.SSLError, OSError):
        raise CertificateError(f"{certificate} and {key} are not a PEM certificate and its key") from None


class CertificateWatch(FileWatch):
    """Loads the certificate when one of its files changed; a broken pair is reported and the old one stays."""

    def __init__(
        self, context: ssl.SSLContext, certificate: Path, key: Path, report: Callable[[str, str], None], poll_s: float = POLL_S
    ) -> None:
        """`report(event, detail)` hears "certificate_reloaded" and "certificate_refused"."""
        super().__init__(certificate, key, poll_s=poll_s)
        self._context = context
        self._pair = (certificate, key)
        self._report = report

    def _reload(self) -> bool:
        try:
            load_chain(self._context, *self._pair)
        except CertificateError as error:
            self._report("certificate_refused", str(error))
            return False
        self._report("certificate_reloaded", str(self._pair[0]))
        return True
