"""One receiving peer connection of a participant: its slots, and the difference between what is wanted and what the plane has."""

from collections.abc import Iterator

from conclave.media.commands import AddSender, PlaneCommand, RemoveSender, SetRoute
from conclave.media.notices import Notice, SlotsChanged, TracksUnsupported
from conclave.media.playback import PlaybackNegotiation
from conclave.media.subscriber import SubscriberNegotiation
from conclave.media.transport import MediaTransport
from conclave.model.ids import ParticipantId, TrackId
from conclave.model.media import RouteSpec


class Reception:
    """Owns the transport; `negotiation` is a SubscriberNegotiation (we offer) or a PlaybackNegotiation (the client does)."""

    def __init__(
        self,
        participant_id: ParticipantId,
        transport: MediaTransport,
        negotiation: SubscriberNegotiation | PlaybackNegotiation,
    ) -> None:
        self.participant_id = participant_id
        self.transport = transport
        self.negotiation = negotiation
        self.answered = False
        self._routes: dict[str, RouteSpec] = {}
        self._revisions: dict[str, int] = {}
        self._mapping: tuple[tuple[str, TrackId | None], ...] = ()
        self._unsupported: frozenset[TrackId] = frozenset()
        self._version = -1

    @property
    def mapping(self) -> tuple[tuple[str, TrackId | None], ...]:
        """What each slot shows now, as last told."""
        return self._mapping

    def reconcile(self) -> Iterator[PlaneCommand | Notice]:
        """Assign tracks to slots; yield what makes the plane agree, then what the participant must know, if anything changed."""
        pool = self.negotiation.pool
        if pool.version == self._version:
            return
        self._version = pool.version
        pool.assign()
        yield from self._reconcile_routes()
        mapping = pool.mapping()
        if mapping != self._mapping:
            self._mapping = mapping
            yield SlotsChanged(self.participant_id, mapping)
        unsupported = pool.unsupported
        if unsupported != self._unsupported:
            self._unsupported = unsupported
            yield TracksUnsupported(self.participant_id, unsupported)

    def _reconcile_routes(self) -> Iterator[PlaneCommand]:
        """Senders that ended, new senders, then routes: those that empty a slot before those that fill one.

        A sender outlives the times in which the client does not receive on its slot: its SSRC and sequence numbers go on.
        """
        transport_id = self.transport.transport_id
        pool = self.negotiation.pool
        for slot in pool.slots:
            if slot.rejected and slot.mid in self._routes:
                del self._routes[slot.mid], self._revisions[slot.mid]
                yield RemoveSender(transport_id, slot.mid)
        changed = []
        for slot in pool.slots:
            if slot.usable and slot.mid not in self._routes:
                self._routes[slot.mid] = RouteSpec(transport_id, slot.mid, None)
                yield AddSender(slot.sender_spec(transport_id), slot.cname)
            if slot.mid in self._routes and self._revisions.get(slot.mid) != slot.revision:
                self._revisions[slot.mid] = slot.revision
                changed.append(pool.route(slot, transport_id))
        for route in sorted(changed, key=lambda route: route.track_id is not None):
            if self._routes[route.mid] != route:
                self._routes[route.mid] = route
                yield SetRoute(route)

    def dismantle(self) -> Iterator[PlaneCommand]:
        """Yield what takes the senders out of the plane."""
        for mid in self._routes:
            yield RemoveSender(self.transport.transport_id, mid)
        self._routes = {}
        self._revisions = {}
