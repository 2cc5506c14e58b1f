"""Whether a track is heard: its owner's choice, a hard mute and a suspended meeting each suffice to silence it."""

from conclave.meeting.context import Context
from conclave.meeting.state import Participant, Track
from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.policy.rbac import outranks_or_equals
from conclave.policy.rules import MeetingState
from conclave.signaling.messages import TrackChanged

SOUND = frozenset({TrackSource.MICROPHONE, TrackSource.SCREEN_AUDIO})


def is_held(participant: Participant, source: TrackSource) -> bool:
    """Return whether `source` is hard muted. The sound of a screen is held with the microphone: what it carries is its sender's
    word alone."""
    return source in participant.held or (source in SOUND and TrackSource.MICROPHONE in participant.held)


def settle(context: Context, track: Track) -> None:
    """Bring the plane and everybody's view of a track in line with what silences it."""
    meeting = context.meeting
    owner = meeting.participants[track.participant_id]
    muted = track.muted_by_owner or is_held(owner, track.source) or meeting.state is MeetingState.SUSPENDED
    if muted != track.muted:
        meeting.room_of(owner).mute(track.track_id, muted)
        track.muted = muted
        if track.live:
            context.broadcast(TrackChanged(track.info), owner.breakout_id)


def settle_all(context: Context) -> None:
    """Do that for every track."""
    for track in tuple(context.meeting.tracks.values()):
        settle(context, track)


def may_unmute(context: Context, participant: Participant, source: TrackSource) -> bool:
    """Return whether a participant may be heard from `source` by its own choice."""
    if is_held(participant, source):
        return False
    if source not in SOUND or context.meeting.settings.unmute:
        return True
    return participant.unmute_allowed or outranks_or_equals(participant.role, Role.CO_HOST)
