from conclave.media.limits import RoomLimits
from conclave.media.sdp import MAX_SECTIONS
from conclave.media.subscriber import rare_codecs_allowed


def test_a_full_pool_is_a_description_that_can_be_read() -> None:
    limits = RoomLimits()
    assert limits.audio_slots + limits.video_slots <= MAX_SECTIONS
    assert rare_codecs_allowed(limits.audio_slots, limits.video_slots) >= 1


def test_a_screen_may_send_more_than_a_camera() -> None:
    assert RoomLimits().screen_bps > RoomLimits().camera_bps
