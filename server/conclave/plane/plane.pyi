"""The plane as Python sees it. Per packet no Python object is touched and the GIL is not held.

Identifiers (`peer`, `track`, `sender`) are ints made of a table index and a generation: one that was closed is never
valid again; using a stale one raises KeyError and harms nothing. Commands take effect, in order, between two batches of the
lane's thread. Every value out of range is a ValueError; a full table is model.errors.Unavailable("plane", ...); a method of a
closed Plane raises RuntimeError, except `poll`, `counters`, `table_sizes`, `audio_levels`, `read_tap` (empty) and `close`.

A *path* is where a datagram came from or goes to: 32 opaque bytes, hashable, made by the plane
(byte 0: 0 UDP, 1 TCP; byte 1: 4 or 6; bytes 2-3: port, network order; bytes 4-19: address, IPv4 left-aligned;
bytes 20-27: TCP connection number; rest zero).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

PATH_BYTES: int

class LaneAddress(NamedTuple):
    """Where a lane listens. `udp_port` and the TCP port are the same number; 0 asks for a free one."""

    host: str
    port: int

class Datagram(NamedTuple):
    """A STUN or DTLS datagram for the control plane. `peer` is -1 when the path belongs to nobody yet.
    `kind` is "stun" or "dtls"; at most 2,048 bytes (larger ones are counted drops)."""

    lane: int
    kind: str
    peer: int
    path: bytes
    data: bytes

class Fact(NamedTuple):
    """Something the plane noticed. `name` is one of:
    "peer_closed" (peer's resources are free), "path_closed" (its TCP connection `path` ended), "path_refused" (it may not have
    `path`, or has it no longer: another peer holds it), "ssrc_learnt" (track, value=ssrc),
    "track_silent" (no packet for 5 s), "track_alive" (packets again), "first_packet" (track's first forwardable packet),
    "srtp_failing" (peer, value=failures in the last second, at most one a second), "ring_overflow" (value = facts lost)."""

    lane: int
    name: str
    peer: int
    track: int
    value: int
    path: bytes

class TappedPacket(NamedTuple):
    """A decrypted RTP packet of a tapped track, after repair, as it arrived. `sequence_number` is the extended one (it never
    repeats, also when the stream begins anew), `timestamp` the RTP timestamp, `arrival_ns` CLOCK_MONOTONIC, `payload` without
    padding."""

    track: int
    payload_type: int
    marker: bool
    sequence_number: int
    timestamp: int
    arrival_ns: int
    payload: bytes

class TappedReport(NamedTuple):
    """The publisher's sender report: RTP `timestamp` was sampled at `ntp` (RFC 3550, 32.32 fixed point, its own clock)."""

    track: int
    ntp: int
    timestamp: int
    arrival_ns: int

def describe_path(path: bytes) -> tuple[str, str, int]:
    """Return ("udp" | "tcp", host, port). Raises ValueError when it is not 32 bytes or names no known family."""

def make_path(transport: str, host: str, port: int, connection: int = 0) -> bytes:
    """The inverse of describe_path, for tests and load generators. Raises ValueError on bad input."""

class Tables:
    """Peers, tracks, senders and routes of one or more lanes: what Plane and LaneCore have in common. Not made by itself."""

    def poll(self, limit: int = 256) -> list[Datagram | Fact]:
        """Take what came up, oldest first. Clears `event_fd` when everything was taken."""
    def open_peer(self, lane: int = 0) -> int:
        """Make a peer: one participant's transport, with no path and no keys yet."""
    def allow_path(self, peer: int, path: bytes) -> None:
        """DTLS from `path` now comes up with this peer's number (at most 8 paths a peer, the oldest not nominated gives way).

        A peer with keys holds its nominated path for 13 s after it was last heard from: by an authenticated packet, or by a
        call of this method. The path is refused to others as long (`drop_path_held`, Fact "path_refused").
        """
    def nominate(self, peer: int, path: bytes) -> None:
        """Media goes to `path` and is accepted only from it. Implies allow_path; without effect when that is refused.
        Another peer that had nominated it before has no path then (Fact "path_refused")."""
    def secure(self, peer: int, profile: str, inbound: bytes, outbound: bytes) -> None:
        """Install SRTP keys: master key then master salt, for packets from and to the peer. `profile` is a SrtpProfile value.
        Raises ValueError on a wrong length or profile. Installing again replaces both (DTLS restart)."""
    def close_peer(self, peer: int) -> None:
        """Stop all media of the peer at once, its tracks and senders included. A Fact "peer_closed" follows."""

    def add_track(
        self,
        peer: int,
        *,
        video: bool,
        mid: bytes,
        payload_types: Mapping[int, int],
        rtx_payload_types: Mapping[int, int],
        codecs: Mapping[int, str],
        mid_ext_id: int = 0,
        audio_level_ext_id: int = 0,
        ssrc: int = 0,
        rtx_ssrc: int = 0,
        cname: bytes = b"",
    ) -> int:
        """Accept a stream. payload_types: media payload type -> clock rate in Hz; rtx_payload_types: RTX payload type -> media
        payload type; codecs: media payload type -> lower-case name ("opus", "vp8", "vp9", "h264", "av1"), for keyframe marks."""
    def update_track(self, track: int, *, ssrc: int = 0, rtx_ssrc: int = 0) -> None:
        """Announce SSRCs after the fact (renegotiation)."""
    def set_muted(self, track: int, muted: bool) -> None:
        """While muted, packets of the track are counted and forwarded to nobody. Unmuting video asks for a keyframe."""
    def set_opaque(self, track: int, opaque: bool) -> None:
        """The payload is end-to-end encrypted: no keyframe marks, no gating on them."""
    def set_tap(self, track: int, on: bool) -> None:
        """Copy the packets of a track into its lane's tap: those of tracks that are not muted, padding taken off, and sender
        reports. The latest report from before comes first, and a keyframe is asked for. The tap holds 4 MiB a lane; what
        finds it full is counted (`drop_tap_overflow`) and lost to the tap alone. Ends with the track."""
    def read_tap(self, lane: int = 0, limit: int = 512) -> list[TappedPacket | TappedReport]:
        """Take up to `limit` entries of the tap of `lane`, oldest first; empty after `close`. Any one thread may call it."""

    def request_keyframe(self, track: int) -> None:
        """Ask the publisher for a keyframe (PLI), coalesced to one per keyframe_interval_ms."""
    def remove_track(self, track: int) -> None:
        """Stop the track; senders that it fed have no source any more. Its SSRCs are not learnt again."""

    def add_sender(
        self,
        peer: int,
        *,
        video: bool,
        mid: bytes,
        ssrc: int,
        clock_rate: int,
        rtx_ssrc: int = 0,
        rtx_payload_types: Mapping[int, int] = ...,
        mid_ext_id: int = 0,
        cname: bytes = b"",
    ) -> int:
        """Make an outbound stream. rtx_payload_types: outbound media payload type -> outbound RTX payload type.

        `mid` has at most 16 bytes, `cname` 64. Raises ValueError for an SSRC that the peer has used before under its present
        keys, also by a sender that is gone: starting its numbers anew would repeat SRTP nonces.
        """

    def route(
        self,
        sender: int,
        track: int | None,
        payload_types: Mapping[int, int] = ...,
        extensions: Mapping[int, int] = ...,
    ) -> None:
        """Feed `sender` from `track` (same lane), or from nothing. Sequence numbers and timestamps stay continuous over
        switches. A video route of a track with keyframe marks opens at the next keyframe, and asks for it. Payload types and
        extensions map inbound to outbound; what has no entry is dropped or removed. Raises ValueError when the two are on
        different lanes or of different kinds.
        """
    def remove_sender(self, sender: int) -> None:
        """End an outbound stream."""
    def set_remb(self, peer: int, bitrate_bps: int) -> None:
        """Tell the publisher once a second how much it may send (REMB); 0 stops."""

    def audio_levels(self) -> list[tuple[int, int, int]]:
        """(track, mean level, loudest level) since the last call, for tracks that sent audio (RFC 6464).

        Levels are in -dBov: 0 is loud, 127 silent.
        """

    def peer_stats(self, peer: int) -> dict[str, int]:
        """packets_in, bytes_in, packets_out, bytes_out, srtp_failures, replays, send_drops, ssrcs, paths, remb_bps."""
    def track_stats(self, track: int) -> dict[str, int]:
        """packets, bytes, lost (before repair), repaired (after a NACK), duplicates, jitter (clock units), keyframes, plis_sent,
        nacks_sent, ssrc, muted."""

    def sender_stats(self, sender: int) -> dict[str, int]:
        """packets, bytes, nacks, retransmitted, nack_misses, plis, fraction_lost, packets_lost, rtt_us, jitter."""
    def counters(self) -> dict[str, int]:
        """Totals over lanes: packets and bytes in and out, system calls, GSO sends, and a `drop_<reason>` per reason."""

    def table_sizes(self) -> dict[str, int]:
        """Slots in use now: peers, tracks, senders, tcp_connections, paths. What was closed counts until its memory is free."""

class Plane(Tables):
    """Lanes of native threads, each with one UDP socket and one TCP listener on the same port number."""

    def __init__(
        self,
        addresses: Sequence[LaneAddress],
        *,
        max_peers_per_lane: int = 4096,
        max_tracks_per_lane: int = 4096,
        max_senders_per_lane: int = 65536,
        max_tcp_connections_per_lane: int = 1024,
        keyframe_interval_ms: int = 500,
        tcp_claim_ms: int = 10_000,
    ) -> None:
        """Bind the sockets; no thread runs yet. Raises OSError naming the address that could not be bound.

        A TCP connection whose path no peer was allowed within `tcp_claim_ms` is closed.
        """
    @property
    def addresses(self) -> tuple[LaneAddress, ...]:
        """The bound addresses, with real port numbers."""
    @property
    def event_fd(self) -> int:
        """An eventfd that becomes readable when `poll` has something."""
    def start(self) -> None:
        """Start one thread a lane. A second call does nothing. Raises OSError when a thread cannot be made."""
    def close(self) -> None:
        """Stop the threads, close the sockets, free everything. May be called twice."""

    def send(self, lane: int, path: bytes, data: bytes) -> None:
        """Send a STUN or DTLS datagram. Dropped and counted when the socket would block."""
    def close_path(self, lane: int, path: bytes) -> None:
        """Close a TCP connection (UDP: nothing)."""

class LaneCore(Tables):
    """One lane without a thread, a socket or a clock, for tests and fuzzing; same tables, same forwarding code.

    Its lane is number 0, commands take effect at once, and what they send comes out of the next `receive` or `tick`.
    """

    def __init__(
        self, *, max_peers: int = 64, max_tracks: int = 64, max_senders: int = 1024, keyframe_interval_ms: int = 500
    ) -> None: ...
    def receive(self, datagrams: Sequence[tuple[bytes, bytes]], now_ns: int) -> list[tuple[bytes, bytes]]:
        """Process one batch of (path, datagram) as if received at once; return what would be sent as (path, datagram),
        a GSO group as its separate datagrams."""
    def tick(self, now_ns: int) -> list[tuple[bytes, bytes]]:
        """Run the timers that are due (NACK, PLI, reports); return what would be sent."""
