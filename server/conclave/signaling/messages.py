"""Every message of the signaling protocol, declared once, with its rule.

One schema serves both WebSocket subprotocols (`conclave.v1.msgpack`, binary frames; `conclave.v1.json`, text frames).
A message is a map whose `type` names the struct. Unknown types and unknown fields are refused (`invalid`).
Requests carry `id`, chosen by the client; the server answers each with exactly one `response` or `error` of the same `id`.
Events carry no id.
"""

from typing import Annotated

from msgspec import Meta, Struct

from conclave.model.errors import ErrorCode
from conclave.model.roles import Permission
from conclave.policy.rules import OPEN, MeetingState, Phase, RateClass, Rule, Scope
from conclave.signaling.moderation_messages import *  # noqa: F403 # one name for the whole protocol
from conclave.signaling.moderation_messages import (
    BreakoutAnnounce,
    BreakoutClose,
    BreakoutCreate,
    BreakoutEnter,
    BreakoutManage,
    BreakoutReady,
    InvitationCreate,
    InvitationList,
    InvitationRevoke,
    Knock,
    LobbyDeny,
    MeetingLock,
    MeetingModify,
    MeetingResume,
    MeetingSuspend,
    ParticipantAdmit,
    ParticipantAllowUnmute,
    ParticipantMute,
    ParticipantRemove,
    ParticipantSetRole,
    ParticipantsMute,
    ScreenShareControl,
)
from conclave.signaling.request import *  # noqa: F403 # as above
from conclave.signaling.request import DisplayName, Identifier, Identifiers, Mid, Request, Sdp, Title, Token
from conclave.signaling.server_messages import *  # noqa: F403 # as above
from conclave.signaling.server_messages import (
    Invitation,
    InvitationDescriptions,
    Joined,
    MeetingCreated,
    Pong,
    Published,
    RecordingDescription,
    RecordingStarted,
    SdpAnswer,
    Welcome,
)

PROTOCOL_VERSION = 1
SUBPROTOCOL_MSGPACK = "conclave.v1.msgpack"
SUBPROTOCOL_JSON = "conclave.v1.json"


class Resume(Struct, frozen=True, forbid_unknown_fields=True):
    """Proof that a lost connection was ours. `resume_token` is single-use; `welcome` brings the next one."""

    session_id: Identifier
    resume_token: Annotated[str, Meta(min_length=32, max_length=64)]


class Hello(Request, frozen=True, tag="hello", kw_only=True):
    """First message of every connection. Exactly one of `token` (an invitation) and `resume` is given. `device_id`
    is random and kept by the client. `access_token` says which account sits there; its revocation ends the session."""

    protocol: int
    token: Token | None = None
    resume: Resume | None = None
    client: Annotated[str, Meta(max_length=64)] = ""
    device_id: Annotated[str, Meta(min_length=16, max_length=64)] | None = None
    access_token: Token | None = None


class Ping(Request, frozen=True, tag="ping", kw_only=True):
    """Answered with the server's monotonic milliseconds."""


class MeetingCreate(Request, frozen=True, tag="meeting.create", kw_only=True):
    """Open the meeting that the invitation names."""

    title: Title


class Join(Request, frozen=True, tag="join", kw_only=True):
    """Take a seat. With `auto_subscribe` every track, present and future, is subscribed until the slot limit."""

    display_name: DisplayName
    auto_subscribe: bool = False


class Leave(Request, frozen=True, tag="leave", kw_only=True):
    """Give up the seat. The last host's role passes on first (spec, section 2)."""


class MeetingEnd(Request, frozen=True, tag="meeting.end", kw_only=True):
    """End the meeting for everybody."""


class HostPass(Request, frozen=True, tag="host.pass", kw_only=True):
    """Make another participant the host and become co-host."""

    participant_id: Identifier


class AudioPublish(Request, frozen=True, tag="audio.publish", kw_only=True):
    """Declare a microphone track for m-section `mid` of the next `publisher.offer`."""

    mid: Mid


class VideoPublish(Request, frozen=True, tag="video.publish", kw_only=True):
    """Declare a camera track for m-section `mid` of the next `publisher.offer`."""

    mid: Mid


class ScreenPublish(Request, frozen=True, tag="screen.publish", kw_only=True):
    """Declare a screen share; `audio_mid` carries the sound of the shared surface."""

    mid: Mid
    audio_mid: Mid | None = None
    take_over: bool = False


class PublisherOffer(Request, frozen=True, tag="publisher.offer", kw_only=True):
    """SDP offer of the publishing peer connection. A sending m-section without a declared track is refused.
    A changed ice-ufrag is an ICE restart. Requests may be pipelined: declare and offer without waiting."""

    sdp: Sdp


class Unpublish(Request, frozen=True, tag="unpublish", kw_only=True):
    track_id: Identifier


class AudioMute(Request, frozen=True, tag="audio.mute", kw_only=True):
    """Mute or unmute one's own audio track; while muted the plane forwards nothing of it."""

    track_id: Identifier
    muted: bool


class VideoMute(Request, frozen=True, tag="video.mute", kw_only=True):
    """Stop or start one's own camera or screen track; while muted the plane forwards nothing of it."""

    track_id: Identifier
    muted: bool


class Subscribe(Request, frozen=True, tag="subscribe", kw_only=True):
    track_ids: Identifiers


class Unsubscribe(Request, frozen=True, tag="unsubscribe", kw_only=True):
    track_ids: Identifiers


class SubscriberAnswer(Request, frozen=True, tag="subscriber.answer", kw_only=True):
    """SDP answer to the `subscriber.offer` event of the same `revision`."""

    revision: int
    sdp: Sdp


class SubscriberRestart(Request, frozen=True, tag="subscriber.restart", kw_only=True):
    """Ask for an ICE restart of the subscribing peer connection; a `subscriber.offer` follows."""


class PlaybackOffer(Request, frozen=True, tag="playback.offer", kw_only=True):
    """SDP offer of a client that cannot answer offers (WHEP): its recvonly m-sections become the slots."""

    sdp: Sdp


class HandRaise(Request, frozen=True, tag="hand.raise", kw_only=True):
    raised: bool


class ReactionSend(Request, frozen=True, tag="reaction.send", kw_only=True):
    reaction: Annotated[str, Meta(min_length=1, max_length=16)]


class ChatSend(Request, frozen=True, tag="chat.send", kw_only=True):
    envelope: Annotated[bytes, Meta(max_length=32_768)]


class RecordingStart(Request, frozen=True, tag="recording.start", kw_only=True):
    """Start recording. Everybody is asked; who starts has agreed with that. Others are in it from their own consent on."""


class RecordingPause(Request, frozen=True, tag="recording.pause", kw_only=True):
    """Interrupt the recording, or go on; what lies between is not in it."""

    paused: bool


class RecordingConsent(Request, frozen=True, tag="recording.consent", kw_only=True):
    """Agree to be recorded, or no longer; without it nothing of one's own tracks is in the recording. With `recording_id` one
    agrees to that recording alone."""

    granted: bool
    recording_id: Identifier | None = None


class RecordingStop(Request, frozen=True, tag="recording.stop", kw_only=True):
    pass


class RecordingDownload(Request, frozen=True, tag="recording.download", kw_only=True):
    """Ask what a recording of this meeting consists of; its files are read over HTTP with a host's invitation."""

    recording_id: Identifier


_NEW = frozenset({Phase.NEW})
_GREETED = frozenset({Phase.GREETED})
_LOBBY = frozenset({Phase.LOBBY})
_JOINED = frozenset({Phase.JOINED, Phase.BREAKOUT})
_ANY = frozenset(Phase)
_ACTIVE = frozenset({MeetingState.ACTIVE})
_RUNNING = frozenset({MeetingState.ACTIVE, MeetingState.LOCKED})
_NOT_OPEN = frozenset({MeetingState.ABSENT, MeetingState.ENDED})
_CLOSED = frozenset({MeetingState.LOCKED, MeetingState.SUSPENDED})
_LEAVABLE = OPEN | {MeetingState.ENDED}


def _joined(
    permission: Permission,
    scope: Scope,
    rate: RateClass = RateClass.CONTROL,
    *,
    available: bool = True,
    meeting: frozenset[MeetingState] = _RUNNING,
) -> Rule:
    return Rule(permission, _JOINED, scope, rate, available, meeting=meeting)


MESSAGES: dict[type[Request], Rule] = {
    Hello: Rule(Permission.SESSION_USE, _NEW, Scope.NONE, RateClass.CONTROL),
    Ping: Rule(Permission.SESSION_USE, _ANY, Scope.NONE, RateClass.HEARTBEAT),
    MeetingCreate: Rule(
        Permission.MEETING_CREATE, _GREETED, Scope.MEETING, RateClass.CONTROL, True, _NOT_OPEN, ErrorCode.CONFLICT
    ),
    Join: Rule(
        Permission.MEETING_ATTEND, _GREETED, Scope.MEETING, RateClass.CONTROL, True, _ACTIVE, ErrorCode.NOT_FOUND, _CLOSED
    ),
    Knock: Rule(Permission.MEETING_ATTEND, _LOBBY, Scope.MEETING, RateClass.CONTROL, meeting=_RUNNING),
    Leave: Rule(Permission.MEETING_ATTEND, _JOINED | _LOBBY, Scope.MEETING, RateClass.CONTROL, True, _LEAVABLE),
    MeetingEnd: _joined(Permission.MEETING_DELETE, Scope.MEETING, meeting=OPEN),
    MeetingModify: _joined(Permission.MEETING_MODIFY, Scope.MEETING, meeting=OPEN),
    MeetingLock: _joined(Permission.MEETING_MODIFY, Scope.MEETING),
    MeetingSuspend: _joined(Permission.MEETING_MODIFY, Scope.MEETING),
    MeetingResume: _joined(Permission.MEETING_MODIFY, Scope.MEETING, meeting=frozenset({MeetingState.SUSPENDED})),
    HostPass: _joined(Permission.MEETING_MODIFY, Scope.OTHER_PARTICIPANT, meeting=OPEN),
    InvitationCreate: _joined(Permission.PARTICIPANT_ADMIT, Scope.MEETING),
    InvitationList: _joined(Permission.PARTICIPANT_ADMIT, Scope.MEETING, meeting=OPEN),
    InvitationRevoke: _joined(Permission.PARTICIPANT_REMOVE, Scope.MEETING, meeting=OPEN),
    AudioPublish: _joined(Permission.AUDIO_TOGGLE, Scope.MEETING, RateClass.NEGOTIATION),
    VideoPublish: _joined(Permission.VIDEO_TOGGLE, Scope.MEETING, RateClass.NEGOTIATION),
    ScreenPublish: _joined(Permission.SCREEN_SHARE_START, Scope.MEETING, RateClass.NEGOTIATION),
    PublisherOffer: _joined(Permission.MEDIA_PUBLISH, Scope.MEETING, RateClass.NEGOTIATION),
    Unpublish: _joined(Permission.MEDIA_PUBLISH, Scope.OWN_TRACK, RateClass.NEGOTIATION),
    AudioMute: _joined(Permission.AUDIO_TOGGLE, Scope.OWN_TRACK),
    VideoMute: _joined(Permission.VIDEO_TOGGLE, Scope.OWN_TRACK),
    Subscribe: _joined(Permission.MEDIA_RECEIVE, Scope.MEETING, RateClass.NEGOTIATION),
    Unsubscribe: _joined(Permission.MEDIA_RECEIVE, Scope.MEETING, RateClass.NEGOTIATION),
    SubscriberAnswer: _joined(Permission.MEDIA_RECEIVE, Scope.MEETING, RateClass.NEGOTIATION, meeting=OPEN),
    SubscriberRestart: _joined(Permission.MEDIA_RECEIVE, Scope.MEETING, RateClass.NEGOTIATION, meeting=OPEN),
    PlaybackOffer: _joined(Permission.MEDIA_RECEIVE, Scope.MEETING, RateClass.NEGOTIATION),
    HandRaise: _joined(Permission.HAND_RAISE, Scope.MEETING, RateClass.EXPRESSION),
    ReactionSend: _joined(Permission.REACTIONS_SEND, Scope.MEETING, RateClass.EXPRESSION),
    ChatSend: _joined(Permission.CHAT_SEND, Scope.MEETING, RateClass.EXPRESSION, available=False),
    ParticipantAdmit: _joined(Permission.PARTICIPANT_ADMIT, Scope.GUEST),
    LobbyDeny: _joined(Permission.PARTICIPANT_ADMIT, Scope.GUEST, meeting=OPEN),
    ParticipantRemove: _joined(Permission.PARTICIPANT_REMOVE, Scope.OTHER_PARTICIPANT, meeting=OPEN),
    ParticipantMute: _joined(Permission.PARTICIPANT_MUTE, Scope.OTHER_PARTICIPANT, meeting=OPEN),
    ParticipantsMute: _joined(Permission.PARTICIPANT_MUTE, Scope.MEETING, meeting=OPEN),
    ParticipantAllowUnmute: _joined(Permission.PARTICIPANT_MUTE, Scope.OTHER_PARTICIPANT),
    ParticipantSetRole: _joined(Permission.MEETING_MODIFY, Scope.OTHER_PARTICIPANT, meeting=OPEN),
    RecordingStart: _joined(Permission.RECORDING_START, Scope.MEETING),
    RecordingPause: _joined(Permission.RECORDING_STOP, Scope.MEETING),
    RecordingConsent: _joined(Permission.MEETING_ATTEND, Scope.MEETING, meeting=OPEN),
    RecordingStop: _joined(Permission.RECORDING_STOP, Scope.MEETING, meeting=OPEN),
    RecordingDownload: _joined(Permission.RECORDING_DOWNLOAD, Scope.MEETING),
    ScreenShareControl: _joined(Permission.SCREEN_SHARE_CONTROL, Scope.OTHER_PARTICIPANT, meeting=OPEN),
    BreakoutCreate: _joined(Permission.BREAKOUT_ROOMS_CREATE, Scope.MEETING),
    BreakoutManage: _joined(Permission.BREAKOUT_ROOMS_MANAGE, Scope.OTHER_PARTICIPANT),
    BreakoutEnter: _joined(Permission.MEETING_ATTEND, Scope.MEETING, RateClass.EXPRESSION),
    BreakoutReady: _joined(Permission.MEETING_ATTEND, Scope.MEETING, RateClass.NEGOTIATION, meeting=OPEN),
    BreakoutAnnounce: _joined(Permission.BREAKOUT_ROOMS_MANAGE, Scope.MEETING),
    BreakoutClose: _joined(Permission.BREAKOUT_ROOMS_MANAGE, Scope.MEETING),
}

CLOSE_CODES: dict[str, int] = {
    "shutdown": 1001,
    "invalid": 1007,
    "too_large": 1009,
    "unavailable": 1011,
    "unauthorized": 4001,
    "forbidden": 4003,
    "rate_limited": 4029,
    "replaced": 4009,
    "timeout": 4008,
    "removed": 4010,
    "denied": 4011,
}
"""WebSocket close code (RFC 6455, section 7.4) that follows a `closing` event of that code."""

RESULTS: dict[type[Request], type[Struct]] = {
    Hello: Welcome, Ping: Pong, MeetingCreate: MeetingCreated, Join: Joined, InvitationCreate: Invitation,
    InvitationList: InvitationDescriptions,
    AudioPublish: Published, VideoPublish: Published, ScreenPublish: Published,
    PublisherOffer: SdpAnswer, PlaybackOffer: SdpAnswer,
    RecordingStart: RecordingStarted, RecordingDownload: RecordingDescription,
}  # fmt: skip
"""Result struct of each request; those not named answer `Empty`."""


def type_of(message: type[Struct]) -> str:
    """Return the value of `type` on the wire for a message class."""
    return str(message.__struct_config__.tag)
