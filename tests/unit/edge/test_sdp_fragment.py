import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.edge.problem import Problem
from conclave.edge.sdp_fragment import IceCredentials, current_credentials, fragment_of, parse_fragment, with_credentials

UFRAG, PWD = "abcd", "0123456789abcdefghijkl"
SDP = (
    f"v=0\r\na=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PWD}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
    "a=candidate:1 1 udp 1 127.0.0.1 5 typ host\r\n"
)


def test_a_fragment_with_new_credentials_is_an_ice_restart() -> None:
    text = f"a=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PWD}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
    assert parse_fragment(text) == IceCredentials(UFRAG, PWD)


def test_a_fragment_with_candidates_alone_has_no_credentials() -> None:
    assert (
        parse_fragment("m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 127.0.0.1 5 typ host\r\na=end-of-candidates\r\n")
        is None
    )


@pytest.mark.parametrize(
    "text",
    ["hello", f"a=ice-ufrag:{UFRAG}\r\n", f"a=ice-pwd:{PWD}\r\n", "a=ice-ufrag:x\r\na=ice-pwd:y\r\n", "a=x\r\n" * 600,
     f"a=ice-ufrag:{UFRAG}\r\na=ice-ufrag:other\r\na=ice-pwd:{PWD}\r\n"],
)  # fmt: skip
def test_a_malformed_fragment_is_a_400(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_fragment(text)
    assert caught.value.status == 400


def test_replacing_credentials_changes_nothing_else() -> None:
    changed = with_credentials(SDP, IceCredentials("wxyz", "z" * 22))
    assert current_credentials(changed) == IceCredentials("wxyz", "z" * 22)
    assert with_credentials(changed, IceCredentials(UFRAG, PWD)) == SDP


def test_the_answering_fragment_tells_credentials_and_candidates() -> None:
    lines = fragment_of(SDP).split("\r\n")
    assert f"a=ice-ufrag:{UFRAG}" in lines
    assert "a=candidate:1 1 udp 1 127.0.0.1 5 typ host" in lines
    assert lines.index("a=mid:0") > lines.index(f"a=ice-pwd:{PWD}")


def test_credentials_do_not_show_in_a_repr() -> None:
    assert PWD not in repr(IceCredentials(UFRAG, PWD))


@given(st.text(max_size=300))
def test_no_text_at_all_breaks_the_parser(text: str) -> None:
    try:
        parse_fragment(text)
    except Problem as problem:
        assert problem.status == 400  # noqa: PT017 # any text may pass, too
