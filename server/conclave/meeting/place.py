"""Where a participant is: the main room of a meeting or one of its breakout rooms. Each has its own media."""

from msgspec import Struct

from conclave.media.room import MediaRoom
from conclave.model.ids import BreakoutId, ParticipantId


class Place(Struct, kw_only=True):
    """`breakout_id` None is the main room. Nothing that is published in one place can be subscribed in another: a MediaRoom
    knows no other. `speakers`: who speaks here now, loudest first."""

    breakout_id: BreakoutId | None = None
    title: str = ""
    media: MediaRoom
    speakers: tuple[ParticipantId, ...] = ()
