from tests.support.sdp_clients import seeded, track

from conclave.media.certificate import make_certificate
from conclave.media.publication import AUDIO_BPS, Publication
from conclave.media.publisher import PublisherNegotiation
from conclave.media.transport import MediaTransport
from conclave.model.ids import TransportId
from conclave.model.media import TrackSource

PER_TRACK = {TrackSource.CAMERA: 2_500_000, TrackSource.SCREEN: 4_000_000}


def publication_of(*sources: TrackSource) -> Publication:
    entropy = seeded()
    transport_id = TransportId("publisher")
    transport = MediaTransport(
        transport_id,
        role_name="publisher",
        lane=0,
        candidates=(),
        certificate=make_certificate(entropy),
        entropy=entropy,
        now=0.0,
    )
    publication = Publication(transport, PublisherNegotiation(transport_id, entropy))
    for number, source in enumerate(sources):
        shown = track(f"t{number}", source)
        publication.tracks[shown.spec.track_id] = shown
    return publication


def test_audio_alone_is_not_capped() -> None:
    assert publication_of(TrackSource.MICROPHONE).allowance_bps(PER_TRACK) == 0


def test_each_video_track_adds_what_its_source_may_send() -> None:
    publication = publication_of(TrackSource.MICROPHONE, TrackSource.CAMERA, TrackSource.SCREEN)
    assert publication.allowance_bps(PER_TRACK) == 6_500_000 + AUDIO_BPS
