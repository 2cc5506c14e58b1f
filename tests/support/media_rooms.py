"""A MediaRoom whose clients answer every offer and whose plane refuses what a real one could not do."""

from collections import Counter

import pytest
from tests.support.sdp_clients import answer, offer, section, seeded

from conclave.media.certificate import CertificateRotation
from conclave.media.commands import (
    AddSender,
    AddTrack,
    CloseTransport,
    MuteTrack,
    OpenTransport,
    RemoveSender,
    RemoveTrack,
    SetRoute,
)
from conclave.media.notices import (
    OfferReady,
)
from conclave.media.parameters import Candidate
from conclave.media.room import Effect, MediaRoom, RoomLimits
from conclave.media.sdp_parse import parse_sdp
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import ParticipantId, TrackId, TransportId
from conclave.model.media import TrackSource

ANN, BOB, CAT = ParticipantId("ann"), ParticipantId("bob"), ParticipantId("cat")
AV_OFFER = offer(section("0", "audio"), section("1"))
CERTIFICATES = CertificateRotation(seeded())


class Room:
    """A MediaRoom with clients that answer every offer, and a plane that remembers what it was told."""

    def __init__(self, limits: RoomLimits | None = None) -> None:
        self.room = MediaRoom(3, (Candidate("udp", "127.0.0.1", 7000),), CERTIFICATES.current, seeded(), limits)
        self.now = 0.0
        self.offers: Counter[ParticipantId] = Counter()
        self.seen: list[Effect] = []
        self.senders: set[tuple[TransportId, str]] = set()
        self.routes: dict[tuple[TransportId, str], TrackId | None] = {}
        self.tracks: set[TrackId] = set()
        self.open: dict[TransportId, str] = {}

    def take(self) -> list[Effect]:
        """Take the effects, check that the plane can perform each, and return them."""
        effects = self.room.take_effects()
        for effect in effects:
            self._perform(effect)
        self.seen += effects
        return effects

    def _perform(self, effect: Effect) -> None:
        match effect:
            case OpenTransport(transport, _):
                assert transport.transport_id not in self.open
                self.open[transport.transport_id] = transport.role_name
            case CloseTransport(transport_id):
                del self.open[transport_id]
                assert not any(key[0] == transport_id for key in self.senders)
            case AddTrack(spec):
                assert spec.track_id not in self.tracks
                assert spec.transport_id in self.open
                self.tracks.add(spec.track_id)
            case RemoveTrack(track_id):
                self.tracks.remove(track_id)
                assert track_id not in self.routes.values()
            case MuteTrack(track_id, _):
                assert track_id in self.tracks
            case AddSender(spec, _):
                assert (spec.transport_id, spec.mid) not in self.senders
                self.senders.add((spec.transport_id, spec.mid))
                self.routes[spec.transport_id, spec.mid] = None
            case RemoveSender(transport_id, mid):
                self.senders.remove((transport_id, mid))
                del self.routes[transport_id, mid]
            case SetRoute(spec):
                assert (spec.transport_id, spec.mid) in self.senders
                assert spec.track_id is None or spec.track_id in self.tracks
                assert self.routes[spec.transport_id, spec.mid] != spec.track_id or spec.track_id is not None
                self.routes[spec.transport_id, spec.mid] = spec.track_id

    def settle(self, seconds: float = 1.0) -> None:
        """Let time pass; every client answers every offer at once."""
        for _ in range(round(seconds / 0.1)):
            self.now += 0.1
            self.room.poll(self.now)
            while effects := self.take():
                for effect in effects:
                    if isinstance(effect, OfferReady):
                        self.offers[effect.participant_id] += 1
                        self.room.subscriber_answer(effect.participant_id, effect.revision, answer(effect.sdp), self.now)

    def publish(self, who: ParticipantId, text: str = AV_OFFER) -> list[TrackId]:
        sources = {"audio": TrackSource.MICROPHONE, "video": TrackSource.CAMERA}
        sections = [found for found in parse_sdp(text).sections if found.sends]
        tracks = [self.room.declare(who, found.mid, sources[found.kind]) for found in sections]
        self.room.publisher_offer(who, text, self.now)
        return tracks

    def shown(self, who: ParticipantId) -> set[TrackId]:
        return {track_id for _, track_id in self.room.slots(who) if track_id is not None}

    def of(self, kind: type[Effect]) -> list[Effect]:
        return [effect for effect in self.seen if isinstance(effect, kind)]


def refused(call: object, *arguments: object) -> ErrorCode:
    with pytest.raises(Refused) as refusal:
        call(*arguments)  # type: ignore[operator]
    return refusal.value.code
