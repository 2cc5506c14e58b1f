"""The numbers that bound the media of one meeting."""

from msgspec import Struct


class RoomLimits(Struct, frozen=True):
    """Slots per receiver, tracks per participant, and what one video track may send in bit/s (REMB)."""

    audio_slots: int = 32
    video_slots: int = 25
    tracks_per_participant: int = 8
    camera_bps: int = 2_500_000
    screen_bps: int = 4_000_000
