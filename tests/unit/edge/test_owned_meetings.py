import time

from tests.support.account_client import call, make_account, token_of
from tests.support.live import Live, Starter, ask, hello

from conclave.edge.owned_meetings import NAMES_TRIED
from conclave.model.accounts import Account
from conclave.model.roles import Role


async def made(live: Live, token: str, title: str = "Weekly") -> str:
    answer = await call(live, "POST", "/me/meetings", {"title": title}, token=token)
    assert answer.status == 201
    return str(answer.body["meeting_id"])


async def two(live: Live) -> tuple[Account, str, Account, str]:
    ada, eve = await make_account(live), await make_account(live, "eve")
    return ada, await token_of(live, ada), eve, await token_of(live, eve)


async def test_an_owner_makes_sees_lists_and_enters_a_meeting(start: Starter) -> None:
    live = await start()
    ada, token, _, _ = await two(live)
    meeting_id = await made(live, token)
    seen = await call(live, "GET", f"/meetings/{meeting_id}", token=token)
    assert (seen.body["title"], seen.body["owner_id"], seen.body["owned"], seen.body["role"]) == (
        "Weekly", ada.user_id, True, "host",
    )  # fmt: skip
    assert (await call(live, "GET", "/me/meetings", token=token)).body["meetings"] == [seen.body]
    link = await call(live, "POST", f"/meetings/{meeting_id}/link", token=token)
    assert link.status == 201
    claims = live.server.invitations.verify(link.body["token"], time.time())
    assert (claims.meeting_id, claims.role, claims.seats, claims.name) == (meeting_id, Role.HOST, 1, "ada")
    socket = await live.connect()
    await hello(socket, link.body["token"])
    assert (await ask(socket, 2, "meeting.create", title="Weekly"))["type"] == "response"
    await socket.close()


async def test_a_share_gives_a_role_and_its_end_takes_it(start: Starter) -> None:
    live = await start()
    _, token, eve, other = await two(live)
    meeting_id = await made(live, token)
    share = f"/meetings/{meeting_id}/shares/{eve.user_id}"
    assert (await call(live, "PUT", share, {"role": "viewer"}, token=token)).status == 200
    listed = (await call(live, "GET", f"/meetings/{meeting_id}/shares", token=token)).body
    assert listed == {"shares": [{"user_id": eve.user_id, "username": "eve", "role": "viewer"}]}
    link = await call(live, "POST", f"/meetings/{meeting_id}/link", token=other)
    assert live.server.invitations.verify(link.body["token"], time.time()).role is Role.VIEWER
    assert len((await call(live, "GET", "/me/meetings", token=other)).body["meetings"]) == 1
    assert (await call(live, "DELETE", share, token=token)).status == 204
    assert (await call(live, "POST", f"/meetings/{meeting_id}/link", token=other)).status == 404
    assert (await call(live, "GET", "/me/meetings", token=other)).body == {"meetings": []}


async def test_a_meeting_is_not_shared_with_its_owner_or_with_nobody(start: Starter) -> None:
    live = await start()
    ada, token, _, _ = await two(live)
    meeting_id = await made(live, token)
    for user_id, status in ((ada.user_id, 409), ("x" * 16, 404)):
        answer = await call(live, "PUT", f"/meetings/{meeting_id}/shares/{user_id}", {}, token=token)
        assert answer.status == status


async def test_a_meeting_is_shared_by_username_and_the_other_sees_whose_it_is(start: Starter) -> None:
    live = await start()
    _, token, eve, other = await two(live)
    meeting_id = await made(live, token)
    answer = await call(live, "POST", f"/meetings/{meeting_id}/shares", {"username": "Eve", "role": "co-host"}, token=token)
    assert answer.body == {"user_id": eve.user_id, "username": "eve", "role": "co-host"}
    (seen,) = (await call(live, "GET", "/me/meetings", token=other)).body["meetings"]
    assert (seen["owner"], seen["owned"], seen["role"], seen["present"]) == ("ada", False, "co-host", None)
    for username, status in (("nobody", 404), ("ada", 409), ("", 400)):
        wish = {"username": username}
        assert (await call(live, "POST", f"/meetings/{meeting_id}/shares", wish, token=token)).status == status


async def test_sharing_does_not_find_out_in_bulk_who_has_an_account(start: Starter) -> None:
    live = await start()
    _, token, _, _ = await two(live)
    meeting_id = await made(live, token)
    answers = [
        (await call(live, "POST", f"/meetings/{meeting_id}/shares", {"username": f"user{number}"}, token=token)).status
        for number in range(int(NAMES_TRIED.burst) + 2)
    ]
    assert set(answers[:20]) == {404}
    assert answers[-1] == 429


async def test_the_owner_sees_how_many_are_in_a_meeting_that_is_open(start: Starter) -> None:
    live = await start()
    _, token, _, _ = await two(live)
    meeting_id = await made(live, token)
    socket = await live.connect()
    await hello(socket, (await call(live, "POST", f"/meetings/{meeting_id}/link", token=token)).body["token"])
    assert (await call(live, "GET", f"/meetings/{meeting_id}", token=token)).body["present"] is None
    await ask(socket, 2, "meeting.create", title="Weekly")
    await ask(socket, 3, "join", display_name="Ada")
    assert (await call(live, "GET", f"/meetings/{meeting_id}", token=token)).body["present"] == 1
    await socket.close()


async def test_a_deleted_meeting_ends_if_it_is_open(start: Starter) -> None:
    live = await start()
    _, token, _, _ = await two(live)
    meeting_id = await made(live, token)
    link = (await call(live, "POST", f"/meetings/{meeting_id}/link", token=token)).body["token"]
    socket = await live.connect()
    await hello(socket, link)
    await ask(socket, 2, "meeting.create", title="Weekly")
    await ask(socket, 3, "join", display_name="Ada")
    assert (await call(live, "DELETE", f"/meetings/{meeting_id}", token=token)).status == 204
    while (event := await socket.receive_json(timeout=5))["type"] != "meeting.ended":
        continue
    assert event["reason"] == "host"
    assert (await call(live, "GET", f"/meetings/{meeting_id}", token=token)).status == 404
    await socket.close()


async def test_an_account_owns_no_more_than_its_share(start: Starter) -> None:
    live = await start({"accounts": {"meetings_per_account": 2}})
    _, token, _, _ = await two(live)
    for expected in (201, 201, 409):
        assert (await call(live, "POST", "/me/meetings", {"title": "x"}, token=token)).status == expected


async def test_who_makes_and_deletes_meetings_without_end_is_held_up(start: Starter) -> None:
    live = await start({"accounts": {"meetings_per_account": 2}})
    _, token, _, other = await two(live)
    for _ in range(4):
        meeting_id = await made(live, token)
        assert (await call(live, "DELETE", f"/meetings/{meeting_id}", token=token)).status == 204
    assert (await call(live, "POST", "/me/meetings", {"title": "x"}, token=token)).status == 429
    await made(live, other)
