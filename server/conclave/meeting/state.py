"""The state of one meeting: who sits in it, what they publish. Methods answer questions and keep the indexes in step."""

from collections.abc import Iterable, Iterator, KeysView

from msgspec import Struct, field

from conclave.identity.invitations import Claims
from conclave.media.room import MediaRoom
from conclave.meeting.place import Place
from conclave.model.entry import InvitationRecord
from conclave.model.ids import BreakoutId, MeetingId, ParticipantId, RecordingId, SessionId, TrackId
from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.policy.rbac import outranks_or_equals
from conclave.policy.rules import OPEN, MeetingState
from conclave.signaling.messages import (
    LobbyGuest,
    MeetingSettings,
    ParticipantInfo,
    RecordingInfo,
    TrackInfo,
)


class Participant(Struct, kw_only=True):
    """A seat. `jti` names the invitation it was taken by; `lost_at` is when its connection went (None: connected).

    `claims` are the invitation's, `device_id` and `source_hash` name device and network where they are known, `former_hashes` the
    network under the keys before. `held`: what is hard muted; `role_limit`: the role that a host left of the invitation's;
    `unmute_allowed` and `share_allowed`: what a host allowed this one beyond the switches. `shown`: stood once on everybody's
    roster in its place, so everybody must see it go.
    `headless`: without a signaling connection (WHIP, WHEP); it lives as long as its media connection, until `media_failed`.
    `breakout_id`: where it is, None in the main room; `assigned`: the breakout room that it may come back to; `moves`: how often
    it changed the place; `arrived`: its client knows where it is.
    """

    participant_id: ParticipantId
    session_id: SessionId
    claims: Claims
    display_name: str
    role: Role
    role_limit: Role | None = None
    device_id: str = ""
    source_hash: bytes = b""
    former_hashes: tuple[bytes, ...] = ()
    headless: bool = False
    media_failed: bool = False
    hand_raised: bool = False
    lost_at: float | None = None
    recorded: bool = False
    shown: bool = False
    unmute_allowed: bool = False
    share_allowed: bool = False
    auto_subscribe: bool = False
    breakout_id: BreakoutId | None = None
    assigned: BreakoutId | None = None
    moves: int = 0
    arrived: bool = True
    held: set[TrackSource] = field(default_factory=set)
    track_ids: set[TrackId] = field(default_factory=set)

    @property
    def info(self) -> ParticipantInfo:
        return ParticipantInfo(
            self.participant_id,
            self.display_name,
            self.role,
            self.hand_raised,
            self.lost_at is None,
            sorted(self.held),
            self.recorded,
            self.breakout_id,
        )

    @property
    def jti(self) -> str:
        return self.claims.jti

    @property
    def attentive(self) -> bool:
        """Whether somebody is there who can be told things and can ask for things; an encoder or a player cannot."""
        return self.lost_at is None and not self.headless

    @property
    def origin(self) -> str:
        """What stays the same over leaving and coming back: the personal link, else the device, else the connection."""
        return self.claims.jti if self.claims.personal else self.device_id or self.session_id


class Guest(Struct, kw_only=True):
    """Somebody in the waiting room."""

    guest_id: str
    session_id: SessionId
    display_name: str
    claims: Claims
    device_id: str
    source_hash: bytes
    source_hashes: tuple[bytes, ...] = ()
    reason: str = ""

    @property
    def info(self) -> LobbyGuest:
        return LobbyGuest(self.guest_id, self.display_name, self.reason, self.claims.role, self.claims.personal)


class KnownInvitation(Struct, kw_only=True):
    """An invitation that was made here or has been used. `device_id`: the first device that came by a personal one;
    `made_by`: the origin of who made it in the meeting."""

    claims: Claims
    label: str = ""
    made_by: str = ""
    uses: int = 0
    device_id: str = ""

    @property
    def record(self) -> InvitationRecord:
        claims = self.claims
        return InvitationRecord(
            jti=claims.jti, role=claims.role, seats=claims.seats, max_uses=claims.uses, issued_at_s=claims.iat,
            expires_at_s=claims.exp, label=self.label, uses=self.uses, device_id=self.device_id, made_by=self.made_by,
            user_id=claims.account or "",
        )  # fmt: skip

    @classmethod
    def of(cls, meeting_id: MeetingId, record: InvitationRecord) -> "KnownInvitation":
        """Return what `record` says of an invitation to this meeting."""
        claims = Claims(
            sub=meeting_id, role=record.role, jti=record.jti, iat=record.issued_at_s, nbf=record.issued_at_s,
            exp=record.expires_at_s, seats=record.seats, uses=record.max_uses, account=record.user_id or None,
        )  # fmt: skip
        return cls(claims=claims, label=record.label, uses=record.uses, device_id=record.device_id, made_by=record.made_by)


class Track(Struct, kw_only=True):
    """A declared track. `live`: negotiated, and announced to the others. `muted` is what is so, `muted_by_owner` what its owner
    chose, or what somebody else set and only the owner undoes."""

    track_id: TrackId
    participant_id: ParticipantId
    source: TrackSource
    muted: bool = False
    muted_by_owner: bool = False
    live: bool = False

    @property
    def info(self) -> TrackInfo:
        return TrackInfo(self.track_id, self.participant_id, self.source, self.source.kind, self.muted)


class Recording(Struct, kw_only=True):
    """A recording that runs. `answers`: what each who was asked has said; no answer is no consent."""

    recording_id: RecordingId
    since_s: float
    paused: bool = False
    answers: dict[ParticipantId, bool] = field(default_factory=dict)


class Meeting:
    """One meeting. `participants` are in the order in which they came; `restrained` have gone, with something imposed on them.

    `places` exist while the meeting is open, the main room (None) first; a participant is in the one that its seat names, and a
    track is where its owner is. `self_choose`: participants choose a breakout room by themselves; `closes_at`: when everybody is
    called back. `empty_since` is set while nobody sits in an open meeting.
    """

    def __init__(self, meeting_id: MeetingId) -> None:
        self.meeting_id = meeting_id
        self.state = MeetingState.ABSENT
        self.state_before = MeetingState.ACTIVE
        self.title = ""
        self.settings = MeetingSettings()
        self.lobby: dict[SessionId, Guest] = {}
        self.admitted: set[SessionId] = set()
        self.invitations: dict[str, KnownInvitation] = {}
        self.places: dict[BreakoutId | None, Place] = {}
        self.self_choose = False
        self.closes_at: float | None = None
        self.participants: dict[ParticipantId, Participant] = {}
        self.restrained: list[Participant] = []
        self.tracks: dict[TrackId, Track] = {}
        self.recording: Recording | None = None
        self.empty_since: float | None = None
        self._by_session: dict[SessionId, Participant] = {}

    def __repr__(self) -> str:
        return f"Meeting({self.meeting_id}, {self.state}, participants={len(self.participants)}, tracks={len(self.tracks)})"

    @property
    def main(self) -> Place:
        """The main room of an open meeting."""
        return self.places[None]

    @property
    def breakouts(self) -> list[Place]:
        """The breakout rooms that are open."""
        return [place for place in self.places.values() if place.breakout_id is not None]

    def place_of(self, participant: Participant) -> Place:
        return self.places[participant.breakout_id]

    def room_of(self, participant: Participant) -> MediaRoom:
        """Return the media of the place where `participant` is."""
        return self.place_of(participant).media

    def seats_in(self, breakout_id: BreakoutId | None) -> Iterator[Participant]:
        """Return who is in one place."""
        return (seat for seat in self.participants.values() if seat.breakout_id == breakout_id)

    @property
    def is_open(self) -> bool:
        """Whether the meeting goes on, locked and suspended ones included; then it has media."""
        return self.state in OPEN

    @property
    def guests(self) -> list[LobbyGuest]:
        """Who waits, in the order in which they came."""
        return [guest.info for guest in self.lobby.values()]

    @property
    def guest_ids(self) -> frozenset[str]:
        return frozenset(guest.guest_id for guest in self.lobby.values())

    def is_public(self, participant: Participant) -> bool:
        """Return whether a participant stands on everybody's roster in its place now."""
        if self.settings.roster or outranks_or_equals(participant.role, Role.CO_HOST):
            return True
        return any(self.tracks[track_id].live for track_id in participant.track_ids)

    def concerns(self, viewer: Participant, other: Participant) -> bool:
        """Return whether `viewer` is in the place of `other`, or a host or co-host, who has the whole meeting on its roster."""
        return viewer.breakout_id == other.breakout_id or outranks_or_equals(viewer.role, Role.CO_HOST)

    def sees(self, viewer: Participant, other: Participant) -> bool:
        """Return whether `other` stands on the roster that `viewer` may see."""
        if not self.concerns(viewer, other):
            return False
        return viewer is other or outranks_or_equals(viewer.role, Role.CO_HOST) or self.is_public(other)

    def sees_go(self, viewer: Participant, other: Participant) -> bool:
        """Return whether `viewer` must hear that `other` goes."""
        return self.concerns(viewer, other) and (other.shown or self.sees(viewer, other))

    @property
    def sessions(self) -> KeysView[SessionId]:
        """The sessions that have a seat."""
        return self._by_session.keys()

    def seat_of(self, session_id: SessionId) -> Participant | None:
        return self._by_session.get(session_id)

    def recording_info(self, viewer: Participant | None = None) -> RecordingInfo:
        """Whether the meeting is recorded, and who is in it, of those whom `viewer` may see where there is one."""
        if self.recording is None:
            return RecordingInfo("off", [])
        state = "paused" if self.recording.paused else "recording"
        seats = [seat for seat in self.participants.values() if seat.recorded and (viewer is None or self.sees(viewer, seat))]
        recorded: list[str] = [seat.participant_id for seat in seats]
        return RecordingInfo(state, recorded, int(self.recording.since_s), self.recording.recording_id)

    def hosts(self) -> Iterator[Participant]:
        return (participant for participant in self.participants.values() if participant.role is Role.HOST)

    def recall(self, invitations: Iterable[InvitationRecord]) -> None:
        """Take over what was known of invitations before this meeting came into memory."""
        for record in invitations:
            self.invitations.setdefault(record.jti, KnownInvitation.of(self.meeting_id, record))

    def seats_taken_by(self, jti: str) -> int:
        return sum(participant.jti == jti for participant in self.participants.values())

    def seat(self, participant: Participant) -> None:
        """Give `participant` its seat."""
        assert participant.session_id not in self._by_session
        self.participants[participant.participant_id] = participant
        self._by_session[participant.session_id] = participant
        self.empty_since = None

    def unseat(self, participant: Participant, now: float) -> None:
        """Take the seat of `participant` and forget its tracks."""
        for track_id in tuple(participant.track_ids):
            self.remove_track(track_id)
        del self.participants[participant.participant_id]
        del self._by_session[participant.session_id]
        if not self.participants:
            self.empty_since = now

    def clear(self) -> None:
        """Forget everybody, as a meeting that is opened anew does."""
        self.participants.clear()
        self.restrained.clear()
        self.tracks.clear()
        self._by_session.clear()
        self.lobby.clear()
        self.admitted.clear()

    def forget_places(self) -> None:
        """All rooms are closed, with everything that was in them."""
        self.places.clear()
        self.tracks.clear()
        self.self_choose, self.closes_at = False, None
        for seat in self.participants.values():
            seat.track_ids.clear()
            seat.breakout_id = seat.assigned = None

    def add_track(self, track: Track) -> None:
        self.tracks[track.track_id] = track
        self.participants[track.participant_id].track_ids.add(track.track_id)

    def remove_track(self, track_id: TrackId) -> Track | None:
        """Forget a track and return it, or None when there is none of that id."""
        track = self.tracks.pop(track_id, None)
        if track is not None:
            self.participants[track.participant_id].track_ids.discard(track_id)
        return track
