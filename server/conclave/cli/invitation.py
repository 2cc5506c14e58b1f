"""Invitations from the command line: made with the key in the state directory, without asking the server."""

import os
import re
import time
from pathlib import Path

from conclave.app.state import KEY_FILE, load_invitation_key, prepare_directory
from conclave.config.settings import Settings
from conclave.identity.invitations import Invitations, Issued
from conclave.model.ids import MeetingId, new_id
from conclave.model.roles import Role

NEW_MEETING = "new"
MEETING_ID = re.compile(r"[A-Za-z0-9_-]{16}", re.ASCII)
UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def parse_duration(text: str) -> int:
    """Return seconds of "90m", "24h", "7d", "3600s". Raises ValueError."""
    match = re.fullmatch(r"(\d{1,7})([smhd])", text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 90m, 24h or 7d")
    return int(match.group(1)) * UNITS_S[match.group(2)]


def has_key(settings: Settings) -> bool:
    """Tell whether there is a key to sign with; a link signed with a new one opens nothing on another server."""
    return (Path(settings.state.directory) / KEY_FILE).exists()


def make_invitation(settings: Settings, meeting: str, role: Role, lifetime_s: int, seats: int) -> Issued:
    """Sign an invitation with the server's key. Raises StateError, Refused, ValueError for no meeting's id."""
    if meeting != NEW_MEETING and not MEETING_ID.fullmatch(meeting):
        raise ValueError(f"{meeting!r} is no meeting's id, which has 16 letters, digits, - or _; `new` makes one")
    directory = Path(settings.state.directory)
    prepare_directory(directory)
    invitations = Invitations(load_invitation_key(directory), os.urandom)
    meeting_id = MeetingId(new_id(os.urandom) if meeting == NEW_MEETING else meeting)
    return invitations.issue(meeting_id, role, time.time(), lifetime_s, seats=seats)


def first_link(invitations: Invitations, port: int) -> str:
    """Return a host's link to a new meeting on this machine."""
    issued = invitations.issue(MeetingId(new_id(os.urandom)), Role.HOST, time.time())
    return f"https://localhost:{port}{issued.path}"
