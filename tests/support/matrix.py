"""The matrix of role, message and state: its states, its text form, and a valid example of every message."""

from collections.abc import Callable, Mapping
from pathlib import Path

from conclave.model.roles import Role
from conclave.policy.rules import MeetingState, Phase
from conclave.signaling import messages
from conclave.signaling.messages import MESSAGES, Request, type_of

GOLDEN = Path(__file__).parent.parent / "golden" / "role_message_state.txt"

STATES: dict[str, tuple[Phase, MeetingState]] = {
    "new": (Phase.NEW, MeetingState.ABSENT),
    "greeted/absent": (Phase.GREETED, MeetingState.ABSENT),
    "greeted/active": (Phase.GREETED, MeetingState.ACTIVE),
    "greeted/locked": (Phase.GREETED, MeetingState.LOCKED),
    "greeted/suspended": (Phase.GREETED, MeetingState.SUSPENDED),
    "greeted/ended": (Phase.GREETED, MeetingState.ENDED),
    "lobby/active": (Phase.LOBBY, MeetingState.ACTIVE),
    "joined/active": (Phase.JOINED, MeetingState.ACTIVE),
    "joined/locked": (Phase.JOINED, MeetingState.LOCKED),
    "joined/suspended": (Phase.JOINED, MeetingState.SUSPENDED),
    "joined/ended": (Phase.JOINED, MeetingState.ENDED),
    "breakout/active": (Phase.BREAKOUT, MeetingState.ACTIVE),
    "breakout/locked": (Phase.BREAKOUT, MeetingState.LOCKED),
    "breakout/suspended": (Phase.BREAKOUT, MeetingState.SUSPENDED),
}

Matrix = dict[tuple[str, str, str], str]
"""(message type, role, state) -> "ok" or an error code."""

HEADER = (
    "# What becomes of every message, by role and state: ok, or the refusal's code. own_track and other_participant name\n"
    "# valid targets. Before hello no role is proven, so the column `new` is the same for all.\n"
)


def example(message: type[Request], own_track: str, other: str, fields: Mapping[type[Request], dict[str, object]]) -> Request:
    """Return a valid message of this type; `fields` overrides the example's own values."""
    values: dict[type[Request], dict[str, object]] = {
        messages.Hello: {"protocol": 1, "token": "x"},
        messages.MeetingCreate: {"title": "Matrix"},
        messages.MeetingModify: {"title": "Matrix"},
        messages.MeetingLock: {"locked": True},
        messages.InvitationRevoke: {"jti": other},
        messages.Knock: {"display_name": "Ada"},
        messages.LobbyDeny: {"guest_id": other},
        messages.ParticipantsMute: {},
        messages.ParticipantAllowUnmute: {"participant_id": other},
        messages.ParticipantSetRole: {"participant_id": other, "role": Role.CO_HOST},
        messages.Join: {"display_name": "Ada"},
        messages.HostPass: {"participant_id": other},
        messages.InvitationCreate: {"role": Role.VIEWER},
        messages.AudioPublish: {"mid": "0"},
        messages.VideoPublish: {"mid": "1"},
        messages.ScreenPublish: {"mid": "2"},
        messages.PublisherOffer: {"sdp": "v=0"},
        messages.Unpublish: {"track_id": own_track},
        messages.AudioMute: {"track_id": own_track, "muted": True},
        messages.VideoMute: {"track_id": own_track, "muted": True},
        messages.Subscribe: {"track_ids": [own_track]},
        messages.Unsubscribe: {"track_ids": [own_track]},
        messages.SubscriberAnswer: {"revision": 1, "sdp": "v=0"},
        messages.PlaybackOffer: {"sdp": "v=0"},
        messages.HandRaise: {"raised": True},
        messages.ReactionSend: {"reaction": "👍"},
        messages.ChatSend: {"envelope": b""},
        messages.ParticipantAdmit: {"guest_id": other},
        messages.ParticipantRemove: {"participant_id": other},
        messages.ParticipantMute: {"participant_id": other},
        messages.RecordingPause: {"paused": True},
        messages.RecordingConsent: {"granted": True},
        messages.RecordingDownload: {"recording_id": other},
        messages.ScreenShareControl: {"participant_id": other, "allowed": False},
        messages.BreakoutCreate: {"titles": ["Room"]},
        messages.BreakoutReady: {"moves": 0},
        messages.BreakoutAnnounce: {"text": "Back in five minutes"},
        messages.BreakoutManage: {"participant_id": other, "breakout_id": other},
    }
    return message(id=1, **(values.get(message, {}) | fields.get(message, {})))  # type: ignore[arg-type]


def compute(outcome: Callable[[type[Request], Role, str], str]) -> Matrix:
    """Ask `outcome` for every cell."""
    return {
        (type_of(message), role, state): outcome(message, role, state)
        for message in MESSAGES
        for role in Role
        for state in STATES
    }


def render(matrix: Matrix) -> str:
    """Return the golden file's text."""
    widths = [27, 13, *(19 for _ in STATES)]
    rows = [["message", "role", *STATES]]
    rows += [
        [type_of(message), role, *(matrix[type_of(message), role, state] for state in STATES)]
        for message in MESSAGES
        for role in Role
    ]
    lines = ["".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return HEADER + "\n".join(lines) + "\n"


def parse(text: str) -> Matrix:
    """Return what the golden file says."""
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    states = rows[0][2:]
    return {(row[0], row[1], state): cell for row in rows[1:] for state, cell in zip(states, row[2:], strict=True)}
