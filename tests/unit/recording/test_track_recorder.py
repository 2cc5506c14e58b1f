from pathlib import Path

import pytest
from tests.support.tapped import AUDIO_SPEC, MS, PICTURE, SECOND, SOUND, VIDEO_SPEC, picture, report, sound

from conclave.media.codecs import identify
from conclave.media.depacketise import CodecFormat
from conclave.media.media_clock import PublisherClock
from conclave.media.webm import Block, LiveFile
from conclave.model.media import MediaKind, TrackSpec
from conclave.recording.keys import FileMasterKey
from conclave.recording.sealed import SealedReader, SealedWriter
from conclave.recording.track_recorder import DEPACKETISERS, TrackRecorder

MASTER = FileMasterKey(bytes(32), lambda size: bytes(size))
SPS_PPS_IDR = (
    b"\x78\x00\x19"
    + bytes.fromhex("6742c00bda05467889b011000003000100000300140f142aa0")
    + b"\x00\x04\x68\xce\x0f\xc8\x00\x02\x65\x88"
)


class MemoryFiles:
    """Files of one track in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.begun: list[tuple[CodecFormat, int]] = []
        self.lengths: list[int] = []
        self.running = True

    def begin(self, track: TrackRecorder, codec: CodecFormat, start_ms: int) -> SealedWriter:
        del track
        self.begun.append((codec, start_ms))
        path = self.directory / f"file-{len(self.begun)}"
        return SealedWriter(path, b"one", bytes(32), MASTER.wrap(bytes(32), b"one"))

    def finished(self, track: TrackRecorder, duration_ms: int) -> None:
        del track
        self.lengths.append(duration_ms)

    def clock_ms(self, time_ns: int) -> int | None:
        return time_ns // MS if self.running else None

    def blocks(self, number: int) -> list[Block]:
        reader = SealedReader(self.directory / f"file-{number}", b"one", MASTER)
        return list(LiveFile(reader.pieces()).blocks())


def recorder(directory: Path, spec: TrackSpec, publisher: PublisherClock | None = None) -> tuple[TrackRecorder, MemoryFiles]:
    files = MemoryFiles(directory)
    return TrackRecorder(spec, publisher or PublisherClock(), files), files


def test_there_is_a_depacketiser_for_every_codec_that_is_forwarded() -> None:
    names = {MediaKind.AUDIO: ["opus"], MediaKind.VIDEO: ["vp8", "vp9", "h264", "av1"]}
    found = {
        identity.mime_type
        for kind, codecs in names.items()
        for codec in codecs
        if (identity := identify(kind, codec, 48_000 if codec == "opus" else 90_000, 2, "profile-level-id=42e01f"))
    }
    assert found == set(DEPACKETISERS)


def test_sound_is_written_packet_by_packet(tmp_path: Path) -> None:
    track, files = recorder(tmp_path, AUDIO_SPEC)
    for number in range(100):
        track.packet(sound(number))
    track.finish()
    blocks = files.blocks(1)
    assert [block.time_ms for block in blocks] == [number * 20 for number in range(100)]
    assert files.lengths == [1_980]


def test_picture_and_sound_of_a_publisher_are_in_step_by_its_reports(tmp_path: Path) -> None:
    publisher = PublisherClock()
    (tmp_path / "a").mkdir()
    (tmp_path / "v").mkdir()
    audio, heard = recorder(tmp_path / "a", AUDIO_SPEC, publisher)
    video, seen = recorder(tmp_path / "v", VIDEO_SPEC, publisher)
    audio.report(report(SOUND, 48_000, SECOND))
    video.report(report(PICTURE, 90_000, SECOND))
    for number in range(50, 100):
        audio.packet(sound(number))
    for number in range(25, 50):
        video.packet(picture(number))
    audio.finish()
    video.finish()
    times = {block.time_ms for block in heard.blocks(1)}
    offsets = [min(abs(block.time_ms - time) for time in times) for block in seen.blocks(1)]
    assert max(offsets) <= 1


def test_what_is_ticked_is_readable_without_an_end(tmp_path: Path) -> None:
    track, files = recorder(tmp_path, AUDIO_SPEC)
    for number in range(10):
        track.packet(sound(number))
    track.tick(SECOND)
    track.abandon()
    assert len(files.blocks(1)) == 10


def test_video_begins_with_a_keyframe_and_asks_for_one(tmp_path: Path) -> None:
    track, files = recorder(tmp_path, VIDEO_SPEC)
    track.packet(picture(1))
    assert track.keyframe_wanted
    assert files.begun == []
    track.packet(picture(25))
    track.tick(3 * SECOND)
    assert not track.keyframe_wanted
    assert [(codec.codec_id, codec.width, codec.height) for codec, _ in files.begun] == [("V_VP8", 320, 180)]
    track.finish()


def test_another_codec_begins_another_file(tmp_path: Path) -> None:
    track, files = recorder(tmp_path, VIDEO_SPEC)
    track.packet(picture(0))
    track.packet(picture(1, payload=SPS_PPS_IDR, payload_type=102))
    track.packet(picture(2))
    track.packet(picture(3, key=True))
    track.finish()
    assert [codec.codec_id for codec, _ in files.begun] == ["V_VP8", "V_MPEG4/ISO/AVC", "V_VP8"]
    assert len(files.lengths) == 3


def test_times_never_go_back(tmp_path: Path) -> None:
    track, files = recorder(tmp_path, AUDIO_SPEC)
    for number in (0, 1, 2):
        track.packet(sound(number)._replace(timestamp=-number * 960 % 2**32))
    track.finish()
    times = [block.time_ms for block in files.blocks(1)]
    assert times == sorted(times)


def test_while_the_clock_is_stopped_nothing_is_written(tmp_path: Path) -> None:
    track, files = recorder(tmp_path, AUDIO_SPEC)
    files.running = False
    track.packet(sound(0))
    track.finish()
    assert files.begun == []


@pytest.mark.parametrize("payload_type", [0, 127])
def test_a_payload_type_that_was_not_negotiated_does_no_harm(tmp_path: Path, payload_type: int) -> None:
    track, _ = recorder(tmp_path, VIDEO_SPEC)
    track.packet(picture(0, payload_type=payload_type))
    track.finish()
