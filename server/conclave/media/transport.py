"""One media transport of one participant: ICE-lite and DTLS together, without a socket or a clock.

Datagrams and the time go in; `take_outputs` gives what the rim is to do, in order. DTLS is read only from a path that
an authenticated binding request came from, and only once signaling has told whose certificate to expect.
"""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from conclave.media.certificate import DtlsCertificate
from conclave.media.dtls import PROFILES, DtlsEndpoint, DtlsReason, DtlsRole, DtlsState, strong_fingerprints
from conclave.media.ice import IceLite
from conclave.media.parameters import Candidate, LocalTransportParameters, RemoteTransportParameters
from conclave.media.stun import StunError
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import Entropy, TransportId
from conclave.model.media import SrtpProfile

FIRST_CHECK_DEADLINE_S = 30.0
MAX_HELD_DATAGRAMS = 8
MAX_UNHEARD_REPEATS = 2


class TransportState(StrEnum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


class TransportReason(StrEnum):
    """Reasons that are not DTLS's own; see dtls.DtlsReason for those."""

    NONE = ""
    ICE_TIMEOUT = "ice_timeout"
    CONSENT_EXPIRED = "consent_expired"


class Transmit(Struct, frozen=True):
    path: bytes
    data: bytes


class AllowPath(Struct, frozen=True):
    """A good check came from `path`. Said of each one: whoever was wrongly given the path meanwhile gives it back, and a path
    in use is known to be."""

    path: bytes


class Nominate(Struct, frozen=True):
    path: bytes


class Secure(Struct, frozen=True):
    """SRTP keys are agreed: master key then master salt, for packets from and to the peer."""

    profile: SrtpProfile
    inbound: bytes
    outbound: bytes

    def __repr__(self) -> str:
        return f"Secure({self.profile})"


class RetireUfrag(Struct, frozen=True):
    """No request may use this fragment of ours any more."""

    ufrag: str


class StateChanged(Struct, frozen=True):
    """`reason` is a TransportReason or a DtlsReason, empty for good news."""

    state: TransportState
    reason: str


Output = Transmit | AllowPath | Nominate | Secure | RetireUfrag | StateChanged


class MediaTransport:
    """`role_name` is "publisher" or "subscriber"; `now` is monotonic seconds everywhere.

    `wake` is called when `set_remote` or `restart_ice` left outputs or moved the timer; datagrams and timers come from
    the rim itself, which looks afterwards without being told.
    """

    def __init__(
        self,
        transport_id: TransportId,
        *,
        role_name: str,
        lane: int,
        candidates: tuple[Candidate, ...],
        certificate: DtlsCertificate,
        entropy: Entropy,
        now: float,
        profiles: tuple[SrtpProfile, ...] = PROFILES,
    ) -> None:
        self.transport_id = transport_id
        self.role_name = role_name
        self.lane = lane
        self.state = TransportState.CONNECTING
        self.drops: dict[str, int] = {}
        self.wake: Callable[[], None] = _nobody_to_wake
        self._candidates = candidates
        self._certificate = certificate
        self._profiles = profiles
        self._ice = IceLite(entropy)
        self._dtls: DtlsEndpoint | None = None
        self._dtls_path: bytes | None = None
        self._flight_paths: set[bytes] = set()
        self._unheard_repeats = 0
        self._remote: RemoteTransportParameters | None = None
        self._first_check_deadline: float | None = None
        self._now = now
        self._held: list[tuple[bytes, bytes]] = []
        self._outputs: list[Output] = []

    def __repr__(self) -> str:
        return f"MediaTransport({self.transport_id}, {self.role_name}, {self.state})"

    @property
    def local(self) -> LocalTransportParameters:
        """What our SDP says of this transport."""
        return LocalTransportParameters(
            ice_ufrag=self._ice.local_ufrag,
            ice_pwd=self._ice.local_pwd,
            fingerprint=self._certificate.fingerprint,
            candidates=self._candidates,
        )

    @property
    def remote(self) -> RemoteTransportParameters | None:
        return self._remote

    @property
    def live_ufrags(self) -> tuple[str, ...]:
        return self._ice.live_ufrags

    def set_remote(self, remote: RemoteTransportParameters) -> None:
        """Tell what the peer signaled, at first and after each renegotiation.

        Raises Refused when no fingerprint is SHA-256 or stronger, or when a renegotiation would need another DTLS
        association (another certificate, the other role; RFC 8842 section 4): the peer opens a new transport then.
        """
        expected = strong_fingerprints(remote.fingerprints)
        if not expected:
            raise Refused(ErrorCode.INVALID, "a=fingerprint needs sha-256, sha-384 or sha-512")
        if self._remote is not None:
            if not set(expected) & set(strong_fingerprints(self._remote.fingerprints)):
                raise Refused(ErrorCode.CONFLICT, "the certificate of a transport cannot change")
            if _role(remote) is not _role(self._remote):
                raise Refused(ErrorCode.CONFLICT, "the DTLS role of a transport cannot change")
        first = self._remote is None
        self._remote = remote
        self._ice.set_remote(remote.ice_ufrag, remote.ice_pwd)
        if first:
            self._first_check_deadline = self._now + FIRST_CHECK_DEADLINE_S
            self._start_dtls_if_due()
            held, self._held = self._held, []
            for path, data in held:
                self.receive_dtls(data, path, self._now)
        self.wake()

    def restart_ice(self, entropy: Entropy) -> str:
        """Make new ICE credentials and return the fragment that `.local` had until now. It stays valid until the
        peer uses the new one (RFC 8445 section 9)."""
        old = self._ice.local_ufrag
        retired = self._ice.restart(entropy)
        if retired is not None:
            self._outputs.append(RetireUfrag(retired))
        self.wake()
        return old

    def receive_stun(self, data: bytes, path: bytes, now: float) -> None:
        """Process a STUN datagram from `path`; what must be dropped is counted in `drops`."""
        self._now = now
        if self._is_over():
            return
        try:
            answer = self._ice.receive(data, path, now)
        except StunError as error:
            self._drop(f"stun_{error.reason}")
            return
        if answer.accepted:
            self._unheard_repeats = 0
            self._outputs.append(AllowPath(path))
        if answer.nominated and self.state is TransportState.CONNECTED:
            self._outputs.append(Nominate(path))
        if answer.retired_ufrag is not None:
            self._outputs.append(RetireUfrag(answer.retired_ufrag))
        self._outputs += [Transmit(path, data) for data in (answer.response, answer.challenge) if data is not None]
        self._start_dtls_if_due()

    def receive_dtls(self, data: bytes, path: bytes, now: float) -> None:
        """Process a DTLS datagram from `path`; what must be dropped is counted in `drops`."""
        self._now = now
        if self._is_over():
            return
        if path not in self._ice.paths:
            self._drop("dtls_unproven_path")
        elif self._remote is None:
            self._hold(data, path)
        else:
            dtls = self._dtls or self._new_dtls()
            self._dtls_path = path
            self._unheard_repeats = 0
            if not dtls.receive(data, now):
                self._drop("dtls_malformed")
            if dtls.farewell_suspected:
                dtls.farewell_suspected = False
                self._ice.doubt(now)
            self._follow_dtls(dtls)

    def path_lost(self, path: bytes) -> None:
        """The TCP connection under `path` ended, or another peer holds the path."""
        self._ice.forget_path(path)
        if self._dtls_path == path:
            self._dtls_path = None

    def next_timer(self) -> float | None:
        """Return when `on_timer` must be called, or None."""
        if self._is_over():
            return None
        dtls = None if self._dtls is None else self._dtls.timeout()
        deadlines = [self._ice_deadline(), self._ice.challenge_due, dtls]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def on_timer(self, now: float) -> None:
        """Do what is due at `now`; too early a call does nothing."""
        self._now = now
        if self._is_over():
            return
        deadline = self._ice_deadline()
        if deadline is not None and now >= deadline:
            proven = self._ice.consent_deadline is not None
            self._fail(TransportReason.CONSENT_EXPIRED if proven else TransportReason.ICE_TIMEOUT)
            return
        self._send_challenge(self._ice.repeat_challenge(now))
        if self._dtls is not None:
            self._dtls.on_timer(now)
            self._follow_dtls(self._dtls, repeated=True)

    def close(self) -> None:
        """Say goodbye (close_notify) and end. No StateChanged follows: the caller knows."""
        if self._dtls is not None and not self._is_over():
            self._dtls.close()
            self._transmit(self._dtls)
        self.state = TransportState.CLOSED
        self._release()

    def take_outputs(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def _is_over(self) -> bool:
        return self.state in (TransportState.FAILED, TransportState.CLOSED)

    def _ice_deadline(self) -> float | None:
        return self._ice.consent_deadline or self._first_check_deadline

    def _hold(self, data: bytes, path: bytes) -> None:
        if len(self._held) < MAX_HELD_DATAGRAMS:
            self._held.append((path, data))
        else:
            self._drop("dtls_too_early")

    def _start_dtls_if_due(self) -> None:
        """A DTLS client speaks first, as soon as it has a path and knows the peer."""
        if self._dtls is None and self._remote is not None and self._ice.paths and _role(self._remote) is DtlsRole.CLIENT:
            self._follow_dtls(self._new_dtls())

    def _new_dtls(self) -> DtlsEndpoint:
        assert self._remote is not None
        self._dtls = DtlsEndpoint(
            _role(self._remote), self._certificate, self._remote.fingerprints, self._now, profiles=self._profiles
        )
        return self._dtls

    def _follow_dtls(self, dtls: DtlsEndpoint, *, repeated: bool = False) -> None:
        """Pass on what the association wants sent (`repeated`: because time has passed), and its change of state."""
        self._transmit(dtls, repeated=repeated)
        if dtls.state is DtlsState.CONNECTED and self.state is TransportState.CONNECTING and dtls.keys is not None:
            self.state = TransportState.CONNECTED
            self._begin_media()
            self._outputs.append(Secure(dtls.keys.profile, dtls.keys.inbound, dtls.keys.outbound))
            self._outputs.append(StateChanged(self.state, TransportReason.NONE))
        elif dtls.state is DtlsState.FAILED:
            self._fail(dtls.reason or DtlsReason.ERROR)
        elif dtls.state is DtlsState.CLOSED:
            self.state = TransportState.CLOSED
            self._outputs.append(StateChanged(self.state, dtls.reason or DtlsReason.CLOSED_BY_PEER))
            self._release()

    def _begin_media(self) -> None:
        """Whoever finished the handshake has received our flights. When all went to one path, the peer receives there."""
        proven = next(iter(self._flight_paths)) if len(self._flight_paths) == 1 else None
        challenge = self._ice.guard(proven, self._now)
        if self._ice.nominated is not None:
            self._outputs.append(Nominate(self._ice.nominated))
        self._send_challenge(challenge)

    def _send_challenge(self, challenge: tuple[bytes, bytes] | None) -> None:
        if challenge is not None:
            self._outputs.append(Transmit(*challenge))

    def _transmit(self, dtls: DtlsEndpoint, *, repeated: bool = False) -> None:
        """Send what the association has to say. A peer that is not heard from any more may never have been where we send."""
        path = self._ice.nominated or self._dtls_path or next(reversed(self._ice.paths), None)
        datagrams = dtls.take_datagrams()
        if repeated and datagrams:
            self._unheard_repeats += 1
            if self._unheard_repeats > MAX_UNHEARD_REPEATS:
                self._drop("dtls_unheard")
                return
        for datagram in datagrams:
            if path is not None:
                self._outputs.append(Transmit(path, datagram))
                if self.state is TransportState.CONNECTING:
                    self._flight_paths.add(path)

    def _fail(self, reason: str) -> None:
        self.state = TransportState.FAILED
        self._outputs.append(StateChanged(self.state, reason))
        self._release()

    def _release(self) -> None:
        self._dtls = None
        self._held = []

    def _drop(self, reason: str) -> None:
        self.drops[reason] = self.drops.get(reason, 0) + 1


def _nobody_to_wake() -> None:
    """Until the rim takes the transport, nobody waits for its outputs."""


def _role(remote: RemoteTransportParameters) -> DtlsRole:
    """We are the server, which chooses the SRTP profile, unless the peer insists on being it (RFC 8842 section 5)."""
    return DtlsRole.CLIENT if remote.setup == "passive" else DtlsRole.SERVER
