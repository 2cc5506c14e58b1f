import struct

import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtp import RtpPacket, unwrap_rtx
from bench.rtc.rtp import (
    AUDIO,
    AUDIO_PAYLOAD_BYTES,
    PACKETS_PER_FRAME,
    VIDEO,
    VIDEO_PAYLOAD_BYTES,
    AudioSource,
    VideoSource,
    check_payload,
    extension_block,
    payload_of,
    vp8_frame_head,
)


def video() -> VideoSource:
    return VideoSource(publisher=9, ssrc=77, rtx_ssrc=78, mid="1")


def test_a_frame_is_four_packets_of_one_timestamp_and_the_last_is_marked() -> None:
    packets = [RtpPacket.parse(packet) for packet in video().next(1)]
    assert len(packets) == PACKETS_PER_FRAME
    assert {len(packet.payload) for packet in packets} == {VIDEO_PAYLOAD_BYTES}
    assert len({packet.timestamp for packet in packets}) == 1
    assert [packet.marker for packet in packets] == [0, 0, 0, 1]
    first = packets[0].sequence_number
    assert [packet.sequence_number for packet in packets] == [first + index & 0xFFFF for index in range(4)]


def test_another_implementation_reads_the_payload_descriptors() -> None:
    source = video()
    for _ in range(3):
        packets = [RtpPacket.parse(packet) for packet in source.next(1)]
        descriptors = [VpxPayloadDescriptor.parse(packet.payload)[0] for packet in packets]
        assert [descriptor.partition_start for descriptor in descriptors] == [1, 0, 0, 0]
        assert len({descriptor.picture_id for descriptor in descriptors}) == 1


def test_the_first_frame_and_requested_ones_are_keyframes() -> None:
    source = video()
    kinds = []
    for number in range(4):
        if number == 2:
            source.keyframe_wanted = True
        _, frame = VpxPayloadDescriptor.parse(payload_of(source.next(1)[0]))
        kinds.append(frame[0] & 1 == 0)
        assert (frame[3:6] == b"\x9d\x01\x2a") is kinds[-1]
    assert kinds == [True, False, True, False]
    assert source.keyframes == 2


def test_a_keyframe_head_tells_its_size() -> None:
    assert struct.unpack("<HH", vp8_frame_head(True)[6:10]) == (640, 360)


def test_audio_goes_up_by_960_and_carries_mid_and_level() -> None:
    source = AudioSource(publisher=1, ssrc=5, mid="0", level=20)
    first, second = (source.next(1)[0] for _ in range(2))
    assert struct.unpack_from("!I", second, 4)[0] - struct.unpack_from("!I", first, 4)[0] & 0xFFFFFFFF == 960
    assert len(payload_of(first)) == AUDIO_PAYLOAD_BYTES
    assert first[12:20] == b"\xbe\xde\x00\x01" + bytes([0x10, ord("0"), 0x20, 0x80 | 20])


def test_extension_blocks_are_padded_to_words() -> None:
    assert extension_block([(1, b"ab")]) == b"\xbe\xde\x00\x01\x11ab\x00"


def test_a_stamp_survives_the_way_through_header_and_padding() -> None:
    for kind, source in ((AUDIO, AudioSource(publisher=3, ssrc=5, mid="0")), (VIDEO, video())):
        source.next(0)
        packet = bytearray(source.next(123_456)[0])
        packet[0] |= 0x20
        packet += b"\x00\x00\x03"
        stamp = check_payload(payload_of(bytes(packet)))
        assert (stamp.publisher, stamp.kind, stamp.sent_ns) == (source.publisher, kind, 123_456)
        assert stamp.counter == (1 if kind == AUDIO else PACKETS_PER_FRAME)


def test_a_changed_payload_is_noticed() -> None:
    payload = payload_of(video().next(1)[1])
    for place in (20, 500, VIDEO_PAYLOAD_BYTES - 21, VIDEO_PAYLOAD_BYTES - 20):
        broken = payload[:place] + bytes([payload[place] ^ 1]) + payload[place + 1 :]
        with pytest.raises(ValueError, match="payload"):
            check_payload(broken)


@pytest.mark.parametrize("packet", [b"\x90" + bytes(11), b"\x90" + bytes(13) + b"\xff\xff", b"\xa0" + bytes(11) + b"\xff"])
def test_a_packet_whose_header_runs_over_its_end_is_an_error(packet: bytes) -> None:
    with pytest.raises(ValueError, match="beyond"):
        payload_of(packet)


def test_too_short_payloads_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        check_payload(b"x")


def test_a_retransmission_restores_the_original() -> None:
    source = video()
    original = source.next(1)[2]
    number = struct.unpack_from("!H", original, 2)[0]
    repaired = source.retransmission(number)
    assert repaired is not None
    packet = RtpPacket.parse(repaired)
    assert (packet.ssrc, packet.payload_type) == (78, 97)
    restored = unwrap_rtx(packet, payload_type=96, ssrc=77)
    assert (restored.sequence_number, restored.payload) == (number, payload_of(original))


def test_a_forgotten_packet_is_not_retransmitted() -> None:
    source = video()
    first = struct.unpack_from("!H", source.next(1)[0], 2)[0]
    for _ in range(200):
        source.next(1)
    assert source.retransmission(first) is None
    assert len(source._history) == 512
