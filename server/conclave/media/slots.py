"""Which slot of a receiver shows which track. A slot is an m-section that sends to it; what it shows changes without SDP."""

from collections.abc import Mapping

from conclave.media import codecs
from conclave.media.prominence import Prominence
from conclave.media.publisher import NegotiatedTrack
from conclave.model.ids import Entropy, TrackId, TransportId
from conclave.model.media import CodecParameters, MediaKind, RouteSpec, SenderSpec

MINIMUM_SLOTS = 4


class Slot:
    """One outbound m-section: fixed mid, SSRCs and cname. It can show a track while the peer receives on it (`usable`).

    `codec_list` is a number that slots of a pool with equal codecs share; `revision` tells when the route must be made anew.
    `later_rtx` are payload types with their RTX that a later offer may add: a sender is made once, and must know them by then.
    """

    def __init__(
        self, mid: str, kind: MediaKind, ssrc: int, rtx_ssrc: int | None, later_rtx: Mapping[int, int] | None = None
    ) -> None:
        self.mid = mid
        self.kind = kind
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc
        self.later_rtx = later_rtx or {}
        self.usable = False
        self.rejected = False
        self.codecs: tuple[CodecParameters, ...] = ()
        self.codec_list = 0
        self.extensions: Mapping[str, int] = {}
        self.revision = 0
        self.track_id: TrackId | None = None
        self.last_codec: codecs.CodecIdentity | None = None

    @property
    def cname(self) -> str:
        return f"slot-{self.mid}"

    def sender_spec(self, transport_id: TransportId) -> SenderSpec:
        rtx = {codec.payload_type: codec.rtx_payload_type for codec in self.codecs if codec.rtx_payload_type is not None}
        if rtx:
            rtx = {**self.later_rtx, **rtx}
        return SenderSpec(
            transport_id=transport_id,
            mid=self.mid,
            kind=self.kind,
            ssrc=self.ssrc,
            rtx_ssrc=self.rtx_ssrc if rtx else None,
            mid_ext_id=self.extensions.get(codecs.MID_URI),
            rtx_payload_types=rtx,
            clock_rate=self.codecs[0].clock_rate,
        )


class SsrcSource:
    """SSRCs that are unique within one transport."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._given: set[int] = set()

    def next(self) -> int:
        while True:
            ssrc = int.from_bytes(self._entropy(4), "big")
            if ssrc and ssrc not in self._given:
                self._given.add(ssrc)
                return ssrc


class SlotPool:
    """The slots of one receiver and the tracks it wants, in the order in which it asked for them.

    `version` grows with every change that can alter what is needed or shown. `prominence` decides when slots are short.
    """

    def __init__(self, prominence: Prominence | None = None) -> None:
        self.slots: list[Slot] = []
        self._prominence = prominence or Prominence()
        self.version = 0
        self._wanted: dict[TrackId, NegotiatedTrack] = {}
        self._mappings: dict[TrackId, dict[int, dict[int, int]]] = {}
        self._codec_lists = 0

    def add(self, slot: Slot) -> None:
        self.slots.append(slot)
        self.version += 1

    def accept(self, slot: Slot, negotiated: tuple[CodecParameters, ...], extensions: Mapping[str, int]) -> None:
        """The peer receives on `slot` with these codecs and header extensions (URI -> id)."""
        alike = next((other for other in self.slots if other.codecs == negotiated), None)
        if alike is None:
            self._codec_lists += 1
            self._mappings.clear()
        slot.codec_list = alike.codec_list if alike else self._codec_lists
        slot.codecs = negotiated
        slot.extensions = extensions
        slot.usable = True
        self.version += 1
        slot.revision = self.version

    def withdraw(self, slot: Slot, *, for_good: bool) -> None:
        """The peer does not receive on `slot` now; `for_good` when it rejected the m-section."""
        slot.usable = False
        slot.rejected = slot.rejected or for_good
        slot.track_id = None
        self.version += 1
        slot.revision = self.version

    def want(self, track: NegotiatedTrack) -> None:
        """Ask for a track, or renew what is known of it after a renegotiation."""
        track_id = track.spec.track_id
        self.version += 1
        self._mappings.pop(track_id, None)
        self._wanted[track_id] = track
        for slot in self.slots:
            if slot.track_id == track_id:
                slot.revision = self.version

    def unwant(self, track_id: TrackId) -> bool:
        """Want it no longer; tell whether it was wanted."""
        if self._wanted.pop(track_id, None) is None:
            return False
        self._mappings.pop(track_id, None)
        self.version += 1
        return True

    @property
    def wanted(self) -> frozenset[TrackId]:
        return frozenset(self._wanted)

    @property
    def unsupported(self) -> frozenset[TrackId]:
        """Wanted tracks that no slot of this receiver can show, known once it answered for their kind."""
        sinks = {kind: self._sinks(kind) for kind in MediaKind}
        return frozenset(
            track_id for track_id, track in self._wanted.items() if not self._showable(track, sinks[track.spec.kind])
        )

    def reconsider(self) -> None:
        """Prominence changed: if some wanted track is not shown, the next `assign` may decide otherwise."""
        if len(self._wanted) > sum(1 for slot in self.slots if slot.track_id is not None):
            self.version += 1

    def preferred_codecs(self) -> frozenset[codecs.CodecIdentity]:
        """Return what the publishers of the wanted tracks send."""
        return frozenset(codecs.identity_of(track.spec.codecs[0]) for track in self._wanted.values())

    def demand(self, kind: MediaKind) -> int:
        """Return how many slots of `kind` the wanted tracks could use."""
        sinks = self._sinks(kind)
        return sum(1 for track in self._wanted.values() if track.spec.kind is kind and self._showable(track, sinks))

    def capacity(self, kind: MediaKind) -> int:
        """Return how many slots of `kind` exist or are on offer."""
        return sum(1 for slot in self.slots if slot.kind is kind and not slot.rejected)

    def mapping(self) -> tuple[tuple[str, TrackId | None], ...]:
        """Return (mid, track shown or None) of every usable slot."""
        return tuple((slot.mid, slot.track_id) for slot in self.slots if slot.usable)

    def route(self, slot: Slot, transport_id: TransportId) -> RouteSpec:
        """Return what a slot is to forward."""
        if slot.track_id is None:
            return RouteSpec(transport_id, slot.mid, None)
        track = self._wanted[slot.track_id]
        return RouteSpec(
            transport_id,
            slot.mid,
            slot.track_id,
            payload_types=self._payload_types(track, slot),
            extensions=codecs.map_extensions(track.extensions, slot.extensions),
        )

    def assign(self) -> None:
        """Give wanted tracks to free slots. A track keeps its slot until a more prominent one needs it."""
        shown = set()
        for slot in self.slots:
            if slot.track_id is not None and not self._still_fits(slot):
                self._show(slot, None)
            if slot.track_id is not None:
                shown.add(slot.track_id)
        waiting = [track for track_id, track in self._wanted.items() if track_id not in shown]
        for track in sorted(waiting, key=self._rank, reverse=True):
            slot_found = self._slot_for(track)
            if slot_found is not None:
                self._show(slot_found, track)

    def _show(self, slot: Slot, track: NegotiatedTrack | None) -> None:
        slot.track_id = track.spec.track_id if track else None
        slot.last_codec = codecs.identity_of(track.spec.codecs[0]) if track else slot.last_codec
        slot.revision = self.version

    def _still_fits(self, slot: Slot) -> bool:
        track = self._wanted.get(slot.track_id) if slot.track_id else None
        return track is not None and slot.usable and bool(self._payload_types(track, slot))

    def _slot_for(self, track: NegotiatedTrack) -> Slot | None:
        fitting = [slot for slot in self.slots if slot.usable and slot.kind is track.spec.kind]
        free = [slot for slot in fitting if slot.track_id is None and self._payload_types(track, slot)]
        if free:
            codec = codecs.identity_of(track.spec.codecs[0])
            return min(free, key=lambda slot: slot.last_codec != codec)
        taken = [slot for slot in reversed(fitting) if self._payload_types(track, slot)]
        least = min(taken, key=self._rank_shown, default=None)
        return least if least is not None and self._rank(track) > self._rank_shown(least) else None

    def _rank(self, track: NegotiatedTrack) -> int:
        return self._prominence.rank(track.spec.track_id, track.source)

    def _rank_shown(self, slot: Slot) -> int:
        assert slot.track_id is not None, "free slots are given before any is taken"
        return self._rank(self._wanted[slot.track_id])

    def _sinks(self, kind: MediaKind) -> list[Slot]:
        """Return one usable slot of `kind` per codec list: in practice one, so that nothing below is quadratic."""
        return list({slot.codec_list: slot for slot in self.slots if slot.usable and slot.kind is kind}.values())

    def _showable(self, track: NegotiatedTrack, sinks: list[Slot]) -> bool:
        if not sinks:
            return not self._refused(track.spec.kind)
        return any(self._payload_types(track, slot) for slot in sinks)

    def _refused(self, kind: MediaKind) -> bool:
        """Tell whether the peer rejected every slot of `kind` that it was offered."""
        offered = [slot.rejected for slot in self.slots if slot.kind is kind]
        return bool(offered) and all(offered)

    def _payload_types(self, track: NegotiatedTrack, slot: Slot) -> dict[int, int]:
        """Return inbound -> outbound payload types, empty when the codec that the publisher prefers cannot be shown in `slot`.

        A publisher sends the first codec of our answer; if only the others fit, the slot would stay black.
        """
        mappings = self._mappings.setdefault(track.spec.track_id, {})
        mapping = mappings.get(slot.codec_list)
        if mapping is None:
            mapping = codecs.map_payload_types(track.spec.codecs, slot.codecs)
            if track.spec.codecs[0].payload_type not in mapping:
                mapping = {}
            mappings[slot.codec_list] = mapping
        return mapping


def grown_capacity(current: int, needed: int, limit: int) -> int:
    """Return the next capacity: doubled from 4 until it holds `needed`, never above `limit`, never below `current`."""
    if needed <= current:
        return current
    capacity = max(MINIMUM_SLOTS, current)
    while capacity < needed:
        capacity *= 2
    return max(current, min(capacity, limit))
