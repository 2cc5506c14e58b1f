"""Taps through the media pump with a real plane: who hears of them, and in which order."""

import asyncio
import os
from collections.abc import AsyncIterator
from random import Random

import pytest

from conclave.hub.media_pump import MediaPump
from conclave.media.certificate import make_certificate
from conclave.media.commands import AddTrack, CloseTransport, OpenTransport, RemoveTrack, TapTrack
from conclave.media.transport import MediaTransport
from conclave.model.ids import ParticipantId, RecordingId, TrackId, TransportId
from conclave.model.media import CodecParameters, MediaKind, TrackSource, TrackSpec
from conclave.plane.plane import LaneAddress, Plane

ANN, ONE = ParticipantId("a" * 16), RecordingId("r" * 16)
TRANSPORT, TRACK = TransportId("t" * 16), TrackId("k" * 16)
OPUS = CodecParameters("audio/opus", 48_000, 2, "", 111)
SPEC = TrackSpec(TRACK, TRANSPORT, MediaKind.AUDIO, "0", (OPUS,))
ON = TapTrack(TRACK, ANN, TrackSource.MICROPHONE, ONE)
OFF = TapTrack(TRACK, ANN, TrackSource.MICROPHONE, None)


class MemoryTaps:
    """ports.recorder.Taps."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    def tap(
        self, track: int, spec: TrackSpec, participant_id: ParticipantId, source: TrackSource, recording_id: RecordingId
    ) -> None:
        self.heard.append(("tap", track, spec.track_id, participant_id, source, recording_id))

    def untap(self, track: int) -> None:
        self.heard.append(("untap", track))


@pytest.fixture
async def pump() -> AsyncIterator[MediaPump]:
    plane = Plane([LaneAddress("127.0.0.1", 0)])
    opened = MediaPump(plane, clock=asyncio.get_running_loop().time, loop=asyncio.get_running_loop())
    opened.taps = MemoryTaps()
    opened.start()
    transport = MediaTransport(
        TRANSPORT,
        role_name="publisher",
        lane=0,
        candidates=(),
        certificate=make_certificate(os.urandom),
        entropy=Random(1).randbytes,
        now=0.0,
    )
    opened.perform([OpenTransport(transport, 0), AddTrack(SPEC)])
    yield opened
    opened.close()


def heard(pump: MediaPump) -> list[tuple[object, ...]]:
    assert isinstance(pump.taps, MemoryTaps)
    return [entry if entry[0] == "untap" else ("tap", *entry[2:]) for entry in pump.taps.heard]


def kinds(pump: MediaPump) -> list[object]:
    return [entry[0] for entry in heard(pump)]


async def test_the_recorder_hears_whose_track_is_tapped_for_which_recording(pump: MediaPump) -> None:
    pump.perform([ON])
    assert heard(pump) == [("tap", TRACK, ANN, TrackSource.MICROPHONE, ONE)]


async def test_the_end_of_a_tap_is_told_once(pump: MediaPump) -> None:
    pump.perform([ON, OFF, OFF])
    assert kinds(pump) == ["tap", "untap"]


@pytest.mark.parametrize("end", [RemoveTrack(TRACK), CloseTransport(TRANSPORT)])
async def test_a_track_that_ends_ends_its_tap(pump: MediaPump, end: RemoveTrack | CloseTransport) -> None:
    pump.perform([ON, end])
    assert kinds(pump) == ["tap", "untap"]


async def test_a_tap_of_a_track_that_is_gone_is_counted_and_nothing_more(pump: MediaPump) -> None:
    pump.perform([RemoveTrack(TRACK), ON])
    assert kinds(pump) == []
    assert pump.counters()["control_stale_commands"] == 1
