import os

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from conclave.edge.csrf import HEADER, check_session_request, check_site
from conclave.edge.problem import Problem
from conclave.identity.browser_sessions import csrf_token, new_secret
from conclave.model.errors import ErrorCode, Refused

SECRET = new_secret(os.urandom)
OURS = {"Host": "meet.example", "Origin": "https://meet.example", "Sec-Fetch-Site": "same-origin"}


def request(method: str = "POST", **headers: str) -> web.Request:
    return make_mocked_request(
        method, "/", headers={"Host": "meet.example", **{k.replace("_", "-"): v for k, v in headers.items()}}
    )


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Origin": "https://meet.example"}, {"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"},
        {"Origin": "https://other.example", "Sec_Fetch_Site": "cross-site"},
    ],
)  # fmt: skip
def test_programs_our_own_pages_and_allowed_origins_pass(headers: dict[str, str]) -> None:
    check_site(request(**headers), ("https://other.example",))


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://meet.example"},
        {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://meet.example", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://meet.example.evil.example"}, {"Origin": "https://evil.example", "Sec_Fetch_Site": "same-origin"},
    ],
)  # fmt: skip
def test_other_sites_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as caught:
        check_site(request(**headers), ("https://other.example",))
    assert (caught.value.status, caught.value.code) == (403, ErrorCode.FORBIDDEN)


def test_a_change_needs_the_token_and_the_browsers_word() -> None:
    check_session_request(request(**OURS, **{HEADER: csrf_token(SECRET)}), SECRET, ())
    for token in ("", "x", csrf_token(new_secret(os.urandom))):
        with pytest.raises(Refused):
            check_session_request(request(**OURS, **{HEADER: token}), SECRET, ())
    with pytest.raises(Problem):
        check_session_request(request(**{HEADER: csrf_token(SECRET)}), SECRET, ())


def test_reading_needs_no_token_but_no_other_site_either() -> None:
    check_session_request(request("GET"), SECRET, ())
    with pytest.raises(Problem):
        check_session_request(request("GET", Sec_Fetch_Site="cross-site"), SECRET, ())
