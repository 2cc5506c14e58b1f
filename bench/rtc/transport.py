"""One media transport of a client: ICE check and consent, DTLS handshake, SRTP both ways, over UDP or ICE-TCP."""

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Iterable

from OpenSSL import SSL
from pylibsrtp import Session

from bench.rtc.batch import BatchReader
from bench.rtc.dtls import DtlsClient, DtlsError, Profile, new_ice_credentials
from bench.rtc.paths import Path, open_tcp, open_udp
from bench.rtc.receiver import Receiver
from bench.rtc.rtcp import Part, parts
from bench.rtc.sdp import Description, LocalEnd
from bench.rtc.srtp import SrtpError, inbound_session, outbound_session
from bench.rtc.stun import StunError, binding_request, is_stun, read_reply

CHECK_INTERVALS_S = (0.02, 0.04, 0.08, 0.16, 0.32, 0.5)
CONSENT_INTERVAL_S = 5.0
_REMEMBERED_CHECKS = 16


class TransportFailed(Exception):
    """ICE or DTLS did not come up in time, or the server refused it."""


class MediaTransport:
    """Connects to the server of a Description, then sends and receives.

    ice_ns, dtls_ns: monotonic times at which each step was complete, 0 before. `profile` is the agreed SRTP profile.
    """

    def __init__(self, reader: BatchReader, context: SSL.Context, fingerprint: str, *, network: str = "udp") -> None:
        """`network` is "udp" or "tcp". `fingerprint` is of the certificate in `context`."""
        self._reader = reader
        self._context = context
        self._network = network
        ufrag, pwd = new_ice_credentials()
        self.local = LocalEnd(ufrag, pwd, fingerprint)
        self.receiver = Receiver(self._on_control, self._on_protected_rtcp)
        self.on_rtcp: Callable[[Part], None] | None = None
        self.ice_ns = 0
        self.dtls_ns = 0
        self.profile: Profile | None = None
        self.consent_answers = 0
        self.lost_path = False
        self._remote: Description | None = None
        self._path: Path | None = None
        self._dtls: DtlsClient | None = None
        self._outbound: Session | None = None
        self._checks: list[bytes] = []
        self._tie_breaker = secrets.randbits(64)
        self._ice_done = asyncio.Event()
        self._dtls_done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._consent: asyncio.TimerHandle | None = None

    @property
    def connected(self) -> bool:
        return self._outbound is not None and not self.lost_path

    async def connect(self, remote: Description, timeout_s: float = 10.0) -> None:
        """Bring ICE and DTLS up. Raises TransportFailed."""
        self._remote = remote
        try:
            async with asyncio.timeout(timeout_s):
                candidate = remote.candidate(self._network)
                if self._network == "udp":
                    self._path = await open_udp(candidate.host, candidate.port, self._reader, self.receiver)
                else:
                    self._path = await open_tcp(candidate.host, candidate.port, self.receiver, self._on_path_lost)
                await self._check_until_answered()
                self._dtls = DtlsClient(self._context, remote.fingerprint)
                self._send_all(self._dtls.start())
                await self._handshake()
        except (TimeoutError, OSError, ValueError, DtlsError) as error:
            self.close()
            step = "DTLS" if self.ice_ns else "ICE"
            raise TransportFailed(f"{step} failed: {str(error) or 'timed out'}") from error
        self._schedule_consent()

    def send_rtp(self, packet: bytes) -> None:
        """Protect and send one plain RTP packet. Does nothing before the handshake is complete."""
        if self._outbound is not None and self._path is not None:
            self._path.send(self._outbound.protect(packet))

    def send_rtp_burst(self, packets: Iterable[bytes]) -> None:
        """Protect all packets of a frame first, then send them back to back."""
        if self._outbound is None or self._path is None:
            return
        send = self._path.send
        for protected in [self._outbound.protect(packet) for packet in packets]:
            send(protected)

    def send_rtcp(self, compound: bytes) -> None:
        if self._outbound is not None and self._path is not None:
            self._path.send(self._outbound.protect_rtcp(compound))

    def send_datagram(self, datagram: bytes) -> None:
        """Send raw bytes, for tests that attack."""
        if self._path is not None:
            self._path.send(datagram)

    async def restart_ice(self, remote: Description, timeout_s: float = 10.0) -> None:
        """Check with the server's new credentials on the same path (RFC 8445, 9). Raises TransportFailed."""
        self._remote = remote
        self._ice_done.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._check_until_answered()
        except TimeoutError as error:
            raise TransportFailed("ICE restart timed out") from error

    def renew_credentials(self) -> LocalEnd:
        """Return a new local end for an ICE restart."""
        ufrag, pwd = new_ice_credentials()
        self.local = self.local._replace(ufrag=ufrag, pwd=pwd)
        return self.local

    def close(self) -> None:
        """Send close_notify and close the socket. May be called twice."""
        if self._consent is not None:
            self._consent.cancel()
            self._consent = None
        if self._path is not None:
            if self._dtls is not None:
                self._send_all(self._dtls.close())
            self._path.close()
            self._path = None
        self._outbound = None
        if not self._dtls_done.done():
            self._dtls_done.cancel()

    async def _check_until_answered(self) -> None:
        attempt = 0
        while not self._ice_done.is_set():
            self._send_check()
            pause = CHECK_INTERVALS_S[min(attempt, len(CHECK_INTERVALS_S) - 1)]
            attempt += 1
            try:
                async with asyncio.timeout(pause):
                    await self._ice_done.wait()
            except TimeoutError:
                continue

    async def _handshake(self) -> None:
        assert self._dtls is not None
        while not self._dtls_done.done():
            pause = self._dtls.timeout_s()
            done, _ = await asyncio.wait([self._dtls_done], timeout=1.0 if pause is None else max(pause, 0.01))
            if not done:
                self._send_all(self._dtls.on_timeout())
        self._dtls_done.result()

    def _send_check(self) -> None:
        assert self._remote is not None
        transaction_id = secrets.token_bytes(12)
        self._checks = [*self._checks[-_REMEMBERED_CHECKS:], transaction_id]
        request = binding_request(
            transaction_id,
            local_ufrag=self.local.ufrag,
            remote_ufrag=self._remote.ufrag,
            remote_pwd=self._remote.pwd,
            tie_breaker=self._tie_breaker,
        )
        if self._path is not None:
            self._path.send(request)

    def _schedule_consent(self) -> None:
        """Every 4 to 6 seconds (RFC 7675, 5.1)."""
        delay = CONSENT_INTERVAL_S * random.uniform(0.8, 1.2)
        self._consent = asyncio.get_running_loop().call_later(delay, self._renew_consent)

    def _renew_consent(self) -> None:
        self._send_check()
        self._schedule_consent()

    def _on_control(self, datagram: bytes) -> None:
        if is_stun(datagram):
            self._on_stun(datagram)
        elif 20 <= datagram[0] <= 63 and self._dtls is not None:
            self._on_dtls(datagram)

    def _on_stun(self, datagram: bytes) -> None:
        if self._remote is None:
            return
        try:
            reply = read_reply(datagram, self._remote.pwd)
        except StunError:
            return
        if reply.error_code or reply.transaction_id not in self._checks:
            return
        self.consent_answers += 1
        if not self._ice_done.is_set():
            self.ice_ns = time.monotonic_ns()
            self._ice_done.set()

    def _on_dtls(self, datagram: bytes) -> None:
        assert self._dtls is not None
        try:
            self._send_all(self._dtls.receive(datagram))
        except DtlsError as error:
            if not self._dtls_done.done():
                self._dtls_done.set_exception(error)
            return
        if self._dtls.keys is not None and not self._dtls_done.done():
            self.dtls_ns = time.monotonic_ns()
            self.profile = self._dtls.keys.profile
            self._outbound = outbound_session(self._dtls.keys)
            self.receiver.session = inbound_session(self._dtls.keys)
            self._dtls_done.set_result(None)

    def _on_protected_rtcp(self, datagram: bytes) -> None:
        if self.on_rtcp is None or self.receiver.session is None:
            return
        try:
            compound = self.receiver.session.unprotect_rtcp(datagram)
        except SrtpError:
            self.receiver.invalid_samples += 1
            return
        for part in parts(compound):
            self.on_rtcp(part)

    def _on_path_lost(self) -> None:
        self.lost_path = True
        if not self._dtls_done.done():
            self._dtls_done.set_exception(DtlsError("the server closed the connection"))

    def _send_all(self, datagrams: list[bytes]) -> None:
        if self._path is not None:
            for datagram in datagrams:
                self._path.send(datagram)
