"""TLS 1.3 for the listener, and a certificate that is read again when its files change."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

from conclave.model.errors import ConclaveError

POLL_S = 5.0


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


class CertificateWatch:
    """Looks at the files every five seconds and loads them when one changed; a broken pair is reported and the old one stays."""

    def __init__(
        self, context: ssl.SSLContext, certificate: Path, key: Path, report: Callable[[str, str], None], poll_s: float = POLL_S
    ) -> None:
        """`report(event, detail)` hears "certificate_reloaded" and "certificate_refused"."""
        self._context = context
        self._files = (certificate, key)
        self._report = report
        self._poll_s = poll_s
        self._seen = self._stamp()
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(self._poll_s, self._due)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def check(self) -> bool:
        """Load the files if they changed since last time; True when new ones are in use."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        try:
            load_chain(self._context, *self._files)
        except CertificateError as error:
            self._report("certificate_refused", str(error))
            return False
        self._seen = stamp
        self._report("certificate_reloaded", str(self._files[0]))
        return True

    def _due(self) -> None:
        self.check()
        self.start()

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        stamps = []
        for path in self._files:
            try:
                status = path.stat()
            except OSError:
                stamps.append((0, 0, 0))
            else:
                stamps.append((status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(stamps)
