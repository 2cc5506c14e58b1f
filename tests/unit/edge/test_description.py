from pathlib import Path

import jwt
import msgspec
from tests.support.account_client import call, make_account, token_of
from tests.support.live import Starter

OPENAPI = Path(__file__).parents[3] / "server" / "openapi.json"


async def test_the_published_key_verifies_an_access_token(start: Starter) -> None:
    live = await start()
    token = await token_of(live, await make_account(live))
    answer = await call(live, "GET", "/.well-known/jwks.json")
    assert answer.headers["Content-Type"].startswith("application/jwk-set+json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    keys = jwt.PyJWKSet.from_dict(answer.body)
    key = next(key for key in keys.keys if key.key_id == jwt.get_unverified_header(token)["kid"])
    assert jwt.decode(token, key.key, algorithms=["EdDSA"], audience="conclave-api")["type"] == "access"


async def test_a_secret_publishes_no_key(start: Starter) -> None:
    live = await start({"accounts": {"signing_algorithm": "HS256", "token_secret": "s" * 32}})
    assert (await call(live, "GET", "/.well-known/jwks.json")).body == {"keys": []}
    token = await token_of(live, await make_account(live))
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert (await call(live, "GET", "/me", token=token)).status == 200


async def test_the_description_is_served_as_it_is_checked_in(start: Starter) -> None:
    live = await start()
    assert (await call(live, "GET", "/openapi.json")).body == msgspec.json.decode(OPENAPI.read_bytes())


async def test_a_page_learns_what_it_may_offer_to_those_who_are_not_signed_in(start: Starter) -> None:
    live = await start({"accounts": {"registration": "invited", "lock_s": 60}, "meetings": {"open_creation": False}})
    answer = await call(live, "GET", "/about")
    assert answer.body == {"registration": "invited", "open_creation": False, "lock_failures": 5, "lock_s": 60}
