import asyncio
from typing import Any

import msgspec

from conclave.model.entry import Ban, Demotion, InvitationRecord, Remembered
from conclave.model.ids import MeetingId
from conclave.model.roles import Role
from conclave.store.meeting_memory import MAX_BANS_PER_MEETING, MAX_DEMOTIONS_PER_MEETING
from conclave.store.stores import Stores

NOW_S = 1_800_000_000.0
ROOM, OTHER_ROOM = MeetingId("m" * 16), MeetingId("n" * 16)


def ban(**changes: Any) -> Ban:
    return msgspec.structs.replace(Ban(jti="j" * 16, personal=True, device_id="", whole=False, until_s=NOW_S + 100), **changes)


def demotion(**changes: Any) -> Demotion:
    made = Demotion(jti="j" * 16, personal=True, device_id="", role=Role.VIEWER, until_s=NOW_S + 100)
    return msgspec.structs.replace(made, **changes)


def link(**changes: Any) -> InvitationRecord:
    made = InvitationRecord(
        jti="l" * 16, role=Role.CO_HOST, seats=1, max_uses=3, issued_at_s=int(NOW_S), expires_at_s=int(NOW_S) + 100,
        label="Für Ada 🦦", made_by="p" * 24,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


async def test_what_was_kept_of_a_meeting_is_recalled_and_of_no_other(stores: Stores) -> None:
    memory = stores.meeting_memory
    facts = [ban(), ban(jti="k" * 16, device_id="d" * 24, whole=True), link(), link(jti="o" * 16, issued_at_s=int(NOW_S) + 1)]
    await memory.keep(ROOM, facts)
    await memory.keep(OTHER_ROOM, [])
    found = await memory.recall(ROOM, NOW_S)
    assert set(found.bans) == set(facts[:2])
    assert found.invitations == tuple(facts[2:])
    assert await memory.recall(OTHER_ROOM, NOW_S) == Remembered()


async def test_the_network_is_never_written_down(stores: Stores) -> None:
    await stores.meeting_memory.keep(ROOM, [ban(source_hash=b"n" * 16, source_until_s=NOW_S + 50)])
    assert (await stores.meeting_memory.recall(ROOM, NOW_S)).bans == (ban(),)


async def test_of_an_invitation_that_is_known_label_and_maker_stay(stores: Stores) -> None:
    memory = stores.meeting_memory
    await memory.keep(ROOM, [link(user_id="u" * 16)])
    changes = {
        "uses": 2,
        "device_id": "d" * 24,
        "role": Role.VIEWER,
        "issued_at_s": int(NOW_S) + 5,
        "expires_at_s": int(NOW_S) + 900,
    }
    await memory.keep(ROOM, [link(label="", made_by="", **changes)])
    assert (await memory.recall(ROOM, NOW_S)).invitations == (link(user_id="u" * 16, **changes),)


async def test_uses_of_an_invitation_never_become_fewer(stores: Stores) -> None:
    for uses in (2, 1):
        await stores.meeting_memory.keep(ROOM, [link(uses=uses)])
    assert [one.uses for one in (await stores.meeting_memory.recall(ROOM, NOW_S)).invitations] == [2]


async def test_of_two_bans_the_stronger_stays(stores: Stores) -> None:
    memory = stores.meeting_memory
    await memory.keep(ROOM, [ban(whole=True, until_s=NOW_S + 10)])
    await memory.keep(ROOM, [ban(whole=False, until_s=NOW_S + 900)])
    await memory.keep(ROOM, [ban(whole=False, until_s=NOW_S + 20)])
    assert (await memory.recall(ROOM, NOW_S)).bans == (ban(whole=True, until_s=NOW_S + 900),)


async def test_what_is_over_is_not_recalled_and_then_forgotten(stores: Stores) -> None:
    memory = stores.meeting_memory
    await memory.keep(ROOM, [ban(), link(user_id="u" * 16)])
    assert await memory.recall(ROOM, NOW_S + 100) == Remembered()
    await memory.forget_expired(NOW_S + 99)
    assert await memory.recall(ROOM, NOW_S) != Remembered()
    await memory.forget_expired(NOW_S + 100)
    assert await memory.recall(ROOM, NOW_S) == Remembered()


async def test_the_latest_bans_count_where_there_are_too_many(stores: Stores) -> None:
    bans = [ban(jti=f"{number:016}", until_s=NOW_S + 1 + number) for number in range(MAX_BANS_PER_MEETING + 1)]
    await stores.meeting_memory.keep(ROOM, bans)
    assert (await stores.meeting_memory.recall(ROOM, NOW_S)).bans == tuple(bans[1:])


async def test_writers_at_the_same_moment_do_not_hinder_each_other(stores: Stores) -> None:
    links = [link(jti=f"{number:016}") for number in range(20)]
    await asyncio.gather(*(stores.meeting_memory.keep(ROOM, [one, ban()]) for one in links))
    found = await stores.meeting_memory.recall(ROOM, NOW_S)
    assert (len(found.invitations), len(found.bans)) == (20, 1)


async def test_demotions_are_recalled_without_the_network_until_they_are_over(stores: Stores) -> None:
    memory = stores.meeting_memory
    facts = [demotion(source_hash=b"n" * 16, source_until_s=NOW_S + 50), demotion(device_id="d" * 24, personal=False)]
    await memory.keep(ROOM, facts)
    found = await memory.recall(ROOM, NOW_S)
    assert set(found.demotions) == {demotion(), facts[1]}
    assert await memory.recall(OTHER_ROOM, NOW_S) == await memory.recall(ROOM, NOW_S + 100) == Remembered()
    await memory.forget_expired(NOW_S + 100)
    assert await memory.recall(ROOM, NOW_S) == Remembered()


async def test_of_two_demotions_for_one_link_and_device_the_later_counts(stores: Stores) -> None:
    memory = stores.meeting_memory
    for role in (Role.VIEWER, Role.CO_HOST, Role.HOST):
        await memory.keep(ROOM, [demotion(role=role)])
        assert (await memory.recall(ROOM, NOW_S)).demotions == (demotion(role=role),)


async def test_the_latest_demotions_count_where_there_are_too_many(stores: Stores) -> None:
    many = [demotion(jti=f"{number:016}", until_s=NOW_S + 1 + number) for number in range(MAX_DEMOTIONS_PER_MEETING + 1)]
    await stores.meeting_memory.keep(ROOM, many)
    assert (await stores.meeting_memory.recall(ROOM, NOW_S)).demotions == tuple(many[1:])
