"""What the participants of one meeting publish: declarations, publishing connections, live tracks."""

from collections.abc import Callable, Mapping

from conclave.media.audience import Audience
from conclave.media.commands import AddTrack, MuteTrack, RemoveTrack, SetRemb, UpdateTrack
from conclave.media.limits import RoomLimits
from conclave.media.notices import Effect, TrackGone, TrackLive
from conclave.media.publication import Publication
from conclave.media.publisher import DeclaredTrack, NegotiatedTrack, PublisherNegotiation, PublisherPlan
from conclave.media.transports import PUBLISHER, Transports
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import Entropy, ParticipantId, TrackId, new_id
from conclave.model.media import TrackSource


class Stage:
    """Tells the audience of every track that starts, changes or ends; `silence` is called for one that is not heard any more."""

    def __init__(
        self,
        transports: Transports,
        audience: Audience,
        silence: Callable[[TrackId], None],
        entropy: Entropy,
        limits: RoomLimits,
        effects: list[Effect],
    ) -> None:
        self._transports = transports
        self._audience = audience
        self._silence = silence
        self._entropy = entropy
        self._limits = limits
        self._effects = effects
        self._declared: dict[ParticipantId, dict[str, DeclaredTrack]] = {}
        self._publications: dict[ParticipantId, Publication] = {}
        self._owners: dict[TrackId, ParticipantId] = {}
        self._muted: set[TrackId] = set()
        self._live: dict[TrackId, NegotiatedTrack] = {}

    @property
    def live(self) -> Mapping[TrackId, NegotiatedTrack]:
        return self._live

    def owner_of(self, track_id: TrackId) -> ParticipantId:
        """Return who publishes a declared or live track. Raises KeyError."""
        return self._owners[track_id]

    def is_muted(self, track_id: TrackId) -> bool:
        return track_id in self._muted

    def declare(self, participant_id: ParticipantId, mid: str, source: TrackSource) -> TrackId:
        """See MediaRoom.declare. A live track stays declared."""
        self.check(participant_id, {mid: source})
        declared = self._declared.setdefault(participant_id, {})
        known = declared.get(mid)
        if known is not None:
            return known.track_id
        track_id = TrackId(new_id(self._entropy))
        declared[mid] = DeclaredTrack(track_id, source)
        self._owners[track_id] = participant_id
        return track_id

    def check(self, participant_id: ParticipantId, wanted: Mapping[str, TrackSource]) -> None:
        """See MediaRoom.check_declarations."""
        declared = self._declared.get(participant_id, {})
        for mid, source in wanted.items():
            known = declared.get(mid)
            if known is not None and known.source is not source:
                raise Refused(ErrorCode.CONFLICT, f"m-section {mid} is declared as {known.source}")
        if len(declared.keys() | wanted.keys()) > max(len(declared), self._limits.tracks_per_participant):
            raise Refused(ErrorCode.TOO_LARGE, f"at most {self._limits.tracks_per_participant} tracks can be published")

    def offer(self, participant_id: ParticipantId, sdp: str, now: float) -> str:
        """See MediaRoom.publisher_offer."""
        known = self._publications.get(participant_id)
        publication = known or self._new_publication(now)
        plan = publication.negotiation.read(sdp, self._declared.get(participant_id, {}))
        transport = publication.transport
        transport.set_remote(plan.remote)
        if known is None:
            self._publications[participant_id] = publication
            self._transports.open(participant_id, transport)
        elif plan.ice_restart:
            self._transports.restart_ice(transport)
        answer = publication.negotiation.answer(plan, transport.local)
        self._take_tracks(participant_id, publication, plan)
        return answer

    def _new_publication(self, now: float) -> Publication:
        transport = self._transports.new(PUBLISHER, now)
        return Publication(transport, PublisherNegotiation(transport.transport_id, self._entropy))

    def _take_tracks(self, participant_id: ParticipantId, publication: Publication, plan: PublisherPlan) -> None:
        """Endings first: what begins may carry the SSRCs of what ended."""
        offered = {track.spec.track_id: track for track in plan.tracks}
        for track_id in [track_id for track_id in publication.tracks if track_id not in offered]:
            self._end(track_id)
        for track_id, track in offered.items():
            if track_id not in publication.tracks:
                self._start(participant_id, track)
            elif publication.tracks[track_id] != track:
                self._effects.append(UpdateTrack(track.spec))
                self._audience.track_changed(track)
            publication.tracks[track_id] = track
            self._live[track_id] = track
        self._update_remb(publication)

    def _start(self, participant_id: ParticipantId, track: NegotiatedTrack) -> None:
        track_id = track.spec.track_id
        muted = track_id in self._muted
        self._effects.append(AddTrack(track.spec))
        if muted:
            self._effects.append(MuteTrack(track_id, True))
        self._effects.append(TrackLive(track_id, participant_id, track.source, muted))
        self._audience.track_started(participant_id, track)
        if muted:
            self._audience.track_muted(track_id, True)

    def unpublish(self, participant_id: ParticipantId, track_id: TrackId) -> None:
        """See MediaRoom.unpublish."""
        if self._owners.get(track_id) != participant_id:
            raise Refused(ErrorCode.NOT_FOUND, "no such track of yours")
        self._end(track_id)
        publication = self._publications.get(participant_id)
        if publication is not None:
            self._update_remb(publication)

    def mute(self, track_id: TrackId, muted: bool) -> None:
        """See MediaRoom.mute."""
        if track_id not in self._owners:
            raise Refused(ErrorCode.NOT_FOUND, "no such track")
        if muted == (track_id in self._muted):
            return
        (self._muted.add if muted else self._muted.discard)(track_id)
        if track_id in self._live:
            self._effects.append(MuteTrack(track_id, muted))
            self._audience.track_muted(track_id, muted)
        if muted:
            self._silence(track_id)

    def close(self, participant_id: ParticipantId) -> None:
        """Take the publishing connection and its tracks away; what is declared but not live stays declared."""
        publication = self._publications.get(participant_id)
        if publication is None:
            return
        for track_id in list(publication.tracks):
            self._end(track_id)
        self._transports.close(publication.transport)
        del self._publications[participant_id]

    def leave(self, participant_id: ParticipantId) -> None:
        """Take away everything that the participant published or declared."""
        self.close(participant_id)
        for declared in list(self._declared.get(participant_id, {}).values()):
            self._end(declared.track_id)
        self._declared.pop(participant_id, None)

    def _end(self, track_id: TrackId) -> None:
        """Take a track from everybody: first its routes, then the track, then the roster."""
        participant_id = self._owners.pop(track_id)
        declared = self._declared[participant_id]
        self._declared[participant_id] = {mid: track for mid, track in declared.items() if track.track_id != track_id}
        self._muted.discard(track_id)
        if self._live.pop(track_id, None) is None:
            return
        self._publications[participant_id].tracks.pop(track_id, None)
        self._audience.track_ended(track_id)
        self._silence(track_id)
        self._effects.append(RemoveTrack(track_id))
        self._effects.append(TrackGone(track_id, participant_id))

    def _update_remb(self, publication: Publication) -> None:
        limits = {TrackSource.CAMERA: self._limits.camera_bps, TrackSource.SCREEN: self._limits.screen_bps}
        allowance_bps = publication.allowance_bps(limits)
        if allowance_bps != publication.remb_bps:
            publication.remb_bps = allowance_bps
            self._effects.append(SetRemb(publication.transport.transport_id, allowance_bps))
