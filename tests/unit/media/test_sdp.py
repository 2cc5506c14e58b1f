import pytest

from conclave.media.sdp import Direction, MediaSection, SdpSourceGroup, SessionDescription


@pytest.mark.parametrize(
    ("direction", "sends", "receives"),
    [("sendrecv", True, True), ("sendonly", True, False), ("recvonly", False, True), ("inactive", False, False)],
)
def test_a_direction_tells_who_sends_and_who_receives(direction: str, sends: bool, receives: bool) -> None:
    assert (Direction(direction).sends, Direction(direction).receives) == (sends, receives)


def test_port_0_rejects_an_m_section_and_stops_both_ways() -> None:
    section = MediaSection(kind="audio", port=0)
    assert section.rejected
    assert not section.sends
    assert not section.receives


def test_port_0_with_bundle_only_rejects_nothing() -> None:
    section = MediaSection(kind="audio", port=0, bundle_only=True)
    assert not section.rejected
    assert section.sends


def test_an_fid_group_names_the_rtx_ssrc_of_its_first_member() -> None:
    section = MediaSection(kind="video", source_groups=(SdpSourceGroup("SIM", (1, 3)), SdpSourceGroup("FID", (1, 2))))
    assert section.rtx_ssrc_of(1) == 2
    assert section.rtx_ssrc_of(2) is None


def test_a_section_is_found_by_its_mid() -> None:
    audio, video = MediaSection(kind="audio", mid="a"), MediaSection(kind="video", mid="v")
    description = SessionDescription(sections=(audio, video))
    assert description.section("v") is video
    assert description.section("x") is None
