"""One DTLS-SRTP association over the TLS library's memory buffers (RFC 6347, RFC 5764, RFC 8827 section 6.5).

Retransmission runs on the time we are given (see dtls_flight); the library's own timer, which reads the wall clock, is
only a second chance. A second after the handshake the library's 93 KiB are given back: nothing but a close_notify can
come any more, and that still shows as a record of its type.
"""

import hmac
from contextlib import suppress
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct
from OpenSSL import SSL, crypto

from conclave.media.certificate import DtlsCertificate
from conclave.media.dtls_flight import MTU_BYTES, RECORD_HEADER_BYTES, FlightSender, Record, longest_message, split_records
from conclave.media.parameters import Fingerprint
from conclave.model.media import SrtpProfile

DTLS_1_2 = 0xFEFD
PROFILES = (SrtpProfile.AEAD_AES_128_GCM, SrtpProfile.AEAD_AES_256_GCM, SrtpProfile.AES_CM_128_HMAC_SHA1_80)
CIPHERS = ":".join(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "CHACHA20-POLY1305", "AES256-GCM-SHA384")
    for key in ("ECDSA", "RSA")
)
FINGERPRINT_DIGESTS = ("sha-512", "sha-384", "sha-256")
KEYING_LABEL = b"EXTRACTOR-dtls_srtp"
KEY_AND_SALT_BYTES = {
    SrtpProfile.AEAD_AES_128_GCM: (16, 12),
    SrtpProfile.AEAD_AES_256_GCM: (32, 12),
    SrtpProfile.AES_CM_128_HMAC_SHA1_80: (16, 14),
}

MAX_DATAGRAM_BYTES = 2048
MAX_HANDSHAKE_BYTES = 128 * 1024
MAX_MESSAGE_BYTES = 16 * 1024
"""The library reserves memory for a whole message at its first fragment, ten messages ahead."""
HANDSHAKE_DEADLINE_S = 30.0
LINGER_S = 1.0

ALERT = 21
HANDSHAKE = 22
CLIENT_HELLO = 1


class DtlsRole(StrEnum):
    SERVER = "server"
    CLIENT = "client"


class DtlsState(StrEnum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


class DtlsReason(StrEnum):
    """Why an association ended. `FINGERPRINT_MISMATCH` means that someone sits between us and the peer, or that its
    signaling lied: it is audited."""

    TIMEOUT = "dtls_timeout"
    ERROR = "dtls_error"
    FINGERPRINT_MISMATCH = "fingerprint_mismatch"
    NO_SRTP_PROFILE = "no_srtp_profile"
    CLOSED_BY_PEER = "closed_by_peer"
    CLOSED = "closed"


class SrtpKeys(Struct, frozen=True):
    """Master key then master salt, for packets from (`inbound`) and to (`outbound`) the peer."""

    profile: SrtpProfile
    inbound: bytes
    outbound: bytes

    def __repr__(self) -> str:
        return f"SrtpKeys({self.profile})"


def strong_fingerprints(fingerprints: tuple[Fingerprint, ...]) -> tuple[Fingerprint, ...]:
    """Return those of the strongest digest among them (RFC 8122 section 5), none if all are weaker than SHA-256."""
    for digest in FINGERPRINT_DIGESTS:
        chosen = tuple(fingerprint for fingerprint in fingerprints if fingerprint.algorithm.lower() == digest)
        if chosen:
            return chosen
    return ()


class DtlsEndpoint:
    """One end of an association. Time is monotonic seconds; nothing is sent but through `take_datagrams`.

    `cipher` and `version` are the TLS library's names for what was agreed. `farewell_suspected` says that an encrypted alert
    came when nobody could read it any more: most likely the peer's close_notify, possibly a forgery.
    """

    def __init__(
        self,
        role: DtlsRole,
        certificate: DtlsCertificate,
        fingerprints: tuple[Fingerprint, ...],
        now: float,
        *,
        profiles: tuple[SrtpProfile, ...] = PROFILES,
    ) -> None:
        """`fingerprints` are the peer's as signaled. Raises ValueError when none is SHA-256 or stronger."""
        self._expected = strong_fingerprints(fingerprints)
        if not self._expected:
            raise ValueError("no fingerprint of SHA-256 or stronger")
        self.role = role
        self.state = DtlsState.CONNECTING
        self.reason: DtlsReason | None = None
        self.keys: SrtpKeys | None = None
        self.cipher = ""
        self.version = ""
        self.farewell_suspected = False
        self._goodbye = b""
        self._retire_at: float | None = None
        self._peer_verified = False
        self._peer_mismatched = False
        self._deadline = now + HANDSHAKE_DEADLINE_S
        self._received_bytes = 0
        self._sender = FlightSender()
        ssl = SSL.Connection(_context(certificate, profiles))
        ssl.set_app_data(self)
        ssl.set_ciphertext_mtu(MTU_BYTES)
        self._ssl: SSL.Connection | None = ssl
        if role is DtlsRole.SERVER:
            ssl.set_accept_state()
        else:
            ssl.set_connect_state()
            self._drive(now)

    def __repr__(self) -> str:
        return f"DtlsEndpoint({self.role}, {self.state})"

    def take_datagrams(self) -> list[bytes]:
        """Return what is to be sent, each at most 1,200 bytes."""
        return self._sender.take()

    def timeout(self) -> float | None:
        """Return when `on_timer` must be called, or None."""
        if self.state is not DtlsState.CONNECTING:
            return self._retire_at
        return min(self._deadline, self._sender.resend_at or self._deadline)

    def receive(self, data: bytes, now: float) -> bool:
        """Process one datagram; returns whether it was DTLS at all and within the limits of a handshake."""
        if self.state in (DtlsState.FAILED, DtlsState.CLOSED) or len(data) > MAX_DATAGRAM_BYTES:
            return False
        try:
            records = split_records(data)
        except ValueError:
            return False
        if self.state is DtlsState.CONNECTING:
            self._received_bytes += len(data)
            if self._received_bytes > MAX_HANDSHAKE_BYTES or any(_is_too_long(data, record) for record in records):
                return False
        if not records:
            return False
        repeated = self.role is DtlsRole.SERVER and self._is_repeated(data, records)
        if self._ssl is not None:
            self._ssl.bio_write(data)
        elif any(record.content_type == ALERT and record.epoch > 0 for record in records):
            self.farewell_suspected = True
        if not self._drive(now) and repeated:
            self._sender.repeat(now)
        return True

    def on_timer(self, now: float) -> None:
        """Repeat the flight that got no answer, give up at the deadline, or give back what a finished handshake leaves."""
        if self.state is not DtlsState.CONNECTING:
            if self._retire_at is not None and now >= self._retire_at:
                self._retire()
            return
        if now >= self._deadline:
            self._end(DtlsState.FAILED, DtlsReason.TIMEOUT)
        elif self._sender.resend_at is not None and now >= self._sender.resend_at and not self._library_resends(now):
            self._sender.back_off(now)

    def close(self) -> None:
        """Say close_notify if there is someone to say it to, and end."""
        if self.state is DtlsState.CONNECTED:
            self._shut_down()
            if self._goodbye:
                self._sender.send_flight(self._goodbye, 0.0)
        if self.state in (DtlsState.CONNECTED, DtlsState.CONNECTING):
            self._end(DtlsState.CLOSED, DtlsReason.CLOSED)

    def verify_peer(self, certificate: crypto.X509) -> bool:
        """Compare the peer's certificate with the signaled fingerprints, in constant time. Called by the TLS library."""
        matches = [
            hmac.compare_digest(_digest(certificate, fingerprint.algorithm), fingerprint.value.upper().encode())
            for fingerprint in self._expected
        ]
        self._peer_verified = any(matches)
        self._peer_mismatched = not self._peer_verified
        return self._peer_verified

    def _is_repeated(self, data: bytes, records: list[Record]) -> bool:
        """Whether a client that misses our flight repeats its own: a ClientHello after we answered it, or any plain
        handshake message after the end."""
        if not self._sender.has_flight:
            return False
        plain = (record for record in records if record.content_type == HANDSHAKE and record.epoch == 0)
        if self.state is DtlsState.CONNECTED:
            return next(plain, None) is not None
        return any(data[record.start + RECORD_HEADER_BYTES : record.end][:1] == bytes([CLIENT_HELLO]) for record in plain)

    def _library_resends(self, now: float) -> bool:
        if self._ssl is None:
            return False
        try:
            self._ssl.DTLSv1_handle_timeout()
        except SSL.Error:
            self._end(DtlsState.FAILED, DtlsReason.TIMEOUT)
            return True
        return self._flush(now)

    def _drive(self, now: float) -> bool:
        """Let the library work on what it was given; returns whether it sent anything."""
        ssl = self._ssl
        if ssl is None:
            return False
        try:
            if self.state is DtlsState.CONNECTING:
                ssl.do_handshake()
                self._complete(ssl, now)
            while self.state is DtlsState.CONNECTED:
                ssl.recv(MAX_DATAGRAM_BYTES)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self._shut_down()
            self._end(DtlsState.CLOSED, DtlsReason.CLOSED_BY_PEER)
        except SSL.Error:
            mismatch = self._peer_mismatched
            self._end(DtlsState.FAILED, DtlsReason.FINGERPRINT_MISMATCH if mismatch else DtlsReason.ERROR)
        sent = self._flush(now)
        if self.state is not DtlsState.CONNECTING:
            self._sender.stop_timer(keep_flight=self.role is DtlsRole.SERVER and self.state is DtlsState.CONNECTED)
        return sent

    def _complete(self, ssl: SSL.Connection, now: float) -> None:
        if not self._peer_verified:
            self._shut_down()
            self._end(DtlsState.FAILED, DtlsReason.FINGERPRINT_MISMATCH)
            return
        self.keys = _export_keys(ssl, self.role)
        if self.keys is None:
            self._shut_down()
            self._end(DtlsState.FAILED, DtlsReason.NO_SRTP_PROFILE)
            return
        self.state = DtlsState.CONNECTED
        self.cipher, self.version = ssl.get_cipher_name() or "", ssl.get_protocol_version_name()
        self._retire_at = now + LINGER_S

    def _retire(self) -> None:
        """Give the library's memory back, with a close_notify made ahead; a last flight is kept and can be repeated."""
        self._goodbye = self._take_output(shut_down=True)
        self._release()

    def _release(self) -> None:
        if self._ssl is not None:
            self._ssl.set_app_data(None)
        self._ssl = self._retire_at = self.keys = None

    def _shut_down(self) -> None:
        output = self._take_output(shut_down=True)
        if output:
            self._sender.send_flight(output, 0.0)

    def _end(self, state: DtlsState, reason: DtlsReason) -> None:
        self._flush(0.0)
        self._sender.stop_timer(keep_flight=False)
        self._release()
        self.state, self.reason = state, reason

    def _flush(self, now: float) -> bool:
        output = self._take_output()
        if output:
            self._sender.send_flight(output, now)
        return bool(output)

    def _take_output(self, *, shut_down: bool = False) -> bytes:
        """Return the records that the library wants sent, with a close_notify at their end on demand."""
        output = b""
        if self._ssl is not None:
            with suppress(SSL.Error):
                if shut_down:
                    self._ssl.shutdown()
            with suppress(SSL.Error):
                while True:
                    output += self._ssl.bio_read(16 * 1024)
        return output


def _is_too_long(data: bytes, record: Record) -> bool:
    is_plain_handshake = record.content_type == HANDSHAKE and record.epoch == 0
    return is_plain_handshake and longest_message(data, record) > MAX_MESSAGE_BYTES


def _context(certificate: DtlsCertificate, profiles: tuple[SrtpProfile, ...]) -> SSL.Context:
    context = certificate.contexts.get(profiles)
    if context is None:
        context = certificate.contexts[profiles] = _new_context(certificate, profiles)
    return context


def _new_context(certificate: DtlsCertificate, profiles: tuple[SrtpProfile, ...]) -> SSL.Context:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_min_proto_version(DTLS_1_2)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle association keeps 93 KiB instead of 125
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _verify)
    context.set_cipher_list(CIPHERS.encode())
    context.set_tlsext_use_srtp(":".join(profiles).encode())
    context.use_certificate(certificate.certificate)
    context.use_privatekey(certificate.key)
    return context


def _verify(connection: SSL.Connection, certificate: crypto.X509, _error: int, depth: int, _ok: int) -> bool:
    endpoint = connection.get_app_data()
    return depth > 0 or (isinstance(endpoint, DtlsEndpoint) and endpoint.verify_peer(certificate))


def _digest(certificate: crypto.X509, algorithm: str) -> bytes:
    return certificate.digest(algorithm.lower().replace("-", "")).upper()


def _export_keys(connection: SSL.Connection, role: DtlsRole) -> SrtpKeys | None:
    """Return the keys of RFC 5764 section 4.2: client key, server key, client salt, server salt; None without a profile."""
    name = connection.get_selected_srtp_profile().decode()
    if not name:
        return None
    profile = SrtpProfile(name)
    key, salt = KEY_AND_SALT_BYTES[profile]
    material = connection.export_keying_material(KEYING_LABEL, 2 * (key + salt))
    borders = [0, key, 2 * key, 2 * key + salt, 2 * (key + salt)]
    client_key, server_key, client_salt, server_salt = (material[start:end] for start, end in pairwise(borders))
    client, server = client_key + client_salt, server_key + server_salt
    inbound, outbound = (client, server) if role is DtlsRole.SERVER else (server, client)
    return SrtpKeys(profile, inbound, outbound)
