from conclave.hub.plane_arguments import sender_arguments, track_arguments
from conclave.model.ids import TrackId, TransportId
from conclave.model.media import CodecParameters, MediaKind, SenderSpec, TrackSpec

TRANSPORT = TransportId("t" * 16)


def test_a_video_track_names_its_codecs_and_pairs_its_rtx_types() -> None:
    codecs = (CodecParameters("video/VP8", 90000, 1, "", 96, 97), CodecParameters("video/H264", 90000, 1, "", 102))
    spec = TrackSpec(TrackId("k" * 16), TRANSPORT, MediaKind.VIDEO, "v", codecs, mid_ext_id=4, ssrc=1, rtx_ssrc=2)
    assert track_arguments(spec) == {
        "video": True,
        "mid": b"v",
        "payload_types": {96: 90000, 102: 90000},
        "rtx_payload_types": {97: 96},
        "codecs": {96: "vp8", 102: "h264"},
        "mid_ext_id": 4,
        "audio_level_ext_id": 0,
        "ssrc": 1,
        "rtx_ssrc": 2,
    }


def test_what_a_track_has_not_announced_is_zero() -> None:
    opus = CodecParameters("audio/opus", 48000, 2, "", 111)
    spec = TrackSpec(TrackId("k" * 16), TRANSPORT, MediaKind.AUDIO, "a", (opus,), audio_level_ext_id=1)
    arguments = track_arguments(spec)
    assert (arguments["video"], arguments["audio_level_ext_id"]) == (False, 1)
    assert arguments["ssrc"] == arguments["rtx_ssrc"] == arguments["mid_ext_id"] == 0


def test_a_slot_keeps_its_ssrcs_and_its_name() -> None:
    spec = SenderSpec(TRANSPORT, "1", MediaKind.VIDEO, 21, None, None, {96: 97}, 90000)
    assert sender_arguments(spec, "slot-1") == {
        "video": True,
        "mid": b"1",
        "ssrc": 21,
        "clock_rate": 90000,
        "rtx_ssrc": 0,
        "rtx_payload_types": {96: 97},
        "mid_ext_id": 0,
        "cname": b"slot-1",
    }
