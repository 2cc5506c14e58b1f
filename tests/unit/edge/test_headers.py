import pytest
from yarl import URL

from conclave.edge.headers import (
    CONTENT_SECURITY_POLICY,
    SECURITY_HEADERS,
    bearer_token,
    check_host,
    check_origin,
    refuse_token_in_query,
    transport_security,
)
from conclave.edge.problem import Problem


def test_the_policy_denies_by_default_and_allows_no_inline_or_foreign_code() -> None:
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "*" not in CONTENT_SECURITY_POLICY
    assert "frame-ancestors 'none'" in CONTENT_SECURITY_POLICY


def test_devices_are_granted_to_our_own_origin_alone() -> None:
    policy = SECURITY_HEADERS["Permissions-Policy"]
    for feature in ("camera", "microphone", "display-capture"):
        assert f"{feature}=(self)" in policy
    assert "geolocation=()" in policy


def test_strict_transport_security_is_for_names_and_neither_for_localhost_nor_addresses() -> None:
    assert transport_security("meet.example:8443") is not None
    for host in ("localhost:8443", "x.localhost", "127.0.0.1:8443", "[::1]:8443"):
        assert transport_security(host) is None


@pytest.mark.parametrize("host", ["", ":443", "[::1", "a]b[", "a\u2100b"])
def test_a_host_header_that_names_none_is_refused(host: str) -> None:
    assert transport_security(host) is None
    with pytest.raises(Problem) as caught:
        check_host(host)
    assert caught.value.status == 400


@pytest.mark.parametrize("host", ["meet.example", "localhost:8443", "[::1]:8443", "127.0.0.1"])
def test_a_host_header_that_names_one_passes(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize(
    "query", ["token=abc", "TOKEN=abc", "access_token=abc", "x=eyJhbGciOi", "a=1&invitation=x", "eyJhbGciOi", "to%6ben=abc"]
)
def test_a_query_that_looks_like_a_token_is_refused(query: str) -> None:
    with pytest.raises(Problem) as caught:
        refuse_token_in_query(URL(f"https://localhost/whip/x?{query}", encoded=True))
    assert caught.value.status == 400
    assert "abc" not in caught.value.detail


def test_an_ordinary_query_passes_the_check() -> None:
    refuse_token_in_query(URL("https://localhost/?theme=dark&lang=en"))


@pytest.mark.parametrize("origin", [None, "https://localhost:8443", "https://meet.example"])
def test_no_origin_our_own_and_allowed_origins_pass(origin: str | None) -> None:
    check_origin(origin, "localhost:8443", ("https://meet.example",))


@pytest.mark.parametrize(
    "origin",
    ["null", "", "https://evil.example", "http://localhost:8443", "https://localhost", "https://localhost:8443.evil.example"],
)
def test_every_other_origin_is_forbidden(origin: str) -> None:
    with pytest.raises(Problem) as caught:
        check_origin(origin, "localhost:8443", ("https://meet.example",))
    assert caught.value.status == 403


def test_a_bearer_token_is_taken_from_the_header() -> None:
    assert bearer_token("Bearer abc") == "abc"
    assert bearer_token("bearer  abc ") == "abc"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "abc", "Bearer " + "a" * 5_000, "Bearer é"])
def test_a_missing_or_malformed_bearer_token_is_a_401(header: str | None) -> None:
    with pytest.raises(Problem) as caught:
        bearer_token(header)
    assert caught.value.status == 401
    assert "Bearer" in caught.value.headers["WWW-Authenticate"]
