"""The asyncio rim of the media plane: owns the Plane and the open MediaTransports.

Datagrams come up from the plane and go to the transport they concern: STUN requests by the ICE fragment in USERNAME, DTLS
and STUN answers by the peer that their path was allowed for. What a transport wants done, and the control plane's commands,
go down. A wake-up takes a bounded batch, so that a flood of datagrams leaves the loop to signaling in between.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from logging import getLogger

from msgspec import Struct

from conclave.hub.plane_arguments import sender_arguments, track_arguments
from conclave.media import commands
from conclave.media.ice import is_answer, local_ufrag_of
from conclave.media.transport import (
    AllowPath,
    MediaTransport,
    Nominate,
    Output,
    RetireUfrag,
    Secure,
    StateChanged,
    Transmit,
    TransportState,
)
from conclave.model.errors import Unavailable
from conclave.model.ids import TrackId, TransportId
from conclave.model.media import RouteSpec, SenderSpec, TrackSpec
from conclave.plane.plane import Datagram, Fact, Plane
from conclave.ports.recorder import NoTaps, Taps

BATCH = 32

OnTransportState = Callable[[TransportId, TransportState, str], None]
OnFact = Callable[[str, TransportId | None, TrackId | None, int], None]
OnIncident = Callable[[Exception], str]

_log = getLogger("conclave.hub")


class TransportStats(Struct, frozen=True):
    """The plane's figures of one transport: its peer, its tracks, its senders by mid (names as in plane.pyi)."""

    peer: dict[str, int]
    tracks: dict[TrackId, dict[str, int]]
    senders: dict[str, dict[str, int]]


class _Attached:
    """An open transport with what the plane holds for it. `peer` is None once its media has been stopped."""

    def __init__(self, transport: MediaTransport, lane: int, peer: int) -> None:
        self.transport = transport
        self.lane = lane
        self.peer: int | None = peer
        self.ufrags: set[bytes] = set()
        self.tracks: dict[TrackId, int] = {}
        self.specs: dict[TrackId, TrackSpec] = {}
        self.senders: dict[str, int] = {}
        self.timer: asyncio.TimerHandle | None = None
        self.due: float | None = None


class MediaPump:
    """`clock` gives monotonic seconds. Runs in the thread of `loop`; the callbacks run there, each as an event of its own.

    `on_transport_state(transport_id, state, reason)` tells what happened to a transport that we did not close;
    `on_fact(name, transport_id, track_id, value)` passes on the plane's facts in our identifiers.
    `on_incident(error)` takes an error of ours that cost one datagram, fact or command, and returns the incident's id.
    `taps` hears which of the plane's tracks are tapped for which recording.
    """

    def __init__(self, plane: Plane, *, clock: Callable[[], float], loop: asyncio.AbstractEventLoop) -> None:
        self.on_transport_state: OnTransportState = _ignore_state
        self.on_fact: OnFact = _ignore_fact
        self.on_incident: OnIncident = _log_incident
        self._plane = plane
        self._clock = clock
        self._loop = loop
        self.taps: Taps = NoTaps()
        self._tapped: set[TrackId] = set()
        self._transports: dict[TransportId, _Attached] = {}
        self._by_ufrag: dict[bytes, _Attached] = {}
        self._by_peer: dict[int, _Attached] = {}
        self._track_owners: dict[TrackId, _Attached] = {}
        self._track_ids: dict[int, TrackId] = {}
        self._counters: Counter[str] = Counter()
        self._running = False

    def start(self) -> None:
        """Start the plane's threads and listen to it."""
        self._plane.start()
        self._loop.add_reader(self._plane.event_fd, self._on_readable)
        self._running = True

    def close(self) -> None:
        """Say goodbye on every transport and close the plane. May be called twice."""
        for transport_id in list(self._transports):
            self._close_transport(transport_id)
        if self._running:
            self._loop.remove_reader(self._plane.event_fd)
            self._running = False
        self._plane.close()

    def perform(self, planned: Iterable[commands.PlaneCommand]) -> None:
        """Perform commands in order. One that concerns something already gone does nothing and is counted.

        Raises Unavailable when the plane has no room for something, or with the incident's id when a command failed by an error
        of ours; the commands after it have been performed then.
        """
        failure: Unavailable | None = None
        for command in planned:
            try:
                self._perform(command)
            except KeyError:
                self._counters["control_stale_commands"] += 1
            except Unavailable as error:
                self._counters["control_no_room"] += 1
                failure = failure or error
            except Exception as error:
                failure = failure or Unavailable("plane", f"incident {self._incident(error)}")
        if failure is not None:
            raise failure

    def audio_levels(self) -> list[tuple[TrackId, int, int]]:
        """Return (track, mean level, loudest level) since the last call; levels are -dBov, 0 loud .. 127 silent."""
        levels = self._plane.audio_levels()
        return [(self._track_ids[track], mean, loudest) for track, mean, loudest in levels if track in self._track_ids]

    def stats(self, transport_id: TransportId) -> TransportStats | None:
        """Return the plane's figures of a transport, or None when it has none (any more)."""
        attached = self._transports.get(transport_id)
        if attached is None or attached.peer is None:
            return None
        try:
            return TransportStats(
                peer=self._plane.peer_stats(attached.peer),
                tracks={track_id: self._plane.track_stats(track) for track_id, track in attached.tracks.items()},
                senders={mid: self._plane.sender_stats(sender) for mid, sender in attached.senders.items()},
            )
        except KeyError:
            return None

    def counters(self) -> dict[str, int]:
        """Return the plane's totals and ours (`control_...`: what the control plane dropped, `control_ended_...`: the
        transports that ended without our doing, by reason)."""
        return self._plane.counters() | self._counters

    def table_sizes(self) -> dict[str, int]:
        """Return how much is held now, in the plane and here (`control_...`)."""
        return self._plane.table_sizes() | {
            "control_transports": len(self._transports),
            "control_ufrags": len(self._by_ufrag),
            "control_peers": len(self._by_peer),
            "control_tracks": len(self._track_ids) + len(self._track_owners),
        }

    # What comes up

    def _on_readable(self) -> None:
        for item in self._plane.poll(BATCH):
            try:
                if isinstance(item, Fact):
                    self._receive_fact(item)
                else:
                    self._receive_datagram(item)
            except Exception as error:
                self._incident(error)

    def _incident(self, error: Exception) -> str:
        self._counters["control_incidents"] += 1
        return self.on_incident(error)

    def _receive_datagram(self, datagram: Datagram) -> None:
        attached = self._addressee(datagram)
        if attached is None:
            return
        transport = attached.transport
        if datagram.kind == "stun":
            transport.receive_stun(datagram.data, datagram.path, self._clock())
        else:
            transport.receive_dtls(datagram.data, datagram.path, self._clock())
        if transport.drops:
            self._counters.update({f"control_{reason}": count for reason, count in transport.drops.items()})
            transport.drops.clear()
        self._settle(attached)

    def _addressee(self, datagram: Datagram) -> _Attached | None:
        """Return whom a datagram concerns; what concerns nobody on its lane is counted and costs nothing more."""
        if datagram.kind == "stun" and not is_answer(datagram.data):
            ufrag = local_ufrag_of(datagram.data)
            attached = None if ufrag is None else self._by_ufrag.get(ufrag)
            reason = "control_stun_unknown_ufrag"
        else:
            attached = self._by_peer.get(datagram.peer)
            reason = f"control_{datagram.kind}_unknown_peer"
        if attached is None or attached.lane != datagram.lane:
            self._counters[reason] += 1
            return None
        return attached

    def _receive_fact(self, fact: Fact) -> None:
        attached = self._by_peer.get(fact.peer)
        if fact.name in ("path_closed", "path_refused") and attached is not None:
            attached.transport.path_lost(fact.path)
        track_id = self._track_ids.get(fact.track)
        owner = attached or (None if track_id is None else self._track_owners.get(track_id))
        if owner is None and fact.name != "ring_overflow":
            return
        transport_id = None if owner is None else owner.transport.transport_id
        self._loop.call_soon(self._tell_fact, fact.name, transport_id, track_id, fact.value)

    def _tell_fact(self, name: str, transport_id: TransportId | None, track_id: TrackId | None, value: int) -> None:
        self.on_fact(name, transport_id, track_id, value)

    def _tell_state(self, transport_id: TransportId, state: TransportState, reason: str) -> None:
        self.on_transport_state(transport_id, state, reason)

    # What goes down

    def _settle(self, attached: _Attached) -> None:
        """Do what a transport wants done and keep its timer."""
        for output in attached.transport.take_outputs():
            try:
                self._do(attached, output)
            except KeyError:
                self._counters["control_stale_outputs"] += 1
            except Exception as error:
                self._incident(error)
        self._keep_timer(attached)

    def _do(self, attached: _Attached, output: Output) -> None:
        match output:
            case Transmit(path, data):
                self._plane.send(attached.lane, path, data)
            case RetireUfrag(ufrag):
                self._forget_ufrag(attached, ufrag.encode())
            case StateChanged(state, reason):
                self._loop.call_soon(self._tell_state, attached.transport.transport_id, state, reason)
                if state in (TransportState.FAILED, TransportState.CLOSED):
                    self._counters[f"control_ended_{reason}"] += 1
                    self._stop_media(attached)
            case _ if attached.peer is None:
                return
            case AllowPath(path):
                self._plane.allow_path(attached.peer, path)
            case Nominate(path):
                self._plane.nominate(attached.peer, path)
            case Secure(profile, inbound, outbound):
                self._plane.secure(attached.peer, profile, inbound, outbound)

    def _keep_timer(self, attached: _Attached) -> None:
        """Arm the timer; one that fires too early re-arms itself, which is cheaper than moving it at each check."""
        due = attached.transport.next_timer()
        if due is None or (attached.due is not None and attached.due <= due):
            return
        if attached.timer is not None:
            attached.timer.cancel()
        attached.due = due
        attached.timer = self._loop.call_later(max(0.0, due - self._clock()), self._on_timer, attached)

    def _on_timer(self, attached: _Attached) -> None:
        attached.timer = attached.due = None
        attached.transport.on_timer(self._clock())
        self._settle(attached)

    def _perform(self, command: commands.PlaneCommand) -> None:
        match command:
            case commands.OpenTransport(transport, lane):
                self._open_transport(transport, lane)
            case commands.CloseTransport(transport_id):
                self._close_transport(transport_id)
            case commands.RestartIce(transport_id, _):
                attached = self._transports[transport_id]
                self._learn_ufrags(attached)
                self._settle(attached)
            case commands.AddTrack(spec):
                self._add_track(spec)
            case commands.UpdateTrack(spec):
                self._plane.update_track(self._track(spec.track_id), ssrc=spec.ssrc or 0, rtx_ssrc=spec.rtx_ssrc or 0)
            case commands.RemoveTrack(track_id):
                self._remove_track(track_id)
            case commands.MuteTrack(track_id, muted):
                self._plane.set_muted(self._track(track_id), muted)
            case commands.TapTrack():
                self._tap(command)
            case commands.RequestKeyframe(track_id):
                self._plane.request_keyframe(self._track(track_id))
            case commands.AddSender(spec, cname):
                self._add_sender(spec, cname)
            case commands.RemoveSender(transport_id, mid):
                self._plane.remove_sender(self._transports[transport_id].senders.pop(mid))
            case commands.SetRoute(spec):
                self._set_route(spec)
            case commands.SetRemb(transport_id, bitrate_bps):
                self._plane.set_remb(self._peer(self._transports[transport_id]), bitrate_bps)

    def _open_transport(self, transport: MediaTransport, lane: int) -> None:
        if transport.transport_id in self._transports:
            self._counters["control_stale_commands"] += 1
            return
        peer = self._plane.open_peer(lane)
        attached = _Attached(transport, lane, peer)
        self._transports[transport.transport_id] = attached
        self._by_peer[peer] = attached
        self._learn_ufrags(attached)
        transport.wake = lambda: self._come_back(attached)
        self._settle(attached)

    def _come_back(self, attached: _Attached) -> None:
        self._loop.call_soon(self._settle_if_open, attached)

    def _settle_if_open(self, attached: _Attached) -> None:
        if self._transports.get(attached.transport.transport_id) is attached:
            self._learn_ufrags(attached)
            self._settle(attached)

    def _close_transport(self, transport_id: TransportId) -> None:
        attached = self._transports.pop(transport_id)
        attached.transport.wake = _nothing
        attached.transport.close()
        self._settle(attached)
        if attached.timer is not None:
            attached.timer.cancel()
        for ufrag in list(attached.ufrags):
            self._forget_ufrag(attached, ufrag)
        self._stop_media(attached)

    def _stop_media(self, attached: _Attached) -> None:
        """Free what the plane holds for a transport: at its end, and at once when consent or its peer is lost."""
        if attached.peer is None:
            return
        peer, attached.peer = attached.peer, None
        self._by_peer.pop(peer, None)
        for track_id, track in attached.tracks.items():
            self._track_ids.pop(track, None)
            self._track_owners.pop(track_id, None)
            self._untap(track_id, track)
        attached.tracks.clear()
        attached.specs.clear()
        attached.senders.clear()
        self._plane.close_peer(peer)

    def _learn_ufrags(self, attached: _Attached) -> None:
        for ufrag in attached.transport.live_ufrags:
            attached.ufrags.add(ufrag.encode())
            self._by_ufrag[ufrag.encode()] = attached

    def _forget_ufrag(self, attached: _Attached, ufrag: bytes) -> None:
        attached.ufrags.discard(ufrag)
        self._by_ufrag.pop(ufrag, None)

    def _add_track(self, spec: TrackSpec) -> None:
        attached = self._transports[spec.transport_id]
        if spec.track_id in self._track_owners:
            self._counters["control_stale_commands"] += 1
            return
        track = self._plane.add_track(self._peer(attached), **track_arguments(spec))
        attached.tracks[spec.track_id] = track
        attached.specs[spec.track_id] = spec
        self._track_owners[spec.track_id] = attached
        self._track_ids[track] = spec.track_id

    def _remove_track(self, track_id: TrackId) -> None:
        owner = self._track_owners.pop(track_id)
        track = owner.tracks.pop(track_id)
        owner.specs.pop(track_id, None)
        del self._track_ids[track]
        self._untap(track_id, track)
        self._plane.remove_track(track)

    def _add_sender(self, spec: SenderSpec, cname: str) -> None:
        attached = self._transports[spec.transport_id]
        if spec.mid in attached.senders:
            self._counters["control_stale_commands"] += 1
            return
        attached.senders[spec.mid] = self._plane.add_sender(self._peer(attached), **sender_arguments(spec, cname))

    def _tap(self, command: commands.TapTrack) -> None:
        """The recorder hears of it first either way: it takes nothing that it does not know, and nothing after the end."""
        track_id = command.track_id
        track = self._track(track_id)
        if command.recording_id is None:
            self._untap(track_id, track)
            self._plane.set_tap(track, False)
        else:
            spec = self._track_owners[track_id].specs[track_id]
            self._tapped.add(track_id)
            self.taps.tap(track, spec, command.participant_id, command.source, command.recording_id)
            self._plane.set_tap(track, True)

    def _untap(self, track_id: TrackId, track: int) -> None:
        if track_id in self._tapped:
            self._tapped.discard(track_id)
            self.taps.untap(track)

    def _set_route(self, spec: RouteSpec) -> None:
        """Route a slot; a track that has gone meanwhile leaves it empty."""
        sender = self._transports[spec.transport_id].senders[spec.mid]
        owner = None if spec.track_id is None else self._track_owners.get(spec.track_id)
        if owner is None or spec.track_id is None:
            self._plane.route(sender, None)
        else:
            self._plane.route(sender, owner.tracks[spec.track_id], spec.payload_types, spec.extensions)

    def _track(self, track_id: TrackId) -> int:
        return self._track_owners[track_id].tracks[track_id]

    def _peer(self, attached: _Attached) -> int:
        """Return the peer's number; raises KeyError when its media has been stopped."""
        if attached.peer is None:
            raise KeyError(attached.transport.transport_id)
        return attached.peer


def _nothing() -> None:
    """A closed transport wakes nobody."""


def _ignore_state(_transport_id: TransportId, _state: TransportState, _reason: str) -> None:
    """The hub has not asked to be told."""


def _log_incident(error: Exception) -> str:
    """Without a hub the log is all there is."""
    _log.error("incident", exc_info=error)
    return "unknown"


def _ignore_fact(_name: str, _transport_id: TransportId | None, _track_id: TrackId | None, _value: int) -> None:
    """The hub has not asked to be told."""
