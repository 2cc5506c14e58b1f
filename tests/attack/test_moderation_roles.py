"""Roles change, mutes and suspensions come and go while people publish: nothing forbidden is ever forwarded."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.meetings import MeetingInMemory
from tests.support.offers import offer

from conclave.media.commands import AddTrack, CloseTransport, MuteTrack, OpenTransport, RemoveTrack
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Permission, Role
from conclave.policy.rbac import may
from conclave.policy.rules import MeetingState
from conclave.signaling import messages
from conclave.signaling.messages import Request

FOREIGN = "x" * 16


class Plane:
    """What the plane would forward after the commands so far."""

    def __init__(self, room: MeetingInMemory) -> None:
        self.tracks: dict[str, bool] = {}
        self.transports: set[str] = set()
        for command in room.commands:
            match command:
                case OpenTransport(transport, _):
                    self.transports.add(transport.transport_id)
                case CloseTransport(transport_id):
                    self.transports.discard(transport_id)
                case AddTrack(spec):
                    self.tracks[spec.track_id] = False
                case MuteTrack(track_id, muted):
                    self.tracks[track_id] = muted
                case RemoveTrack(track_id):
                    del self.tracks[track_id]

    @property
    def heard(self) -> set[str]:
        return {track_id for track_id, muted in self.tracks.items() if not muted}


def step(name: str, host: Participant, ada: Participant) -> tuple[Participant, Request]:
    """Return who sends what in one step of the race."""
    track_id = next(iter(ada.track_ids), FOREIGN)
    whom = ada.participant_id
    steps: dict[str, tuple[Participant, Request]] = {
        "declare": (ada, messages.AudioPublish(id=1, mid="0")),
        "offer": (ada, messages.PublisherOffer(id=1, sdp=offer("audio"))),
        "unmute": (ada, messages.AudioMute(id=1, track_id=track_id, muted=False)),
        "unpublish": (ada, messages.Unpublish(id=1, track_id=track_id)),
        "leave": (ada, messages.Leave(id=1)),
        "join": (ada, messages.Join(id=1, display_name="Ada")),
        "demote": (host, messages.ParticipantSetRole(id=1, participant_id=whom, role=Role.VIEWER)),
        "promote": (host, messages.ParticipantSetRole(id=1, participant_id=whom, role=Role.PARTICIPANT)),
        "hold": (host, messages.ParticipantMute(id=1, participant_id=whom, hard=True)),
        "release": (host, messages.ParticipantAllowUnmute(id=1, participant_id=whom)),
        "suspend": (host, messages.MeetingSuspend(id=1)),
        "resume": (host, messages.MeetingResume(id=1)),
        "no unmute": (host, messages.MeetingModify(id=1, unmute=False)),
    }
    return steps[name]


STEPS = (
    "leave",
    "join",
    "declare",
    "offer",
    "unmute",
    "unpublish",
    "demote",
    "promote",
    "hold",
    "release",
    "suspend",
    "resume",
    "no unmute",
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=14))
def test_no_order_of_events_lets_a_track_through_that_the_rules_forbid(names: list[str]) -> None:
    room = MeetingInMemory()
    host, ada = room.sit(room.open()), room.join(Role.PARTICIPANT)
    imposed = {"hold": False, "demote": False}
    for name in names:
        sender, request = step(name, host, ada)
        with suppress(Refused):
            room.ask(sender.session_id, request, object)  # type: ignore[type-var]
            imposed |= {"hold": {"hold": True}, "release": {"hold": False}}.get(name, {})
            imposed |= {"demote": {"demote": True}, "promote": {"demote": False}}.get(name, {})
        ada = room.meeting.seat_of(ada.session_id) or ada
        plane = Plane(room)
        if imposed["demote"]:
            assert (plane.tracks, plane.transports, ada.track_ids) == ({}, set(), set())
        if imposed["hold"] or room.meeting.state is MeetingState.SUSPENDED:
            assert plane.heard == set()
        assert (bool(ada.held), not may(ada.role, Permission.MEDIA_PUBLISH)) == (imposed["hold"], imposed["demote"])
        assert {track.track_id for track in room.meeting.tracks.values() if track.live and not track.muted} == plane.heard


@pytest.mark.parametrize("role", [Role.HOST, Role.CO_HOST])
def test_ids_of_another_meeting_are_not_found_whatever_the_role(role: Role) -> None:
    room, other = MeetingInMemory(), MeetingInMemory(seed=2)
    room.sit(room.open())
    me = room.join(role)
    stranger = other.sit(other.open())
    requests: list[Request] = [
        messages.ParticipantMute(id=1, participant_id=stranger.participant_id),
        messages.ParticipantAllowUnmute(id=1, participant_id=stranger.participant_id),
        messages.ScreenShareControl(id=1, participant_id=stranger.participant_id, allowed=False),
        messages.ParticipantAdmit(id=1, guest_id=FOREIGN),
        messages.LobbyDeny(id=1, guest_id=FOREIGN),
        messages.AudioMute(id=1, track_id=FOREIGN, muted=True),
        messages.Unpublish(id=1, track_id=FOREIGN),
    ]
    if role is Role.HOST:
        requests += [
            messages.ParticipantRemove(id=1, participant_id=stranger.participant_id),
            messages.ParticipantSetRole(id=1, participant_id=stranger.participant_id, role=Role.VIEWER),
            messages.HostPass(id=1, participant_id=stranger.participant_id),
            messages.InvitationRevoke(id=1, jti=stranger.jti),
        ]
    for request in requests:
        with pytest.raises(Refused) as caught:
            room.ask(me.session_id, request, messages.Empty)
        assert caught.value.code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize("role", [Role.CO_HOST, Role.PARTICIPANT, Role.VIEWER])
def test_nobody_but_a_host_removes_or_demotes_anybody(role: Role) -> None:
    room = MeetingInMemory()
    host, me = room.sit(room.open()), room.join(role)
    for request in (
        messages.ParticipantRemove(id=1, participant_id=host.participant_id, ban=True),
        messages.ParticipantSetRole(id=1, participant_id=host.participant_id, role=Role.VIEWER),
        messages.MeetingSuspend(id=1),
        messages.MeetingLock(id=1, locked=True),
        messages.MeetingEnd(id=1),
    ):
        with pytest.raises(Refused) as caught:
            room.ask(me.session_id, request, messages.Empty)
        assert caught.value.code is ErrorCode.UNAUTHORIZED
    assert host.role is Role.HOST
