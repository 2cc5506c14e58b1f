"""Requests about others and the meeting as a whole: switches, invitations, lobby, moderation, breakout rooms."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.signaling.request import DisplayName, Identifier, Request, Title

Reason = Annotated[str, Meta(max_length=200)]
Titles = Annotated[list[Title], Meta(min_length=1, max_length=50)]


class ScreenShareMode(StrEnum):
    """Who may share: everybody with the permission, one of them at a time, or hosts and co-hosts alone."""

    ALL = "all"
    ONE = "one"
    HOSTS = "hosts"


class MeetingModify(Request, frozen=True, tag="meeting.modify", kw_only=True):
    """Change the title or switches; what is null stays. The switches hold for participants and viewers, not for (co-)hosts."""

    title: Title | None = None
    screen_share: ScreenShareMode | None = None
    chat: bool | None = None
    unmute: bool | None = None
    roster: bool | None = None
    waiting_room: bool | None = None
    admit_personal: bool | None = None


class MeetingLock(Request, frozen=True, tag="meeting.lock", kw_only=True):
    """Let nobody else in, or again. Who has a seat keeps it, also over a lost connection."""

    locked: bool


class MeetingSuspend(Request, frozen=True, tag="meeting.suspend", kw_only=True):
    """Freeze everything at once: all media, chat, reactions and joins."""


class MeetingResume(Request, frozen=True, tag="meeting.resume", kw_only=True):
    """Go on after `meeting.suspend`; nobody is un-muted who was muted before."""


class InvitationCreate(Request, frozen=True, tag="invitation.create", kw_only=True):
    """Make an invitation to this meeting for a role not above one's own. `shared` false: a personal link, for one person."""

    role: Role
    expires_in_s: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 86_400
    shared: bool = False
    uses: Annotated[int, Meta(ge=0, le=10_000)] = 0
    label: Annotated[str, Meta(max_length=64)] = ""


class InvitationList(Request, frozen=True, tag="invitation.list", kw_only=True):
    """Ask for this meeting's invitations that have not expired."""


class InvitationRevoke(Request, frozen=True, tag="invitation.revoke", kw_only=True):
    """Refuse an invitation from now on; with `remove` whoever came by it is removed too."""

    jti: Identifier
    remove: bool = False


class Knock(Request, frozen=True, tag="knock", kw_only=True):
    """Say in the lobby who one is and why one comes."""

    display_name: DisplayName
    reason: Reason = ""


class ParticipantAdmit(Request, frozen=True, tag="participant.admit", kw_only=True):
    """Let one guest in, or with null everybody in the lobby."""

    guest_id: Identifier | None = None


class LobbyDeny(Request, frozen=True, tag="lobby.deny", kw_only=True):
    """Send a guest away; with `block` it cannot come back."""

    guest_id: Identifier
    block: bool = False


class ParticipantRemove(Request, frozen=True, tag="participant.remove", kw_only=True):
    """Remove somebody. A personal link is used up by that; with `ban` so are the link of any kind, the device and the network."""

    participant_id: Identifier
    ban: bool = False


class ParticipantMute(Request, frozen=True, tag="participant.mute", kw_only=True):
    """Mute what somebody sends from `source`; with `hard` the owner cannot undo it, and it holds for later tracks too."""

    participant_id: Identifier
    source: TrackSource = TrackSource.MICROPHONE
    hard: bool = False


class ParticipantsMute(Request, frozen=True, tag="participants.mute", kw_only=True):
    """The same for everybody but hosts and co-hosts."""

    source: TrackSource = TrackSource.MICROPHONE
    hard: bool = False


class ParticipantAllowUnmute(Request, frozen=True, tag="participant.allow_unmute", kw_only=True):
    """Lift a hard mute and ask the owner to unmute. Never un-mutes anybody by itself."""

    participant_id: Identifier
    source: TrackSource = TrackSource.MICROPHONE


class ParticipantSetRole(Request, frozen=True, tag="participant.set_role", kw_only=True):
    """Promote or demote somebody. What the new role may not have ends at once."""

    participant_id: Identifier
    role: Role


class ScreenShareControl(Request, frozen=True, tag="screen_share.control", kw_only=True):
    """`allowed` false stops somebody's screen share and forbids another; true allows it, also where only hosts may share."""

    participant_id: Identifier
    allowed: bool


class BreakoutCreate(Request, frozen=True, tag="breakout.create", kw_only=True):
    """Open breakout rooms, beside those that are open; with `self_choose` participants may choose one by themselves."""

    titles: Titles
    self_choose: bool = False


class BreakoutManage(Request, frozen=True, tag="breakout.manage", kw_only=True):
    """Move somebody at once into a breakout room, or with null back into the main room."""

    participant_id: Identifier
    breakout_id: Identifier | None = None


class BreakoutEnter(Request, frozen=True, tag="breakout.enter", kw_only=True):
    """Go into a breakout room: co-hosts always, others where they may choose or were assigned. With null back: everybody may."""

    breakout_id: Identifier | None = None


class BreakoutReady(Request, frozen=True, tag="breakout.ready", kw_only=True):
    """Answer to `breakout.entered`: `moves` of its snapshot. Until then everything about media is `conflict`."""

    moves: Annotated[int, Meta(ge=0, le=2**31 - 1)]


class BreakoutAnnounce(Request, frozen=True, tag="breakout.announce", kw_only=True):
    """Say something to everybody in all rooms."""

    text: Annotated[str, Meta(min_length=1, max_length=500)]


class BreakoutClose(Request, frozen=True, tag="breakout.close", kw_only=True):
    """Call everybody back after a countdown and close the rooms. Sent again it sets the countdown anew; 0: at once."""

    countdown_s: Annotated[int, Meta(ge=0, le=600)] = 60
