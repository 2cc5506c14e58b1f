"""The media of one meeting: who publishes what, who sees it in which slot, and what the plane must do about it.

Plain calls in, effects out: every method may queue PlaneCommands and notices, which `take_effects` gives in order. A refused
call (Refused) has queued nothing. `now` is monotonic seconds; `next_timer` says when `poll` is due.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from conclave.media.certificate import DtlsCertificate
from conclave.media.commands import (
    AddTrack,
    CloseTransport,
    MuteTrack,
    OpenTransport,
    PlaneCommand,
    RemoveTrack,
    RestartIce,
    SetRemb,
    UpdateTrack,
)
from conclave.media.notices import Notice, OfferReady, SlotsChanged, SpeakersChanged, TrackGone, TrackLive, TransportStateChanged
from conclave.media.parameters import Candidate
from conclave.media.playback import PlaybackNegotiation
from conclave.media.publication import Publication
from conclave.media.publisher import DeclaredTrack, NegotiatedTrack, PublisherNegotiation, PublisherPlan
from conclave.media.reception import Reception
from conclave.media.speakers import AudioLevel, SpeakerDetector
from conclave.media.subscriber import SubscriberNegotiation
from conclave.media.transport import MediaTransport, TransportState
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import Entropy, ParticipantId, TrackId, TransportId, new_id
from conclave.model.media import TrackSource

Effect = PlaneCommand | Notice
CertificateSource = Callable[[float], DtlsCertificate]
"""Gives the certificate for a transport opened at `now`; see certificate.CertificateRotation.current."""

PUBLISHER = "publisher"
SUBSCRIBER = "subscriber"


class RoomLimits(Struct, frozen=True):
    """Slots per receiver, tracks per participant, and what one video track may send in bit/s (REMB)."""

    audio_slots: int = 32
    video_slots: int = 25
    tracks_per_participant: int = 8
    camera_bps: int = 2_500_000
    screen_bps: int = 4_000_000


class _Seat:
    """What the room knows of one participant. `declared` holds live tracks as well, by mid."""

    def __init__(self, participant_id: ParticipantId) -> None:
        self.participant_id = participant_id
        self.declared: dict[str, DeclaredTrack] = {}
        self.publication: Publication | None = None
        self.reception: Reception | None = None
        self.wanted: dict[TrackId, None] = {}
        self.declined: set[TrackId] = set()
        self.auto_subscribe = False
        self.reception_failed = False
        self.revision = 0


class MediaRoom:
    """One per meeting; all its transports live on one lane."""

    def __init__(
        self,
        lane: int,
        candidates: tuple[Candidate, ...],
        certificates: CertificateSource,
        entropy: Entropy,
        limits: RoomLimits | None = None,
    ) -> None:
        self._lane = lane
        self._candidates = candidates
        self._certificates = certificates
        self._entropy = entropy
        self._limits = limits or RoomLimits()
        self._seats: dict[ParticipantId, _Seat] = {}
        self._tracks: dict[TrackId, NegotiatedTrack] = {}
        self._owners: dict[TrackId, ParticipantId] = {}
        self._muted: set[TrackId] = set()
        self._transports: dict[TransportId, ParticipantId] = {}
        self._speakers = SpeakerDetector()
        self._effects: list[Effect] = []

    # --- publishing -------------------------------------------------------------------------------------------------

    def declare(self, participant_id: ParticipantId, mid: str, source: TrackSource) -> TrackId:
        """Announce what m-section `mid` of the next publisher offer carries. Declaring the same again gives the same track.

        Raises Refused: `conflict` when the mid carries another source, `too_large` above `tracks_per_participant`.
        """
        seat = self._seat(participant_id)
        known = seat.declared.get(mid)
        if known is not None:
            if known.source is not source:
                raise Refused(ErrorCode.CONFLICT, f"m-section {mid} is declared as {known.source}")
            return known.track_id
        if len(seat.declared) >= self._limits.tracks_per_participant:
            raise Refused(ErrorCode.TOO_LARGE, f"at most {self._limits.tracks_per_participant} tracks can be published")
        track_id = TrackId(new_id(self._entropy))
        seat.declared[mid] = DeclaredTrack(track_id, source)
        self._owners[track_id] = participant_id
        return track_id

    def publisher_offer(self, participant_id: ParticipantId, sdp: str, now: float) -> str:
        """Negotiate the publishing peer connection and return the answer. Raises Refused as `PublisherNegotiation.read` does."""
        seat = self._seat(participant_id)
        publication = seat.publication or self._new_publication(now)
        plan = publication.negotiation.read(sdp, seat.declared)
        transport = publication.transport
        transport.set_remote(plan.remote)
        if seat.publication is None:
            seat.publication = publication
            self._open(seat, transport, PUBLISHER)
        elif plan.ice_restart:
            self._effects.append(RestartIce(transport.transport_id, transport.restart_ice(self._entropy)))
        answer = publication.negotiation.answer(plan, transport.local)
        self._take_tracks(seat, publication, plan)
        self._settle(now)
        return answer

    def _new_publication(self, now: float) -> Publication:
        transport = self._new_transport(PUBLISHER, now)
        return Publication(transport, PublisherNegotiation(transport.transport_id, self._entropy))

    def _take_tracks(self, seat: _Seat, publication: Publication, plan: PublisherPlan) -> None:
        offered = {track.spec.track_id: track for track in plan.tracks}
        for track_id in [track_id for track_id in publication.tracks if track_id not in offered]:
            self._end_track(seat, track_id)
        for track_id, track in offered.items():
            if track_id not in publication.tracks:
                self._start_track(seat, publication, track)
            elif publication.tracks[track_id] != track:
                self._renew_track(publication, track)
        self._update_remb(publication)

    def _start_track(self, seat: _Seat, publication: Publication, track: NegotiatedTrack) -> None:
        track_id = track.spec.track_id
        publication.tracks[track_id] = track
        self._tracks[track_id] = track
        muted = track_id in self._muted
        self._effects.append(AddTrack(track.spec))
        if muted:
            self._effects.append(MuteTrack(track_id, True))
        self._effects.append(TrackLive(track_id, seat.participant_id, track.source, muted))
        for other in self._seats.values():
            if other.auto_subscribe and other is not seat:
                self._want(other, track_id)

    def _renew_track(self, publication: Publication, track: NegotiatedTrack) -> None:
        track_id = track.spec.track_id
        publication.tracks[track_id] = track
        self._tracks[track_id] = track
        self._effects.append(UpdateTrack(track.spec))
        for other in self._seats.values():
            if other.reception is not None and track_id in other.wanted:
                other.reception.negotiation.pool.want(track)

    def unpublish(self, participant_id: ParticipantId, track_id: TrackId, now: float) -> None:
        """End one's own track. Its m-section must not send in the next offer. Raises Refused(not_found)."""
        seat = self._seat(participant_id)
        if self._owners.get(track_id) != participant_id:
            raise Refused(ErrorCode.NOT_FOUND, "no such track of yours")
        self._end_track(seat, track_id)
        if seat.publication is not None:
            self._update_remb(seat.publication)
        self._settle(now)

    def mute(self, track_id: TrackId, muted: bool) -> None:
        """Let the plane forward nothing of a track, or again everything. Raises Refused(not_found)."""
        if track_id not in self._owners:
            raise Refused(ErrorCode.NOT_FOUND, "no such track")
        if muted == (track_id in self._muted):
            return
        (self._muted.add if muted else self._muted.discard)(track_id)
        if track_id in self._tracks:
            self._effects.append(MuteTrack(track_id, muted))
        if muted:
            self._forget_voice(track_id)

    def _end_track(self, seat: _Seat, track_id: TrackId) -> None:
        """Take a track from everybody: first its routes, then the track, then the roster."""
        seat.declared = {mid: track for mid, track in seat.declared.items() if track.track_id != track_id}
        del self._owners[track_id]
        self._muted.discard(track_id)
        if self._tracks.pop(track_id, None) is None:
            return
        if seat.publication is not None:
            seat.publication.tracks.pop(track_id, None)
        for other in self._seats.values():
            other.wanted.pop(track_id, None)
            other.declined.discard(track_id)
            if other.reception is not None and other.reception.negotiation.pool.unwant(track_id):
                self._effects.extend(other.reception.reconcile())
        self._forget_voice(track_id)
        self._effects.append(RemoveTrack(track_id))
        self._effects.append(TrackGone(track_id, seat.participant_id))

    def _update_remb(self, publication: Publication) -> None:
        limits = {TrackSource.CAMERA: self._limits.camera_bps, TrackSource.SCREEN: self._limits.screen_bps}
        allowance_bps = publication.allowance_bps(limits)
        if allowance_bps != publication.remb_bps:
            publication.remb_bps = allowance_bps
            self._effects.append(SetRemb(publication.transport.transport_id, allowance_bps))

    # --- receiving --------------------------------------------------------------------------------------------------

    def subscribe(self, participant_id: ParticipantId, track_ids: Iterable[TrackId], now: float) -> None:
        """Want tracks. Raises Refused: `not_found` for a track that is not live, `forbidden` for one's own."""
        seat = self._seat(participant_id)
        wanted = list(dict.fromkeys(track_ids))
        for track_id in wanted:
            if track_id not in self._tracks:
                raise Refused(ErrorCode.NOT_FOUND, "no such track")
            if self._owners[track_id] == participant_id:
                raise Refused(ErrorCode.FORBIDDEN, "a participant does not receive its own tracks")
        for track_id in wanted:
            seat.declined.discard(track_id)
            self._want(seat, track_id)
        self._ensure_reception(seat, now)
        self._settle(now)

    def unsubscribe(self, participant_id: ParticipantId, track_ids: Iterable[TrackId], now: float) -> None:
        """Want tracks no longer; with auto-subscription they stay unwanted until subscribed again. Unknown ones are skipped."""
        seat = self._seat(participant_id)
        for track_id in track_ids:
            seat.wanted.pop(track_id, None)
            if seat.auto_subscribe and track_id in self._tracks:
                seat.declined.add(track_id)
            if seat.reception is not None:
                seat.reception.negotiation.pool.unwant(track_id)
        self._settle(now)

    def auto_subscribe(self, participant_id: ParticipantId, on: bool, now: float) -> None:
        """Want every track of others, present and future. The first offer comes at once, even if there is none yet."""
        seat = self._seat(participant_id)
        seat.auto_subscribe = on
        if on:
            for track_id in self._tracks:
                if self._owners[track_id] != participant_id and track_id not in seat.declined:
                    self._want(seat, track_id)
            self._ensure_reception(seat, now)
        else:
            seat.declined.clear()
        self._settle(now)

    def _want(self, seat: _Seat, track_id: TrackId) -> None:
        seat.wanted[track_id] = None
        if seat.reception is not None:
            seat.reception.negotiation.pool.want(self._tracks[track_id])

    def _ensure_reception(self, seat: _Seat, now: float) -> None:
        """Open the receiving connection, unless it failed: then the client asks for a new one with `subscriber_restart`."""
        if seat.reception is not None or seat.reception_failed:
            return
        transport = self._new_transport(SUBSCRIBER, now)
        negotiation = SubscriberNegotiation(
            transport.transport_id,
            self._entropy,
            audio_slots=self._limits.audio_slots,
            video_slots=self._limits.video_slots,
            first_revision=seat.revision + 1,
        )
        if seat.auto_subscribe:
            negotiation.prepare()
        self._install_reception(seat, Reception(seat.participant_id, transport, negotiation))

    def _install_reception(self, seat: _Seat, reception: Reception) -> None:
        seat.reception = reception
        seat.reception_failed = False
        for track_id in seat.wanted:
            reception.negotiation.pool.want(self._tracks[track_id])
        self._open(seat, reception.transport, SUBSCRIBER)

    def subscriber_answer(self, participant_id: ParticipantId, revision: int, sdp: str, now: float) -> None:
        """Take the answer to the outstanding offer. Raises Refused as `SubscriberNegotiation.read_answer` does."""
        reception = self._seat(participant_id).reception
        if reception is None or not isinstance(reception.negotiation, SubscriberNegotiation):
            raise Refused(ErrorCode.CONFLICT, f"no offer of revision {revision} is outstanding")
        reception.transport.set_remote(reception.negotiation.read_answer(revision, sdp))
        reception.answered = True
        self._settle(now)

    def subscriber_restart(self, participant_id: ParticipantId, now: float) -> None:
        """Restart ICE of the receiving connection; after a failure open a new one. Raises Refused(conflict) for WHEP clients."""
        seat = self._seat(participant_id)
        if seat.reception is None:
            seat.reception_failed = False
            self._ensure_reception(seat, now)
        elif isinstance(seat.reception.negotiation, SubscriberNegotiation):
            seat.reception.negotiation.restart()
        else:
            raise Refused(ErrorCode.CONFLICT, "this connection is negotiated by your offers")
        self._settle(now)

    def playback_offer(self, participant_id: ParticipantId, sdp: str, now: float) -> str:
        """Negotiate a receiving connection that the client offers (WHEP) and return the answer.

        It takes the place of our own offer while that is unanswered. Raises Refused: `conflict` after an answer to it, and as
        `PlaybackNegotiation.read` does.
        """
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
            self._install_reception(seat, reception)
        elif plan.ice_restart:
            old_ufrag = reception.transport.restart_ice(self._entropy)
            self._effects.append(RestartIce(reception.transport.transport_id, old_ufrag))
        answer = negotiation.answer(plan, reception.transport.local)
        reception.answered = True
        self._settle(now)
        return answer

    def _new_playback(self, participant_id: ParticipantId, now: float) -> tuple[Reception, PlaybackNegotiation]:
        transport = self._new_transport(SUBSCRIBER, now)
        negotiation = PlaybackNegotiation(
            transport.transport_id,
            self._entropy,
            audio_slots=self._limits.audio_slots,
            video_slots=self._limits.video_slots,
        )
        return Reception(participant_id, transport, negotiation), negotiation

    # --- coming and going -------------------------------------------------------------------------------------------

    def leave(self, participant_id: ParticipantId, now: float) -> None:
        """Take a participant's tracks and connections away. Unknown participants are passed over."""
        seat = self._seats.get(participant_id)
        if seat is None:
            return
        self._close_reception(seat)
        self._close_publication(seat)
        for track in list(seat.declared.values()):
            self._end_track(seat, track.track_id)
        del self._seats[participant_id]
        self._settle(now)

    def close(self, now: float) -> None:
        """End everything."""
        for participant_id in list(self._seats):
            self.leave(participant_id, now)

    def resume(self, participant_id: ParticipantId, now: float) -> None:
        """The participant's signaling came back: an outstanding offer is sent again, and waits anew."""
        seat = self._seats.get(participant_id)
        reception = seat.reception if seat else None
        if reception is not None and isinstance(reception.negotiation, SubscriberNegotiation):
            reception.negotiation.extend_deadline(now)
            outstanding = reception.negotiation.outstanding
            if outstanding is not None:
                self._effects.append(OfferReady(participant_id, outstanding.revision, outstanding.sdp))

    def _close_reception(self, seat: _Seat) -> None:
        reception = seat.reception
        if reception is None:
            return
        if isinstance(reception.negotiation, SubscriberNegotiation):
            seat.revision = reception.negotiation.revision
        self._effects.extend(reception.dismantle())
        self._effects.append(CloseTransport(reception.transport.transport_id))
        self._transports.pop(reception.transport.transport_id, None)
        seat.reception = None

    def _close_publication(self, seat: _Seat) -> None:
        publication = seat.publication
        if publication is None:
            return
        for track_id in list(publication.tracks):
            self._end_track(seat, track_id)
        self._effects.append(CloseTransport(publication.transport.transport_id))
        self._transports.pop(publication.transport.transport_id, None)
        seat.publication = None

    # --- facts and time ---------------------------------------------------------------------------------------------

    def on_transport_state(self, transport_id: TransportId, state: str, reason: str, now: float) -> None:
        """A transport changed. One that failed or closed is taken away with its tracks; the client opens a new connection."""
        participant_id = self._transports.get(transport_id)
        if participant_id is None:
            return
        seat = self._seats[participant_id]
        publishes = seat.publication is not None and seat.publication.transport.transport_id == transport_id
        over = state in (TransportState.FAILED, TransportState.CLOSED)
        if over and publishes:
            self._close_publication(seat)
        elif over:
            self._fail_reception(seat)
        self._effects.append(TransportStateChanged(participant_id, PUBLISHER if publishes else SUBSCRIBER, state, reason))
        self._settle(now)

    def _fail_reception(self, seat: _Seat) -> None:
        self._close_reception(seat)
        seat.reception_failed = True
        self._effects.append(SlotsChanged(seat.participant_id, ()))

    def on_audio_levels(self, levels: Iterable[AudioLevel], now: float) -> None:
        """Take what the plane measured; unknown and muted tracks are passed over."""
        heard = [level for level in levels if level.track_id in self._tracks and level.track_id not in self._muted]
        microphones = [level for level in heard if self._tracks[level.track_id].source is TrackSource.MICROPHONE]
        if self._speakers.hear(microphones, now):
            self._effects.append(self._speakers_changed())

    def poll(self, now: float) -> None:
        """Make the offers that are due and give up on those that nobody answers."""
        self._settle(now)

    def next_timer(self) -> float | None:
        """Return when `poll` is due, None when nothing is pending."""
        timers = [
            seat.reception.negotiation.next_timer()
            for seat in self._seats.values()
            if seat.reception is not None and isinstance(seat.reception.negotiation, SubscriberNegotiation)
        ]
        return min((timer for timer in timers if timer is not None), default=None)

    def take_effects(self) -> list[Effect]:
        """Return what is to be done, in order, and forget it."""
        effects, self._effects = self._effects, []
        return effects

    @property
    def speakers(self) -> tuple[ParticipantId, ...]:
        """Who speaks now, loudest first."""
        return tuple(dict.fromkeys(self._owners[track_id] for track_id in self._speakers.speakers))

    def slots(self, participant_id: ParticipantId) -> tuple[tuple[str, TrackId | None], ...]:
        """Return what each slot of a participant shows, as last told by SlotsChanged."""
        seat = self._seats.get(participant_id)
        return seat.reception.mapping if seat is not None and seat.reception is not None else ()

    def is_muted(self, track_id: TrackId) -> bool:
        return track_id in self._muted

    # --- inner parts ------------------------------------------------------------------------------------------------

    def _seat(self, participant_id: ParticipantId) -> _Seat:
        return self._seats.setdefault(participant_id, _Seat(participant_id))

    def _new_transport(self, role_name: str, now: float) -> MediaTransport:
        return MediaTransport(
            TransportId(new_id(self._entropy)),
            role_name=role_name,
            lane=self._lane,
            candidates=self._candidates,
            certificate=self._certificates(now),
            entropy=self._entropy,
            now=now,
        )

    def _open(self, seat: _Seat, transport: MediaTransport, role_name: str) -> None:
        self._transports[transport.transport_id] = seat.participant_id
        self._effects.append(OpenTransport(transport, self._lane))
        self._effects.append(TransportStateChanged(seat.participant_id, role_name, TransportState.CONNECTING))

    def _settle(self, now: float) -> None:
        """Bring plane, slots and offers of everybody in line with what is wanted; what did not change costs nothing."""
        for seat in self._seats.values():
            if seat.reception is not None:
                self._effects.extend(seat.reception.reconcile())
                self._negotiate(seat, seat.reception, now)

    def _negotiate(self, seat: _Seat, reception: Reception, now: float) -> None:
        negotiation = reception.negotiation
        if not isinstance(negotiation, SubscriberNegotiation):
            return
        if negotiation.timed_out(now) and negotiation.given_up:
            self._fail_reception(seat)
            self._effects.append(TransportStateChanged(seat.participant_id, SUBSCRIBER, TransportState.FAILED, "unanswered"))
        elif negotiation.offer_due(now):
            transport = reception.transport
            if negotiation.restart_wanted and reception.answered:
                self._effects.append(RestartIce(transport.transport_id, transport.restart_ice(self._entropy)))
            offer = negotiation.make_offer(transport.local, now)
            self._effects.append(OfferReady(seat.participant_id, offer.revision, offer.sdp))

    def _forget_voice(self, track_id: TrackId) -> None:
        if self._speakers.forget(track_id):
            self._effects.append(self._speakers_changed())

    def _speakers_changed(self) -> SpeakersChanged:
        return SpeakersChanged(self.speakers)
