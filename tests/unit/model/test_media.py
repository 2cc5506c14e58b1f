import pytest

from conclave.model.media import MediaKind, SrtpProfile, TrackSource


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (TrackSource.MICROPHONE, MediaKind.AUDIO),
        (TrackSource.SCREEN_AUDIO, MediaKind.AUDIO),
        (TrackSource.CAMERA, MediaKind.VIDEO),
        (TrackSource.SCREEN, MediaKind.VIDEO),
    ],
)
def test_a_source_has_exactly_one_kind(source: TrackSource, kind: MediaKind) -> None:
    assert source.kind is kind


def test_no_profile_without_encryption_or_with_a_short_tag_is_named() -> None:
    assert {profile.name for profile in SrtpProfile} == {"AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"}
