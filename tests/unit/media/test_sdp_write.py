import pytest
from tests.support.sdp_clients import LOCAL, RECORDED, section

from conclave.media.bundle import with_transport
from conclave.media.sdp import MediaSection, SessionDescription
from conclave.media.sdp_parse import parse_sdp
from conclave.media.sdp_write import write_sdp


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.txt")), ids=lambda path: path.stem)
def test_writing_what_was_read_is_stable(path: object) -> None:
    read = parse_sdp(path.read_bytes().decode())  # type: ignore[attr-defined]
    written = write_sdp(read)
    assert parse_sdp(written) == read
    assert write_sdp(parse_sdp(written)) == written


def test_lines_end_with_crlf() -> None:
    text = write_sdp(SessionDescription(sections=(section("0"),)))
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")


def test_candidates_are_written_best_first_and_tcp_as_passive() -> None:
    text = write_sdp(SessionDescription(sections=(with_transport(section("0"), LOCAL, "passive"),)))
    assert "a=candidate:1 1 udp 2130706431 127.0.0.1 7000 typ host\r\n" in text
    assert "a=candidate:2 1 tcp 1694498559 127.0.0.1 7000 typ host tcptype passive\r\n" in text
    assert "a=end-of-candidates\r\n" in text


def test_a_shared_transport_is_written_once_at_session_level() -> None:
    sections = (
        MediaSection(kind="audio", port=0, formats=("111",)),
        with_transport(section("0"), LOCAL, "actpass"),
        section("1"),
    )
    text = write_sdp(SessionDescription(sections=sections), shared_transport=True)
    head, *rest = text.split("m=")
    assert "a=ice-ufrag:srvr" in head
    assert "a=setup:actpass" in head
    assert not any("a=ice-ufrag" in part or "a=fingerprint" in part or "a=setup" in part for part in rest)
    assert "a=candidate" in rest[1]
    assert parse_sdp(text).sections[2].ice_ufrag == "srvr"
