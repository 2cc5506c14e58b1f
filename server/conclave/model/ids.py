"""Identifiers. All are random and unguessable; none carries meaning.

An identifier is the unpadded base64url text of 12 random bytes (16 characters, 96 bits).
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import NewType

BreakoutId = NewType("BreakoutId", str)
MeetingId = NewType("MeetingId", str)
ParticipantId = NewType("ParticipantId", str)
RecordingId = NewType("RecordingId", str)
SessionId = NewType("SessionId", str)
TrackId = NewType("TrackId", str)
TransportId = NewType("TransportId", str)

Entropy = Callable[[int], bytes]
"""A source of random bytes, `os.urandom` in production and a seeded one in tests: `entropy(n)` gives n bytes."""

ID_BYTES = 12


def new_id(entropy: Entropy) -> str:
    """Return a new 16-character identifier drawn from `entropy`."""
    return urlsafe_b64encode(entropy(ID_BYTES)).decode()
