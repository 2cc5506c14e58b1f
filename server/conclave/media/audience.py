"""Who in one meeting wants to receive what, and the receiving connections that follow from it."""

from collections.abc import Iterable, Iterator

from conclave.media.limits import RoomLimits
from conclave.media.notices import Effect, OfferReady, SlotsChanged, TransportStateChanged
from conclave.media.playback import PlaybackNegotiation
from conclave.media.prominence import Prominence
from conclave.media.publisher import NegotiatedTrack
from conclave.media.reception import Reception
from conclave.media.subscriber import SubscriberNegotiation
from conclave.media.transport import TransportState
from conclave.media.transports import SUBSCRIBER, Transports
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import Entropy, ParticipantId, TrackId


class _Seat:
    """One receiver: what it wants, what it declined in spite of auto-subscription, and its connection.

    `failed`: the last connection ended badly, and the client has not yet asked for another.
    """

    def __init__(self, participant_id: ParticipantId) -> None:
        self.participant_id = participant_id
        self.wanted: dict[TrackId, None] = {}
        self.declined: set[TrackId] = set()
        self.auto_subscribe = False
        self.reception: Reception | None = None
        self.failed = False
        self.revision = 0


class Audience:
    """Every change is felt at the next `settle`, which tells only differences."""

    def __init__(self, transports: Transports, entropy: Entropy, limits: RoomLimits, effects: list[Effect]) -> None:
        self._transports = transports
        self._entropy = entropy
        self._limits = limits
        self._effects = effects
        self._seats: dict[ParticipantId, _Seat] = {}
        self._tracks: dict[TrackId, NegotiatedTrack] = {}
        self._publishers: dict[TrackId, ParticipantId] = {}
        self._prominence = Prominence()

    # --- tracks come and go -----------------------------------------------------------------------------------------

    def track_started(self, publisher_id: ParticipantId, track: NegotiatedTrack) -> None:
        track_id = track.spec.track_id
        self._tracks[track_id] = track
        self._publishers[track_id] = publisher_id
        for seat in self._seats.values():
            if seat.auto_subscribe and seat.participant_id != publisher_id:
                self._want(seat, track_id)

    def track_changed(self, track: NegotiatedTrack) -> None:
        self._tracks[track.spec.track_id] = track
        for seat in self._seats.values():
            if seat.reception is not None and track.spec.track_id in seat.wanted:
                seat.reception.negotiation.pool.want(track)

    def track_ended(self, track_id: TrackId) -> None:
        """Take the track out of every slot at once, before it is removed from the plane."""
        del self._tracks[track_id], self._publishers[track_id]
        self._prominence.forget(track_id)
        for seat in self._seats.values():
            seat.wanted.pop(track_id, None)
            seat.declined.discard(track_id)
            if seat.reception is not None and seat.reception.negotiation.pool.unwant(track_id):
                self._effects.extend(seat.reception.reconcile())

    def track_muted(self, track_id: TrackId, muted: bool) -> None:
        """A muted track gives its slot to one that is not, where slots are short."""
        self._prominence.mute(track_id, muted)
        self._reconsider()

    def speaking(self, track_ids: Iterable[TrackId]) -> None:
        """These microphones are in use, loudest first: they and the cameras beside them are shown before others."""
        for track_id in reversed(list(track_ids)):
            speaker_id = self._publishers[track_id]
            for beside_id, publisher_id in self._publishers.items():
                if publisher_id == speaker_id:
                    self._prominence.rise(beside_id)
        self._reconsider()

    def _reconsider(self) -> None:
        for seat in self._seats.values():
            if seat.reception is not None:
                seat.reception.negotiation.pool.reconsider()
                self._effects.extend(seat.reception.reconcile())

    # --- receivers ask ----------------------------------------------------------------------------------------------

    def subscribe(self, participant_id: ParticipantId, track_ids: Iterable[TrackId], now: float) -> None:
        """See MediaRoom.subscribe."""
        wanted = list(dict.fromkeys(track_ids))
        for track_id in wanted:
            if track_id not in self._tracks:
                raise Refused(ErrorCode.NOT_FOUND, "no such track")
            if self._publishers[track_id] == participant_id:
                raise Refused(ErrorCode.FORBIDDEN, "a participant does not receive its own tracks")
        seat = self._seat(participant_id)
        for track_id in wanted:
            seat.declined.discard(track_id)
            self._want(seat, track_id)
        self._ensure_reception(seat, now)

    def unsubscribe(self, participant_id: ParticipantId, track_ids: Iterable[TrackId]) -> None:
        """See MediaRoom.unsubscribe."""
        seat = self._seat(participant_id)
        for track_id in track_ids:
            seat.wanted.pop(track_id, None)
            if seat.auto_subscribe and track_id in self._tracks:
                seat.declined.add(track_id)
            if seat.reception is not None:
                seat.reception.negotiation.pool.unwant(track_id)

    def auto_subscribe(self, participant_id: ParticipantId, on: bool, now: float) -> None:
        """See MediaRoom.auto_subscribe."""
        seat = self._seat(participant_id)
        seat.auto_subscribe = on
        if not on:
            seat.declined.clear()
            return
        for track_id, publisher_id in self._publishers.items():
            if publisher_id != participant_id and track_id not in seat.declined:
                self._want(seat, track_id)
        self._ensure_reception(seat, now)

    def answer(self, participant_id: ParticipantId, revision: int, sdp: str) -> None:
        """See MediaRoom.subscriber_answer."""
        seat = self._seats.get(participant_id)
        reception = seat.reception if seat is not None else None
        if reception is None or not isinstance(reception.negotiation, SubscriberNegotiation):
            raise Refused(ErrorCode.CONFLICT, f"no offer of revision {revision} is outstanding")
        reception.transport.set_remote(reception.negotiation.read_answer(revision, sdp))
        reception.answered = True

    def restart(self, participant_id: ParticipantId, now: float) -> None:
        """See MediaRoom.subscriber_restart."""
        seat = self._seat(participant_id)
        if seat.reception is None:
            seat.failed = False
            self._ensure_reception(seat, now)
        elif isinstance(seat.reception.negotiation, SubscriberNegotiation):
            seat.reception.negotiation.restart()
        else:
            raise Refused(ErrorCode.CONFLICT, "this connection is negotiated by your offers")

    def playback_offer(self, participant_id: ParticipantId, sdp: str, now: float) -> str:
        """See MediaRoom.playback_offer."""
        seat = self._seat(participant_id)
        known = seat.reception
        if known is not None and isinstance(known.negotiation, PlaybackNegotiation):
            reception, negotiation = known, known.negotiation
        elif known is not None and known.answered:
            raise Refused(ErrorCode.CONFLICT, "a receiving connection is established")
        else:
            reception, negotiation = self._new_playback(participant_id, now)
        plan = negotiation.read(sdp)
        reception.transport.set_remote(plan.remote)
        if reception is not known:
            self._close_reception(seat)
            self._install(seat, reception)
        elif plan.ice_restart:
            self._transports.restart_ice(reception.transport)
        answer = negotiation.answer(plan, reception.transport.local)
        reception.answered = True
        return answer

    def resume(self, participant_id: ParticipantId, now: float) -> None:
        """See MediaRoom.resume."""
        for seat, _, negotiation in self._subscribers():
            if seat.participant_id == participant_id:
                negotiation.extend_deadline(now)
                if negotiation.outstanding is not None:
                    offer = negotiation.outstanding
                    self._effects.append(OfferReady(participant_id, offer.revision, offer.sdp))

    def slots(self, participant_id: ParticipantId) -> tuple[tuple[str, TrackId | None], ...]:
        """See MediaRoom.slots."""
        seat = self._seats.get(participant_id)
        return seat.reception.mapping if seat is not None and seat.reception is not None else ()

    def fail(self, participant_id: ParticipantId) -> None:
        """The receiving connection is lost; the next one is opened when the client asks for it."""
        seat = self._seats[participant_id]
        self._close_reception(seat)
        seat.failed = True
        self._effects.append(SlotsChanged(participant_id, ()))

    def leave(self, participant_id: ParticipantId) -> None:
        seat = self._seats.pop(participant_id, None)
        if seat is not None:
            self._close_reception(seat)

    # --- time passes ------------------------------------------------------------------------------------------------

    def settle(self, now: float) -> None:
        """Bring plane, slots and offers of everybody in line with what is wanted; what did not change costs nothing."""
        for seat in self._seats.values():
            if seat.reception is not None:
                self._effects.extend(seat.reception.reconcile())
        for seat, reception, negotiation in self._subscribers():
            self._negotiate(seat, reception, negotiation, now)

    def next_timer(self) -> float | None:
        """Return when `settle` is due for offers or time-outs."""
        timers = [negotiation.next_timer() for _, _, negotiation in self._subscribers()]
        return min((timer for timer in timers if timer is not None), default=None)

    def _negotiate(self, seat: _Seat, reception: Reception, negotiation: SubscriberNegotiation, now: float) -> None:
        if negotiation.timed_out(now) and negotiation.given_up:
            self.fail(seat.participant_id)
            self._effects.append(TransportStateChanged(seat.participant_id, SUBSCRIBER, TransportState.FAILED, "unanswered"))
        elif negotiation.offer_due(now):
            if negotiation.restart_wanted and reception.answered:
                self._transports.restart_ice(reception.transport)
            offer = negotiation.make_offer(reception.transport.local, now)
            self._effects.append(OfferReady(seat.participant_id, offer.revision, offer.sdp))

    def _subscribers(self) -> Iterator[tuple[_Seat, Reception, SubscriberNegotiation]]:
        for seat in self._seats.values():
            reception = seat.reception
            if reception is not None and isinstance(reception.negotiation, SubscriberNegotiation):
                yield seat, reception, reception.negotiation

    # --- connections ------------------------------------------------------------------------------------------------

    def _seat(self, participant_id: ParticipantId) -> _Seat:
        return self._seats.setdefault(participant_id, _Seat(participant_id))

    def _want(self, seat: _Seat, track_id: TrackId) -> None:
        seat.wanted[track_id] = None
        if seat.reception is not None:
            seat.reception.negotiation.pool.want(self._tracks[track_id])

    def _ensure_reception(self, seat: _Seat, now: float) -> None:
        if seat.reception is not None or seat.failed:
            return
        transport = self._transports.new(SUBSCRIBER, now)
        negotiation = SubscriberNegotiation(
            transport.transport_id,
            self._entropy,
            audio_slots=self._limits.audio_slots,
            video_slots=self._limits.video_slots,
            first_revision=seat.revision + 1,
            prominence=self._prominence,
        )
        if seat.auto_subscribe:
            negotiation.prepare()
        self._install(seat, Reception(seat.participant_id, transport, negotiation))

    def _new_playback(self, participant_id: ParticipantId, now: float) -> tuple[Reception, PlaybackNegotiation]:
        transport = self._transports.new(SUBSCRIBER, now)
        negotiation = PlaybackNegotiation(
            transport.transport_id,
            self._entropy,
            audio_slots=self._limits.audio_slots,
            video_slots=self._limits.video_slots,
            prominence=self._prominence,
        )
        return Reception(participant_id, transport, negotiation), negotiation

    def _install(self, seat: _Seat, reception: Reception) -> None:
        seat.reception = reception
        seat.failed = False
        for track_id in seat.wanted:
            reception.negotiation.pool.want(self._tracks[track_id])
        self._transports.open(seat.participant_id, reception.transport)

    def _close_reception(self, seat: _Seat) -> None:
        reception = seat.reception
        if reception is None:
            return
        if isinstance(reception.negotiation, SubscriberNegotiation):
            seat.revision = reception.negotiation.revision
        self._effects.extend(reception.dismantle())
        self._transports.close(reception.transport)
        seat.reception = None
