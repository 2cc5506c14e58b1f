import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from conclave.edge.cookies import NAME, clear_session, session_cookie, set_session


def set_cookie(response: web.Response) -> str:
    return response.cookies[NAME].OutputString()


def test_a_session_cookie_is_bound_to_this_host_and_out_of_reach_of_scripts() -> None:
    response = web.Response()
    set_session(response, "value", 60)
    text = set_cookie(response)
    assert text.startswith(f"{NAME}=value; ")
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/", "Max-Age=60"} <= set(text.split("; "))
    assert "Domain" not in text
    assert NAME.startswith("__Host-")


def test_clearing_keeps_the_attributes_so_that_browsers_accept_it() -> None:
    response = web.Response()
    clear_session(response)
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/", "Max-Age=0"} <= set(set_cookie(response).split("; "))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (f"{NAME}=abc", "abc"), (f"a=b; {NAME}=abc; c=d", "abc"), ("a=b", None), (f"{NAME}=", None),
        (f"{NAME}=one; {NAME}=two", None), (f"x{NAME}=abc", None), (f"{NAME.lower()}=abc", None), ("", None),
    ],
)  # fmt: skip
def test_a_planted_second_cookie_makes_none_count(header: str, value: str | None) -> None:
    assert session_cookie(make_mocked_request("GET", "/", headers={"Cookie": header})) == value
