"""The recorded offers of real clients, and engines of today: each gets answers that it accepts, and accepts our offers."""

import asyncio
from collections.abc import AsyncIterator

import aiortc
import pytest
import webrtc
from aiortc.mediastreams import AudioStreamTrack
from tests.support.sdp_clients import LOCAL, RECORDED, declare_all, recorded, seeded, track

from conclave.media import codecs
from conclave.media.playback import PlaybackNegotiation
from conclave.media.publisher import PublisherNegotiation, PublisherPlan
from conclave.media.sdp import MAX_SDP_BYTES, Direction
from conclave.media.sdp_parse import parse_sdp
from conclave.media.subscriber import SubscriberNegotiation
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import TransportId
from conclave.model.media import MediaKind, TrackSource

TRANSPORT = TransportId("transport")
PUBLISHERS = sorted(path.stem for path in RECORDED.glob("*.txt") if not path.stem.endswith("whep"))
PLAYERS = sorted(path.stem for path in RECORDED.glob("*_whep.txt"))
FIRST_VIDEO_CODEC = {"safari_publish": "video/H264"}


def publisher() -> PublisherNegotiation:
    return PublisherNegotiation(TRANSPORT, seeded())


def read(name: str) -> tuple[PublisherNegotiation, PublisherPlan]:
    negotiation = publisher()
    return negotiation, negotiation.read(recorded(name), declare_all(recorded(name)))


def full_subscriber() -> SubscriberNegotiation:
    negotiation = SubscriberNegotiation(TRANSPORT, seeded(), audio_slots=32, video_slots=25)
    for number in range(50):
        negotiation.pool.want(track(f"cam{number}"))
        negotiation.pool.want(track(f"mic{number}", TrackSource.MICROPHONE))
    return negotiation


@pytest.mark.parametrize("name", PUBLISHERS)
def test_every_recorded_publisher_is_answered(name: str) -> None:
    negotiation, plan = read(name)
    answered = parse_sdp(negotiation.answer(plan, LOCAL))
    offered = parse_sdp(recorded(name))
    assert [found.mid for found in answered.sections] == [found.mid for found in offered.sections]
    for ours, theirs in zip(answered.sections, offered.sections, strict=True):
        if theirs.kind == "application":
            assert ours.rejected
            continue
        assert ours.direction is Direction.RECVONLY
        assert ours.setup == "passive"
        assert {codec.payload_type for codec in ours.codecs} <= {codec.payload_type for codec in theirs.codecs}
        assert ours.simulcast == ""
        assert not any("transport-cc" in codec.feedback for codec in ours.codecs)


@pytest.mark.parametrize("name", PUBLISHERS)
def test_every_recorded_publisher_has_tracks_that_the_plane_can_tell_apart(name: str) -> None:
    _, plan = read(name)
    video = [found for found in plan.tracks if found.spec.kind is MediaKind.VIDEO]
    audio = [found for found in plan.tracks if found.spec.kind is MediaKind.AUDIO]
    assert len(audio) == 1
    assert audio[0].spec.codecs[0].mime_type == "audio/opus"
    assert {found.spec.codecs[0].mime_type for found in video} == {FIRST_VIDEO_CODEC.get(name, "video/VP8")}
    for found in plan.tracks:
        assert found.spec.ssrc is not None or found.spec.mid_ext_id is not None


def test_safari_sends_constrained_baseline_rather_than_high_profile() -> None:
    _, plan = read("safari_publish")
    assert "42e01f" in plan.tracks[1].spec.codecs[0].sdp_fmtp_line


@pytest.mark.parametrize("name", PUBLISHERS)
def test_no_recorded_publisher_sends_what_it_has_not_declared(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        publisher().read(recorded(name), {})
    assert refusal.value.code is ErrorCode.FORBIDDEN


@pytest.mark.parametrize("name", PLAYERS)
def test_every_recorded_player_gets_one_slot_of_each_kind(name: str) -> None:
    negotiation = PlaybackNegotiation(TRANSPORT, seeded(), audio_slots=4, video_slots=4)
    answered = parse_sdp(negotiation.answer(negotiation.read(recorded(name)), LOCAL))
    assert [found.direction for found in answered.sections] == [Direction.SENDONLY, Direction.SENDONLY]
    negotiation.pool.want(track("cam"))
    negotiation.pool.want(track("mic", TrackSource.MICROPHONE))
    negotiation.pool.assign()
    assert {track_id for _, track_id in negotiation.pool.mapping()} == {"cam", "mic"}


def test_header_extensions_of_chromium_reach_a_subscriber_under_our_ids() -> None:
    _, plan = read("chromium_publish")
    assert set(plan.tracks[1].extensions) >= {codecs.MID_URI, codecs.ABS_SEND_TIME_URI, codecs.VIDEO_ORIENTATION_URI}


# --- libwebrtc ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def chrome() -> AsyncIterator[webrtc.RTCPeerConnection]:
    connection = webrtc.RTCPeerConnection()
    yield connection
    connection.close()
    await asyncio.sleep(0)


async def chrome_offer(connection: webrtc.RTCPeerConnection) -> str:
    made = await connection.create_offer()
    await connection.set_local_description(made)
    return made.sdp


async def chrome_takes(connection: webrtc.RTCPeerConnection, kind: str, sdp: str) -> None:
    await connection.set_remote_description(webrtc.RTCSessionDescriptionInit(type=kind, sdp=sdp))


def send(connection: webrtc.RTCPeerConnection, source: object) -> None:
    connection.add_transceiver(source, webrtc.RTCRtpTransceiverInit(direction="sendonly"))


def directions(connection: webrtc.RTCPeerConnection) -> list[str]:
    return [str(found.current_direction.value) for found in connection.get_transceivers()]


async def test_libwebrtc_publishes_adds_ends_and_restarts(chrome: webrtc.RTCPeerConnection) -> None:
    negotiation = publisher()
    send(chrome, webrtc.MediaStreamTrackGenerator("audio"))
    send(chrome, webrtc.VideoTrackGenerator().track)
    text = await chrome_offer(chrome)
    await chrome_takes(chrome, "answer", negotiation.answer(negotiation.read(text, declare_all(text)), LOCAL))
    assert directions(chrome) == ["sendonly", "sendonly"]

    send(chrome, webrtc.VideoTrackGenerator().track)
    chrome.get_transceivers()[0].direction = "inactive"
    chrome.restart_ice()
    text = await chrome_offer(chrome)
    plan = negotiation.read(text, declare_all(text))
    assert plan.ice_restart
    assert len(plan.ended) == 1
    await chrome_takes(chrome, "answer", negotiation.answer(plan, LOCAL))
    assert directions(chrome) == ["inactive", "sendonly", "sendonly"]


async def test_libwebrtc_plays_what_we_offer(chrome: webrtc.RTCPeerConnection) -> None:
    for kind in ("audio", "video"):
        chrome.add_transceiver(kind, webrtc.RTCRtpTransceiverInit(direction="recvonly"))
    negotiation = PlaybackNegotiation(TRANSPORT, seeded(), audio_slots=4, video_slots=4)
    await chrome_takes(chrome, "answer", negotiation.answer(negotiation.read(await chrome_offer(chrome)), LOCAL))
    assert directions(chrome) == ["recvonly", "recvonly"]


async def test_libwebrtc_takes_a_growing_pool_up_to_its_full_size(chrome: webrtc.RTCPeerConnection) -> None:
    negotiation = SubscriberNegotiation(TRANSPORT, seeded(), audio_slots=32, video_slots=25)
    negotiation.prepare()
    for step, wanted in enumerate((0, 6, 40)):
        for number in range(wanted):
            negotiation.pool.want(track(f"cam{number}"))
            negotiation.pool.want(track(f"mic{number}", TrackSource.MICROPHONE))
        made = negotiation.make_offer(LOCAL, float(step))
        await chrome_takes(chrome, "offer", made.sdp)
        answered = await chrome.create_answer()
        await chrome.set_local_description(answered)
        negotiation.read_answer(made.revision, answered.sdp)
        assert len(answered.sdp) < MAX_SDP_BYTES
    assert len(negotiation.pool.mapping()) == 57
    assert [codec.mime_type for codec in negotiation.pool.slots[-1].codecs] == ["video/VP8", "video/VP9", "video/AV1"]
    assert codecs.MID_URI in negotiation.pool.slots[-1].extensions


# --- aiortc ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def aio() -> AsyncIterator[aiortc.RTCPeerConnection]:
    connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
    yield connection
    await connection.close()


async def aio_offer(connection: aiortc.RTCPeerConnection) -> str:
    await connection.setLocalDescription(await connection.createOffer())
    return connection.localDescription.sdp


async def test_aiortc_publishes_what_we_answer(aio: aiortc.RTCPeerConnection) -> None:
    aio.addTrack(AudioStreamTrack())
    aio.addTrack(aiortc.VideoStreamTrack())
    text = await aio_offer(aio)
    negotiation = publisher()
    answered = negotiation.answer(negotiation.read(text, declare_all(text)), LOCAL)
    await aio.setRemoteDescription(aiortc.RTCSessionDescription(sdp=answered, type="answer"))
    assert [found.currentDirection for found in aio.getTransceivers()] == ["sendonly", "sendonly"]


async def test_aiortc_plays_what_we_offer(aio: aiortc.RTCPeerConnection) -> None:
    aio.addTransceiver("audio", "recvonly")
    aio.addTransceiver("video", "recvonly")
    negotiation = PlaybackNegotiation(TRANSPORT, seeded(), audio_slots=4, video_slots=4)
    answered = negotiation.answer(negotiation.read(await aio_offer(aio)), LOCAL)
    await aio.setRemoteDescription(aiortc.RTCSessionDescription(sdp=answered, type="answer"))
    assert [found.currentDirection for found in aio.getTransceivers()] == ["recvonly", "recvonly"]


async def test_aiortc_takes_our_offers(aio: aiortc.RTCPeerConnection) -> None:
    negotiation = SubscriberNegotiation(TRANSPORT, seeded(), audio_slots=32, video_slots=25)
    negotiation.prepare()
    for step, wanted in enumerate((0, 6)):
        for number in range(wanted):
            negotiation.pool.want(track(f"cam{number}"))
        made = negotiation.make_offer(LOCAL, float(step))
        await aio.setRemoteDescription(aiortc.RTCSessionDescription(sdp=made.sdp, type="offer"))
        await aio.setLocalDescription(await aio.createAnswer())
        remote = negotiation.read_answer(made.revision, aio.localDescription.sdp)
        assert remote.setup == "active"
    assert len(negotiation.pool.mapping()) == 12
