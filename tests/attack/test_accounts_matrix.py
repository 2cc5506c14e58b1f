"""Every HTTP route, as every system role, to own, shared and foreign things, over the wire: what the golden file says."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.account_client import PASSWORD, Answer, Browser, call
from tests.support.accounts import NOW_S
from tests.support.live import Live, starting
from tests.support.route_matrix import GOLDEN, SUBJECTS, compute, guarded, other_doors, render

from conclave.edge.routes import ROUTES
from conclave.identity.browser_sessions import csrf_token
from conclave.model.accounts import Account, OwnedMeeting, Share, SignInKind, SystemRole, UserId
from conclave.model.entry import InvitationRecord
from conclave.model.ids import MeetingId, new_id
from conclave.model.roles import Role

EXPECTED = compute()


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    async with starting(tmp_path) as start:
        yield await start({"accounts": {"lock_failures_per_source": 100_000}})


class Scene:
    """A caller, a stranger, and what belongs to them, made for one request."""

    def __init__(self, live: Live, password_hash: str) -> None:
        self.live = live
        self.stores = live.server.accounts.stores
        self.password_hash = password_hash

    async def account(self, role: SystemRole) -> Account:
        user_id = UserId(new_id(os.urandom))
        account = Account(
            user_id=user_id,
            username=user_id.strip("-_").lower() + "0",
            password_hash=self.password_hash,
            role=role,
            created_at_s=NOW_S,
        )
        await self.stores.accounts.add(account)
        return account

    async def meeting(self, resource: str, caller: Account, stranger: Account) -> str:
        owner = caller if resource == "own" else stranger
        meeting = OwnedMeeting(
            meeting_id=MeetingId(new_id(os.urandom)), owner_id=owner.user_id, title="Matrix", created_at_s=NOW_S
        )
        await self.stores.meetings.add(meeting, 100)
        if resource == "shared":
            await self.stores.meetings.share(Share(meeting.meeting_id, caller.user_id, Role.VIEWER), 100)
        return meeting.meeting_id

    async def invitation(self, meeting_id: str) -> str:
        jti = new_id(os.urandom)
        record = InvitationRecord(
            jti=jti, role=Role.VIEWER, seats=1, max_uses=0, issued_at_s=int(NOW_S), expires_at_s=int(NOW_S) + 1_000
        )
        await self.stores.meeting_memory.keep(MeetingId(meeting_id), [record])
        return jti

    async def request(self, name: str, resource: str, subject: str, kind: SignInKind) -> Answer:
        """Make the request of one cell as the caller would."""
        role = SystemRole(subject) if subject not in ("anonymous", "inactive") else SystemRole.ADMIN
        caller, stranger = await self.account(role), await self.account(SystemRole.USER)
        desk = self.live.server.accounts.desk
        begun, other = await desk.begin(caller, kind), await desk.begin(caller, SignInKind.TOKENS)
        route = ROUTES[name]
        path = route.path.replace("{user_id}", stranger.user_id).replace("{sign_in_id}", other.sign_in_id)
        meeting_id = await self.meeting(resource, caller, stranger)
        path = path.replace("{meeting_id}", meeting_id).replace("{jti}", await self.invitation(meeting_id))
        path = path.removeprefix("/api/v1")
        bodies: dict[str, object] = {
            "revoke_token": {"token": other.access_token},
            "change_password": {"current_password": PASSWORD, "new_password": "violet heron at dusk"},
            "make_meeting": {"title": "Matrix"},
            "share_meeting": {"role": "viewer"},
            "share_meeting_with": {"username": stranger.username},
            "make_invitation": {"role": "viewer"},
            "revoke_invitation": {"remove": True},
            "change_user": {"role": "viewer"},
            "invite_user": {},
        }
        if subject == "inactive":
            changed = await self.stores.accounts.change(caller.user_id, active=False)
            await desk.after_change(changed)
        (method,) = route.methods
        if subject == "anonymous":
            return await call(self.live, method, path, bodies.get(name))
        if begun.secret is None:
            return await call(self.live, method, path, bodies.get(name), token=begun.access_token)
        page = Browser(self.live)
        page.cookie, page.csrf = begun.secret, csrf_token(begun.secret)
        return await page.call(method, path, bodies.get(name))


def test_the_matrix_is_the_reviewed_one() -> None:
    assert render(EXPECTED) == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", SignInKind)
async def test_the_server_does_what_the_golden_file_says(live: Live, kind: SignInKind) -> None:
    root = await live.server.accounts.workers.hash(PASSWORD)
    scene = Scene(live, root)
    await scene.account(SystemRole.ADMIN)
    wrong = {}
    for name, resource in guarded():
        for subject in SUBJECTS:
            if name == "access_token" and kind is SignInKind.TOKENS:
                continue
            got = (await scene.request(name, resource, subject, kind)).code
            if got != EXPECTED[name, resource, subject]:
                wrong[name, resource, subject] = (got, EXPECTED[name, resource, subject])
    assert wrong == {}


@pytest.mark.parametrize("name", other_doors())
async def test_an_account_opens_no_other_door(live: Live, name: str) -> None:
    scene = Scene(live, "!")
    token = (await live.server.accounts.desk.begin(await scene.account(SystemRole.ADMIN), SignInKind.TOKENS)).access_token
    path = re.sub(r"\{\w+\}", "x" * 16, ROUTES[name].path)
    for method in ROUTES[name].methods:
        statuses = []
        for headers in ({}, {"Authorization": f"Bearer {token}"}):
            sent = {"Content-Type": "application/sdp", **headers}
            async with live.http.request(
                method, live.url + path, data=b"v=0\r\n" if method != "GET" else None, headers=sent
            ) as answer:
                statuses.append(answer.status)
        assert all(status in (400, 401, 403, 404, 413, 415, 426) for status in statuses), statuses
