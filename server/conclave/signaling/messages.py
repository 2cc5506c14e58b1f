"""Every message of the signaling protocol, declared once, with its rule.

One schema serves both WebSocket subprotocols (`conclave.v1.msgpack`, binary frames; `conclave.v1.json`, text frames).
A message is a map whose `type` names the struct. Unknown types and unknown fields are refused (`invalid`).
Requests carry `id`, chosen by the client; the server answers each with exactly one `response` or `error` of the same `id`.
Events carry no id.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

from conclave.model.errors import ErrorCode
from conclave.model.media import MediaKind, TrackSource
from conclave.model.roles import Permission, Role
from conclave.policy.rules import MeetingState, Phase, RateClass, Rule, Scope

PROTOCOL_VERSION = 1
SUBPROTOCOL_MSGPACK = "conclave.v1.msgpack"
SUBPROTOCOL_JSON = "conclave.v1.json"

RequestId = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Identifier = Annotated[str, Meta(min_length=16, max_length=16)]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]
DisplayName = Annotated[str, Meta(min_length=1, max_length=64)]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Mid = Annotated[str, Meta(min_length=1, max_length=16)]
Sdp = Annotated[str, Meta(min_length=1, max_length=60_000)]
Identifiers = Annotated[list[Identifier], Meta(min_length=1, max_length=256)]


class Request(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", kw_only=True):
    id: RequestId


class Resume(Struct, frozen=True, forbid_unknown_fields=True):
    """Proof that a lost connection was ours. `resume_token` is single-use; `welcome` brings the next one."""

    session_id: Identifier
    resume_token: Annotated[str, Meta(min_length=32, max_length=64)]


class Hello(Request, frozen=True, tag="hello", kw_only=True):
    """First message of every connection. Exactly one of `token` (an invitation) and `resume` is given."""

    protocol: int
    token: Token | None = None
    resume: Resume | None = None
    client: Annotated[str, Meta(max_length=64)] = ""


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


class MeetingModify(Request, frozen=True, tag="meeting.modify", kw_only=True):
    title: Title


class HostPass(Request, frozen=True, tag="host.pass", kw_only=True):
    """Make another participant the host and become co-host."""

    participant_id: Identifier


class InvitationCreate(Request, frozen=True, tag="invitation.create", kw_only=True):
    """Make an invitation to this meeting for a role not above one's own."""

    role: Role
    expires_in_s: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 86_400


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


class ParticipantAdmit(Request, frozen=True, tag="participant.admit", kw_only=True):
    participant_id: Identifier


class ParticipantRemove(Request, frozen=True, tag="participant.remove", kw_only=True):
    participant_id: Identifier


class ParticipantMute(Request, frozen=True, tag="participant.mute", kw_only=True):
    participant_id: Identifier


class RecordingStart(Request, frozen=True, tag="recording.start", kw_only=True):
    """Start recording. Everybody is asked; who starts has agreed with that. Others are in it from their own consent on."""


class RecordingPause(Request, frozen=True, tag="recording.pause", kw_only=True):
    """Interrupt the recording, or go on; what lies between is not in it."""

    paused: bool


class RecordingConsent(Request, frozen=True, tag="recording.consent", kw_only=True):
    """Agree to be recorded, or no longer; without it nothing of one's own tracks is in the recording."""

    granted: bool


class RecordingStop(Request, frozen=True, tag="recording.stop", kw_only=True):
    pass


class RecordingDownload(Request, frozen=True, tag="recording.download", kw_only=True):
    """Ask what a recording of this meeting consists of; its files are read over HTTP with a host's invitation."""

    recording_id: Identifier


class ScreenShareControl(Request, frozen=True, tag="screen_share.control", kw_only=True):
    participant_id: Identifier
    allowed: bool


class BreakoutCreate(Request, frozen=True, tag="breakout.create", kw_only=True):
    title: Title


class BreakoutManage(Request, frozen=True, tag="breakout.manage", kw_only=True):
    participant_id: Identifier
    breakout_id: Identifier


_NEW = frozenset({Phase.NEW})
_GREETED = frozenset({Phase.GREETED})
_JOINED = frozenset({Phase.JOINED})
_ANY = frozenset(Phase)
_ACTIVE = frozenset({MeetingState.ACTIVE})
_NOT_ACTIVE = frozenset({MeetingState.ABSENT, MeetingState.ENDED})
_LEAVABLE = frozenset({MeetingState.ACTIVE, MeetingState.ENDED})


def _joined(permission: Permission, scope: Scope, rate: RateClass = RateClass.CONTROL, *, available: bool = True) -> Rule:
    return Rule(permission, _JOINED, scope, rate, available, meeting=_ACTIVE)


MESSAGES: dict[type[Request], Rule] = {
    Hello: Rule(Permission.SESSION_USE, _NEW, Scope.NONE, RateClass.CONTROL),
    Ping: Rule(Permission.SESSION_USE, _ANY, Scope.NONE, RateClass.HEARTBEAT),
    MeetingCreate: Rule(
        Permission.MEETING_CREATE, _GREETED, Scope.MEETING, RateClass.CONTROL, True, _NOT_ACTIVE, ErrorCode.CONFLICT
    ),
    Join: Rule(Permission.MEETING_ATTEND, _GREETED, Scope.MEETING, RateClass.CONTROL, True, _ACTIVE, ErrorCode.NOT_FOUND),
    Leave: Rule(Permission.MEETING_ATTEND, _JOINED, Scope.MEETING, RateClass.CONTROL, True, _LEAVABLE),
    MeetingEnd: _joined(Permission.MEETING_DELETE, Scope.MEETING),
    MeetingModify: _joined(Permission.MEETING_MODIFY, Scope.MEETING, available=False),
    HostPass: _joined(Permission.MEETING_MODIFY, Scope.OTHER_PARTICIPANT),
    InvitationCreate: _joined(Permission.PARTICIPANT_ADMIT, Scope.MEETING),
    AudioPublish: _joined(Permission.AUDIO_TOGGLE, Scope.MEETING, RateClass.NEGOTIATION),
    VideoPublish: _joined(Permission.VIDEO_TOGGLE, Scope.MEETING, RateClass.NEGOTIATION),
    ScreenPublish: _joined(Permission.SCREEN_SHARE_START, Scope.MEETING, RateClass.NEGOTIATION),
    PublisherOffer: _joined(Permission.MEDIA_PUBLISH, Scope.MEETING, RateClass.NEGOTIATION),
    Unpublish: _joined(Permission.MEDIA_PUBLISH, Scope.OWN_TRACK, RateClass.NEGOTIATION),
    AudioMute: _joined(Permission.AUDIO_TOGGLE, Scope.OWN_TRACK),
    VideoMute: _joined(Permission.VIDEO_TOGGLE, Scope.OWN_TRACK),
    Subscribe: _joined(Permission.MEDIA_RECEIVE, Scope.MEETING, RateClass.NEGOTIATION),
    Unsubscribe: _joined(Permission.MEDIA_RECEIVE, Scope.MEETING, RateClass.NEGOTIATION),
    SubscriberAnswer: _joined(Permission.MEDIA_RECEIVE, Scope.MEETING, RateClass.NEGOTIATION),
    SubscriberRestart: _joined(Permission.MEDIA_RECEIVE, Scope.MEETING, RateClass.NEGOTIATION),
    PlaybackOffer: _joined(Permission.MEDIA_RECEIVE, Scope.MEETING, RateClass.NEGOTIATION),
    HandRaise: _joined(Permission.HAND_RAISE, Scope.MEETING, RateClass.EXPRESSION),
    ReactionSend: _joined(Permission.REACTIONS_SEND, Scope.MEETING, RateClass.EXPRESSION),
    ChatSend: _joined(Permission.CHAT_SEND, Scope.MEETING, RateClass.EXPRESSION, available=False),
    ParticipantAdmit: _joined(Permission.PARTICIPANT_ADMIT, Scope.OTHER_PARTICIPANT, available=False),
    ParticipantRemove: _joined(Permission.PARTICIPANT_REMOVE, Scope.OTHER_PARTICIPANT, available=False),
    ParticipantMute: _joined(Permission.PARTICIPANT_MUTE, Scope.OTHER_PARTICIPANT, available=False),
    RecordingStart: _joined(Permission.RECORDING_START, Scope.MEETING),
    RecordingPause: _joined(Permission.RECORDING_STOP, Scope.MEETING),
    RecordingConsent: _joined(Permission.MEETING_ATTEND, Scope.MEETING),
    RecordingStop: _joined(Permission.RECORDING_STOP, Scope.MEETING),
    RecordingDownload: _joined(Permission.RECORDING_DOWNLOAD, Scope.MEETING),
    ScreenShareControl: _joined(Permission.SCREEN_SHARE_CONTROL, Scope.OTHER_PARTICIPANT, available=False),
    BreakoutCreate: _joined(Permission.BREAKOUT_ROOMS_CREATE, Scope.MEETING, available=False),
    BreakoutManage: _joined(Permission.BREAKOUT_ROOMS_MANAGE, Scope.OTHER_PARTICIPANT, available=False),
}


# --- what the server sends ------------------------------------------------------------------------------------------


class TrackInfo(Struct, frozen=True):
    track_id: str
    participant_id: str
    source: TrackSource
    kind: MediaKind
    muted: bool


class ParticipantInfo(Struct, frozen=True):
    participant_id: str
    display_name: str
    role: Role
    hand_raised: bool
    connected: bool
    recorded: bool = False


class SlotInfo(Struct, frozen=True):
    """Which track m-section `mid` of the subscribing peer connection shows now; None: nothing."""

    mid: str
    track_id: str | None


class RecordingInfo(Struct, frozen=True):
    """state: "off", "recording" or "paused"; since_s in Unix seconds; recorded: the participants who are in it."""

    state: str
    recorded: list[str]
    since_s: int | None = None
    recording_id: str | None = None


class Snapshot(Struct, frozen=True):
    """All that a participant may see of the meeting; sent at join and after a resume."""

    participants: list[ParticipantInfo]
    tracks: list[TrackInfo]
    slots: list[SlotInfo]
    active_speakers: list[str]
    recording: RecordingInfo


class Welcome(Struct, frozen=True):
    """Result of `hello`. After a resume `participant_id` and `snapshot` are set and the connection is `joined`."""

    session_id: str
    resume_token: str
    resume_grace_ms: int
    heartbeat_ms: int
    role: Role
    meeting_id: str
    meeting_open: bool
    title: str | None
    ice_servers: list[dict[str, Any]]
    resumed: bool = False
    participant_id: str | None = None
    snapshot: Snapshot | None = None


class MeetingCreated(Struct, frozen=True):
    meeting_id: str


class Joined(Struct, frozen=True):
    participant_id: str
    role: Role
    title: str
    snapshot: Snapshot


class Published(Struct, frozen=True):
    """`track_ids` in the order of the declared mids."""

    track_ids: list[str]


class SdpAnswer(Struct, frozen=True):
    sdp: str


class Invitation(Struct, frozen=True):
    """`path` is the link's path with the token in its fragment, which browsers never send to a server."""

    token: str
    path: str
    expires_at_s: int


class RecordingStarted(Struct, frozen=True):
    recording_id: str


class RecordingDescription(Struct, frozen=True):
    """GET `path` lists the files; `path`/<participant_id>.webm has picture and sound of one, `path`/speakers.json the turns."""

    recording_id: str
    path: str


class Pong(Struct, frozen=True):
    server_ms: int


class Empty(Struct, frozen=True):
    pass


class Response(Struct, frozen=True, tag_field="type", tag="response"):
    id: int
    result: Any


class Error(Struct, frozen=True, tag_field="type", tag="error"):
    """`id` is None when the request's id could not be read. `incident` names a log entry when the fault is ours."""

    id: int | None
    code: str
    detail: str
    incident: str | None = None


class Event(Struct, frozen=True, tag_field="type"):
    pass


class ParticipantJoined(Event, frozen=True, tag="participant.joined"):
    participant: ParticipantInfo


class ParticipantLeft(Event, frozen=True, tag="participant.left"):
    participant_id: str
    reason: str


class ParticipantChanged(Event, frozen=True, tag="participant.changed"):
    participant: ParticipantInfo


class TrackPublished(Event, frozen=True, tag="track.published"):
    track: TrackInfo


class TrackUnpublished(Event, frozen=True, tag="track.unpublished"):
    track_id: str


class TrackChanged(Event, frozen=True, tag="track.changed"):
    track: TrackInfo


class ActiveSpeakers(Event, frozen=True, tag="speakers.active"):
    """Participants who speak now, loudest first."""

    participant_ids: list[str]


class Reaction(Event, frozen=True, tag="reaction"):
    participant_id: str
    reaction: str


class RecordingChanged(Event, frozen=True, tag="recording.changed"):
    """Sent at every change; clients show it as long as `state` is not "off"."""

    recording: RecordingInfo


class RecordingConsentRequested(Event, frozen=True, tag="recording.consent_requested"):
    """Answer with `recording.consent`. Sent when a recording starts, and to who joins or comes back later without an answer."""

    recording_id: str


class SubscriberOffer(Event, frozen=True, tag="subscriber.offer"):
    """One is outstanding at a time; changes that come meanwhile are coalesced into the next."""

    revision: int
    sdp: str


class SubscriberSlots(Event, frozen=True, tag="subscriber.slots"):
    """The whole mapping, sent when it changed. Needs no renegotiation."""

    slots: list[SlotInfo]


class TracksUnsupported(Event, frozen=True, tag="tracks.unsupported"):
    """Subscribed tracks that this client cannot decode; the whole set, sent when it changed."""

    track_ids: list[str]


class TransportState(Event, frozen=True, tag="transport.state"):
    """transport: "publisher" or "subscriber"; state: "connecting", "connected", "failed", "closed"; reason: "" for good news."""

    transport: str
    state: str
    reason: str = ""


class MeetingOpened(Event, frozen=True, tag="meeting.opened"):
    """Sent to greeted connections that wait for their meeting: `join` is possible now."""

    title: str


class MeetingEnded(Event, frozen=True, tag="meeting.ended"):
    reason: str


class Closing(Event, frozen=True, tag="closing"):
    """The server closes this connection; `code` is a key of CLOSE_CODES."""

    code: str
    detail: str


EVENTS: tuple[type[Event], ...] = (
    ParticipantJoined, ParticipantLeft, ParticipantChanged, TrackPublished, TrackUnpublished, TrackChanged,
    ActiveSpeakers, Reaction, RecordingChanged, RecordingConsentRequested, SubscriberOffer, SubscriberSlots, TracksUnsupported,
    TransportState, MeetingOpened, MeetingEnded, Closing,
)  # fmt: skip

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
}
"""WebSocket close code (RFC 6455, section 7.4) that follows a `closing` event of that code."""

RESULTS: dict[type[Request], type[Struct]] = {
    Hello: Welcome, Ping: Pong, MeetingCreate: MeetingCreated, Join: Joined, InvitationCreate: Invitation,
    AudioPublish: Published, VideoPublish: Published, ScreenPublish: Published,
    PublisherOffer: SdpAnswer, PlaybackOffer: SdpAnswer,
    RecordingStart: RecordingStarted, RecordingDownload: RecordingDescription,
}  # fmt: skip
"""Result struct of each request; those not named answer `Empty`."""


def type_of(message: type[Struct]) -> str:
    """Return the value of `type` on the wire for a message class."""
    return str(message.__struct_config__.tag)
