"""How the plane's calls spell what the media control plane knows of a track or a slot (see plane.pyi): 0 stands for absent."""

from typing import TypedDict

from conclave.model.media import MediaKind, SenderSpec, TrackSpec


class TrackArguments(TypedDict):
    """Arguments of `Plane.add_track`."""

    video: bool
    mid: bytes
    payload_types: dict[int, int]
    rtx_payload_types: dict[int, int]
    codecs: dict[int, str]
    mid_ext_id: int
    audio_level_ext_id: int
    ssrc: int
    rtx_ssrc: int


class SenderArguments(TypedDict):
    """Arguments of `Plane.add_sender`."""

    video: bool
    mid: bytes
    ssrc: int
    clock_rate: int
    rtx_ssrc: int
    rtx_payload_types: dict[int, int]
    mid_ext_id: int
    cname: bytes


def track_arguments(spec: TrackSpec) -> TrackArguments:
    return {
        "video": spec.kind is MediaKind.VIDEO,
        "mid": spec.mid.encode(),
        "payload_types": {codec.payload_type: codec.clock_rate for codec in spec.codecs},
        "rtx_payload_types": {
            codec.rtx_payload_type: codec.payload_type for codec in spec.codecs if codec.rtx_payload_type is not None
        },
        "codecs": {codec.payload_type: codec.mime_type.partition("/")[2].lower() for codec in spec.codecs},
        "mid_ext_id": spec.mid_ext_id or 0,
        "audio_level_ext_id": spec.audio_level_ext_id or 0,
        "ssrc": spec.ssrc or 0,
        "rtx_ssrc": spec.rtx_ssrc or 0,
    }


def sender_arguments(spec: SenderSpec, cname: str) -> SenderArguments:
    return {
        "video": spec.kind is MediaKind.VIDEO,
        "mid": spec.mid.encode(),
        "ssrc": spec.ssrc,
        "clock_rate": spec.clock_rate,
        "rtx_ssrc": spec.rtx_ssrc or 0,
        "rtx_payload_types": spec.rtx_payload_types,
        "mid_ext_id": spec.mid_ext_id or 0,
        "cname": cname.encode(),
    }
