"""The media of one meeting: who publishes what, who sees it in which slot, and what the plane must do about it.

Plain calls in, effects out: every method may queue PlaneCommands and notices, which `take_effects` gives in order. A refused
call (Refused) has queued nothing. `now` is monotonic seconds; `next_timer` says when `poll` is due.
"""

from collections.abc import Iterable, Mapping

from conclave.media.audience import Audience
from conclave.media.limits import RoomLimits
from conclave.media.notices import Effect, SpeakersChanged, TransportStateChanged
from conclave.media.parameters import Candidate
from conclave.media.speakers import AudioLevel, SpeakerDetector
from conclave.media.stage import Stage
from conclave.media.transport import TransportState
from conclave.media.transports import PUBLISHER, CertificateSource, Transports
from conclave.model.ids import Entropy, ParticipantId, TrackId, TransportId
from conclave.model.media import TrackSource

__all__ = ["Effect", "MediaRoom", "RoomLimits"]


class MediaRoom:
    """One per meeting and breakout room; all its transports live on one lane."""

    def __init__(
        self,
        lane: int,
        candidates: tuple[Candidate, ...],
        certificates: CertificateSource,
        entropy: Entropy,
        limits: RoomLimits | None = None,
    ) -> None:
        limits = limits or RoomLimits()
        self._lane, self._candidates, self._certificates = lane, candidates, certificates
        self._entropy, self._limits = entropy, limits
        self._effects: list[Effect] = []
        self._transports = Transports(lane, candidates, certificates, entropy, self._effects)
        self._audience = Audience(self._transports, entropy, limits, self._effects)
        self._stage = Stage(self._transports, self._audience, self._silence, entropy, limits, self._effects)
        self._detector = SpeakerDetector()
        self._participants: dict[ParticipantId, None] = {}

    def sibling(self) -> "MediaRoom":
        """Return another room on the same lane, which shares nothing with this one but where it can be reached."""
        return MediaRoom(self._lane, self._candidates, self._certificates, self._entropy, self._limits)

    # --- publishing -------------------------------------------------------------------------------------------------

    def declare(self, participant_id: ParticipantId, mid: str, source: TrackSource) -> TrackId:
        """Announce what m-section `mid` of the next publisher offer carries. Declaring the same again gives the same track.

        Raises Refused: `conflict` when the mid carries another source, `too_large` above `tracks_per_participant`.
        """
        self._participants[participant_id] = None
        return self._stage.declare(participant_id, mid, source)

    def check_declarations(self, participant_id: ParticipantId, wanted: Mapping[str, TrackSource]) -> None:
        """Raise what `declare` would raise for these mids, and declare nothing."""
        self._stage.check(participant_id, wanted)

    def publisher_offer(self, participant_id: ParticipantId, sdp: str, now: float) -> str:
        """Negotiate the publishing peer connection and return the answer. Raises Refused as `PublisherNegotiation.read` does."""
        self._participants[participant_id] = None
        answer = self._stage.offer(participant_id, sdp, now)
        self._audience.settle(now)
        return answer

    def unpublish(self, participant_id: ParticipantId, track_id: TrackId, now: float) -> None:
        """End one's own track. Its m-section must not send in the next offer. Raises Refused(not_found)."""
        self._stage.unpublish(participant_id, track_id)
        self._audience.settle(now)

    def stop_publishing(self, participant_id: ParticipantId, now: float) -> None:
        """Take a participant's tracks, declarations and publishing connection away; it goes on receiving."""
        self._stage.leave(participant_id)
        self._audience.settle(now)

    def mute(self, track_id: TrackId, muted: bool) -> None:
        """Let the plane forward nothing of a track, or again everything. Raises Refused(not_found)."""
        self._stage.mute(track_id, muted)

    def is_muted(self, track_id: TrackId) -> bool:
        return self._stage.is_muted(track_id)

    # --- receiving --------------------------------------------------------------------------------------------------

    def subscribe(self, participant_id: ParticipantId, track_ids: Iterable[TrackId], now: float) -> None:
        """Want tracks. Raises Refused: `not_found` for a track that is not live, `forbidden` for one's own."""
        self._participants[participant_id] = None
        self._audience.subscribe(participant_id, track_ids, now)
        self._audience.settle(now)

    def unsubscribe(self, participant_id: ParticipantId, track_ids: Iterable[TrackId], now: float) -> None:
        """Want tracks no longer; with auto-subscription they stay unwanted until subscribed again. Unknown ones are skipped."""
        self._participants[participant_id] = None
        self._audience.unsubscribe(participant_id, track_ids)
        self._audience.settle(now)

    def auto_subscribe(self, participant_id: ParticipantId, on: bool, now: float) -> None:
        """Want every track of others, present and future. The first offer comes at once, even if there is none yet."""
        self._participants[participant_id] = None
        self._audience.auto_subscribe(participant_id, on, now)
        self._audience.settle(now)

    def subscriber_answer(self, participant_id: ParticipantId, revision: int, sdp: str, now: float) -> None:
        """Take the answer to the outstanding offer. Raises Refused as `SubscriberNegotiation.read_answer` does."""
        self._audience.answer(participant_id, revision, sdp)
        self._audience.settle(now)

    def subscriber_restart(self, participant_id: ParticipantId, now: float) -> None:
        """Restart ICE of the receiving connection; after a failure open a new one. Raises Refused(conflict) for WHEP clients."""
        self._participants[participant_id] = None
        self._audience.restart(participant_id, now)
        self._audience.settle(now)

    def playback_offer(self, participant_id: ParticipantId, sdp: str, now: float) -> str:
        """Negotiate a receiving connection that the client offers (WHEP) and return the answer.

        It takes the place of our own offer while that is unanswered. Raises Refused: `conflict` after an answer to it, and as
        `PlaybackNegotiation.read` does.
        """
        self._participants[participant_id] = None
        answer = self._audience.playback_offer(participant_id, sdp, now)
        self._audience.settle(now)
        return answer

    def resume(self, participant_id: ParticipantId, now: float) -> None:
        """The participant's signaling came back: an outstanding offer is sent again, and waits anew."""
        self._audience.resume(participant_id, now)

    def slots(self, participant_id: ParticipantId) -> tuple[tuple[str, TrackId | None], ...]:
        """Return what each slot of a participant shows, as last told by SlotsChanged."""
        return self._audience.slots(participant_id)

    # --- leaving ----------------------------------------------------------------------------------------------------

    def leave(self, participant_id: ParticipantId, now: float) -> None:
        """Take a participant's tracks and connections away. Unknown participants are passed over."""
        self._participants.pop(participant_id, None)
        self._audience.leave(participant_id)
        self._stage.leave(participant_id)
        self._audience.settle(now)

    def close(self, now: float) -> None:
        """End everything."""
        for participant_id in list(self._participants):
            self.leave(participant_id, now)

    # --- facts and time ---------------------------------------------------------------------------------------------

    def on_transport_state(self, transport_id: TransportId, state: str, reason: str, now: float) -> None:
        """A transport changed. One that failed or closed is taken away with its tracks; the client opens a new connection."""
        owner = self._transports.owner_of(transport_id)
        if owner is None:
            return
        participant_id, role_name = owner
        if state in (TransportState.FAILED, TransportState.CLOSED):
            (self._stage.close if role_name == PUBLISHER else self._audience.fail)(participant_id)
        self._effects.append(TransportStateChanged(participant_id, role_name, state, reason))
        self._audience.settle(now)

    def on_audio_levels(self, levels: Iterable[AudioLevel], now: float) -> None:
        """Take what the plane measured; only microphones that are live and not muted count."""
        live = self._stage.live
        heard = [
            level
            for level in levels
            if level.track_id in live
            and live[level.track_id].source is TrackSource.MICROPHONE
            and not self._stage.is_muted(level.track_id)
        ]
        if self._detector.hear(heard, now):
            self._audience.speaking(self._detector.speakers)
            self._effects.append(SpeakersChanged(self.speakers))

    @property
    def speakers(self) -> tuple[ParticipantId, ...]:
        """Who speaks now, loudest first."""
        return tuple(dict.fromkeys(map(self._stage.owner_of, self._detector.speakers)))

    def poll(self, now: float) -> None:
        """Make the offers that are due and give up on those that nobody answers."""
        self._audience.settle(now)

    def next_timer(self) -> float | None:
        """Return when `poll` is due, None when nothing is pending."""
        return self._audience.next_timer()

    def take_effects(self) -> list[Effect]:
        """Return what is to be done, in order, and forget it."""
        taken = self._effects.copy()
        self._effects.clear()
        return taken

    def _silence(self, track_id: TrackId) -> None:
        if self._detector.forget(track_id):
            self._effects.append(SpeakersChanged(self.speakers))
