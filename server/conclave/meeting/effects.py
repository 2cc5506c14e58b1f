"""What a handler wants done. The hub performs them in this order: audit, media, the response, then the rest as pushed."""

from msgspec import Struct

from conclave.model.ids import SessionId
from conclave.ports.audit import AuditEvent
from conclave.signaling.messages import Event


class Send(Struct, frozen=True):
    """Send `event` to the connection of one session; nothing happens while it has none."""

    session_id: SessionId
    event: Event


class Broadcast(Struct, frozen=True):
    """Send `event` to those of these sessions that still have a seat when this is performed. Who they are is decided in
    `Context` alone, at the moment of the change, so that somebody who moves later in it hears nothing of another place."""

    event: Event
    to: tuple[SessionId, ...]


class Announce(Struct, frozen=True):
    """Send `event` to every connection that was greeted for this meeting and has no seat in it, apart from `but`."""

    event: Event
    but: SessionId | None = None


class Audit(Struct, frozen=True):
    """Record a fact that cannot be refused any more, such as a connection that went away."""

    event: AuditEvent


class Disconnect(Struct, frozen=True):
    """Close the connection of a session with `closing` of this code, or end a headless one."""

    session_id: SessionId
    code: str
    detail: str


Effect = Send | Broadcast | Announce | Audit | Disconnect
