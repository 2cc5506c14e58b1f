"""Performs what a mutation left behind, in the order of law 3: audit, media, facts to keep, the response, then the rest."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from conclave.hub.services import Services
from conclave.hub.visitors import Visitor
from conclave.meeting.context import Context
from conclave.meeting.effects import Announce, Audit, Broadcast, Disconnect, Effect, Send
from conclave.model.entry import Fact
from conclave.model.ids import SessionId
from conclave.signaling.codec import Encoding, encode
from conclave.signaling.messages import ActiveSpeakers, BreakoutsChanged, Event, LobbyChanged

WHOLE: frozenset[type[Event]] = frozenset({ActiveSpeakers, BreakoutsChanged, LobbyChanged})
"""Events that tell something as a whole each time, and that others can cause often: the next makes one that waits worthless."""


class Frames:
    """One event, encoded at most once per encoding however many read it. `kind`: what it drives out of an outbox."""

    def __init__(self, event: Event) -> None:
        self.kind = type(event) if type(event) in WHOLE else None
        self._event = event
        self._frames: dict[Encoding, bytes] = {}

    def in_encoding(self, encoding: Encoding) -> bytes:
        frame = self._frames.get(encoding)
        if frame is None:
            frame = self._frames[encoding] = encode(self._event, encoding)
        return frame


async def perform(
    services: Services,
    visitors: Mapping[SessionId, Visitor],
    context: Context,
    respond: Callable[[], None],
    keep: Callable[[Sequence[Fact]], Awaitable[None]],
) -> None:
    """Perform the effects and commands of `context`; `respond` answers the request, if there is one.

    `keep` makes facts durable. That comes after the media, so that somebody who is removed is cut off without waiting for the
    store, and before anybody is told. When the media pump fails, the request is not answered, but what has become of the
    meeting is told all the same. Raises what the pump raised.
    """
    for effect in context.effects:
        if isinstance(effect, Audit):
            services.record_anyway(effect.event)
    try:
        if context.commands:
            services.pump.perform(context.commands)
        if context.facts:
            await keep(context.facts)
        respond()
    finally:
        for effect in context.effects:
            _perform(visitors, context, effect)


def _perform(visitors: Mapping[SessionId, Visitor], context: Context, effect: Effect) -> None:
    seated = context.meeting.sessions
    match effect:
        case Send(session_id, event):
            _send(visitors.get(session_id), Frames(event))
        case Broadcast(event, to):
            frames = Frames(event)
            for session_id in to:
                if session_id in seated:
                    _send(visitors.get(session_id), frames)
        case Announce(event, but):
            frames = Frames(event)
            for session_id in visitors:
                if session_id != but and session_id not in seated:
                    _send(visitors.get(session_id), frames)
        case Disconnect(session_id, code, detail):
            visitor = visitors.get(session_id)
            if visitor is not None and visitor.session is not None:
                visitor.session.close(code, detail)
        case Audit():
            pass


def _send(visitor: Visitor | None, frames: Frames) -> None:
    if visitor is not None and visitor.session is not None:
        visitor.session.send(frames)
