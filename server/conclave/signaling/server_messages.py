"""What the server sends: results and their parts, answers, events."""

from typing import Any

from msgspec import Struct

from conclave.model.media import MediaKind, TrackSource
from conclave.model.roles import Role
from conclave.policy.rules import MeetingState
from conclave.signaling.moderation_messages import ScreenShareMode


class TrackInfo(Struct, frozen=True):
    track_id: str
    participant_id: str
    source: TrackSource
    kind: MediaKind
    muted: bool


class ParticipantInfo(Struct, frozen=True):
    """`held`: the sources that are hard muted; `recorded`: whether the recording has this participant; `breakout_id`: the
    breakout room where this participant is, null for the main room."""

    participant_id: str
    display_name: str
    role: Role
    hand_raised: bool
    connected: bool
    held: list[TrackSource]
    recorded: bool = False
    breakout_id: str | None = None


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


class MeetingSettings(Struct, frozen=True):
    """The switches. Where `chat`, `unmute` or `roster` is off, participants and viewers may not chat, not unmute themselves, not
    see who is here (but those who publish and the hosts); `admit_personal`: personal links pass the waiting room."""

    screen_share: ScreenShareMode = ScreenShareMode.ALL
    chat: bool = True
    unmute: bool = True
    roster: bool = True
    waiting_room: bool = False
    admit_personal: bool = True


class LobbyGuest(Struct, frozen=True):
    """Who waits. `personal`: came by a personal link."""

    guest_id: str
    display_name: str
    reason: str
    role: Role
    personal: bool


class BreakoutInfo(Struct, frozen=True):
    """`participants`: how many are in the room. Who they are stands on the roster of those who may see it."""

    breakout_id: str
    title: str
    participants: int


class Snapshot(Struct, frozen=True):
    """All that a participant may see of the meeting where it is; sent at join, at a move and after a resume. `lobby` is for those
    who may admit. `breakout_id`: where one is; `moves`: how often one changed the room."""

    participants: list[ParticipantInfo]
    tracks: list[TrackInfo]
    slots: list[SlotInfo]
    active_speakers: list[str]
    recording: RecordingInfo
    state: MeetingState
    settings: MeetingSettings
    lobby: list[LobbyGuest]
    breakouts: list[BreakoutInfo]
    self_choose: bool = False
    closes_in_s: int | None = None
    breakout_id: str | None = None
    moves: int = 0


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
    """`state` is "joined", or "lobby": then there is neither a seat nor a snapshot until `lobby.admitted` and another `join`."""

    participant_id: str | None
    role: Role
    title: str
    snapshot: Snapshot | None
    state: str = "joined"


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


class InvitationDescription(Struct, frozen=True):
    """`seats` 1 is a personal link; `uses`: how often it was used; `present`: how many sit by it now."""

    jti: str
    role: Role
    seats: int
    max_uses: int
    uses: int
    present: int
    expires_at_s: int
    label: str
    revoked: bool


class InvitationDescriptions(Struct, frozen=True):
    invitations: list[InvitationDescription]


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


class ParticipantsMoved(Event, frozen=True, tag="participants.moved"):
    """They came into one's own room, or, for hosts and co-hosts, into any: put them on the roster as they are here."""

    participants: list[ParticipantInfo]


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


class MeetingChanged(Event, frozen=True, tag="meeting.changed"):
    """Title, state or switches changed."""

    title: str
    state: MeetingState
    settings: MeetingSettings


class UnmuteRequested(Event, frozen=True, tag="unmute.requested"):
    """A host asks that one turns `source` on; only the person can."""

    source: TrackSource


class ScreenShareStopped(Event, frozen=True, tag="screen_share.stopped"):
    """One's own screen share was ended: `reason` is "stopped", "taken_over" or "demoted"."""

    reason: str


class LobbyChanged(Event, frozen=True, tag="lobby.changed"):
    """All who wait; to those who may admit."""

    guests: list[LobbyGuest]


class LobbyAdmitted(Event, frozen=True, tag="lobby.admitted"):
    """One may `join` now."""


class InvitationReused(Event, frozen=True, tag="invitation.reused"):
    """Somebody tried to come by a personal link that is in use on another device; to those who may admit."""

    jti: str
    role: Role
    label: str


class BreakoutsChanged(Event, frozen=True, tag="breakouts.changed"):
    """All rooms and how many are in each; none: they are closed. `closes_in_s` while a countdown runs."""

    breakouts: list[BreakoutInfo]
    self_choose: bool
    closes_in_s: int | None = None


class BreakoutEntered(Event, frozen=True, tag="breakout.entered"):
    """One is in another room now: close the peer connections, send `breakout.ready`, open new ones;
    `snapshot` is what one sees there."""

    breakout_id: str | None
    snapshot: Snapshot


class BreakoutAnnounced(Event, frozen=True, tag="breakout.announced"):
    """Said to everybody in all rooms by the host or co-host `display_name`."""

    text: str
    display_name: str


class Closing(Event, frozen=True, tag="closing"):
    """The server closes this connection; `code` is a key of messages.CLOSE_CODES."""

    code: str
    detail: str


EVENTS: tuple[type[Event], ...] = (
    ParticipantJoined, ParticipantLeft, ParticipantChanged, ParticipantsMoved, TrackPublished, TrackUnpublished, TrackChanged,
    ActiveSpeakers, Reaction, RecordingChanged, RecordingConsentRequested, SubscriberOffer, SubscriberSlots, TracksUnsupported,
    TransportState, MeetingOpened, MeetingEnded, MeetingChanged, UnmuteRequested, ScreenShareStopped,
    LobbyChanged, LobbyAdmitted, InvitationReused, BreakoutsChanged, BreakoutEntered, BreakoutAnnounced, Closing,
)  # fmt: skip
