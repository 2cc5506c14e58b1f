"""The hub: connections come in, the gate asks, handlers run in their meeting's queue, effects go out.

The only asynchronous code below the rim. It owns no socket: the edge does, and the media pump has the plane.
"""

from asyncio import CancelledError, Task, create_task, gather, sleep
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from msgspec import Struct

from conclave.hub.greeting import Greeter
from conclave.hub.media_pump import MediaPump
from conclave.hub.meeting_queue import MeetingQueue
from conclave.hub.refusals import Refusal
from conclave.hub.services import (
    IceServers,
    OpenRoom,
    Services,
    discard_event,
    log_incident,
    no_ice_servers,
)
from conclave.hub.sessions import ConnectionInfo, Session
from conclave.identity.access_tokens import AccessClaims, VerifyAccess
from conclave.identity.invitations import CheckLink, Claims, Invitations
from conclave.media.transport import TransportState
from conclave.meeting import attendance, handlers, media_facts, recording, restraints
from conclave.meeting.context import Context
from conclave.meeting.state import Meeting
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import Entropy, MeetingId, RecordingId, TrackId, TransportId
from conclave.model.roles import Permission
from conclave.policy.limits import Limits
from conclave.policy.rbac import lower_of, may
from conclave.policy.rules import Phase
from conclave.ports.audit import AuditEvent, AuditSink
from conclave.ports.clock import Clock
from conclave.ports.meeting_memory import MeetingMemory
from conclave.ports.observer import ReportIncident, Wide
from conclave.ports.recorder import Archive, NoArchive, NoRecorder, Recorder
from conclave.signaling.messages import Empty, Hello, Ping

S = TypeVar("S", bound=Struct)

handlers.check_declarations(frozenset({Hello, Ping}))


class Hub:
    """All meetings of one process. Create it inside a running event loop, `start` it, and `close` it at the end.

    limits: figures that the deployment chose; pump: performs media commands, and its news come here; audit: where facts
    become durable; clock: monotonic and calendar time; open_room: makes the media of a meeting that is opened;
    wide: takes one event per message; report_incident: takes errors of ours; ice_servers: RTCIceServer maps for a session;
    recorder and archive: without them the server does not record; verify_access: without it no access token is good;
    check_link: without it no account's own link is; memory: without it bans and uses of invitations end with the process.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        pump: MediaPump,
        audit: AuditSink,
        clock: Clock,
        entropy: Entropy,
        invitations: Invitations,
        open_room: OpenRoom,
        wide: Wide = discard_event,
        report_incident: ReportIncident = log_incident,
        ice_servers: IceServers = no_ice_servers,
        recorder: Recorder | None = None,
        archive: Archive | None = None,
        verify_access: VerifyAccess | None = None,
        check_link: CheckLink | None = None,
        memory: MeetingMemory | None = None,
    ) -> None:
        self._services = Services(
            limits=limits, pump=pump, audit=audit, clock=clock, entropy=entropy, invitations=invitations,
            open_room=open_room, wide=wide, report_incident=report_incident, ice_servers=ice_servers,
            recorder=recorder or NoRecorder(), archive=archive or NoArchive(),
            verify_access=verify_access, check_link=check_link, memory=memory,
        )  # fmt: skip
        self._greeter = Greeter(self._services)
        self._sessions: set[Session] = set()
        self._tasks: list[Task[None]] = []
        self._closing = False
        pump.on_transport_state = self._on_transport_state
        pump.on_incident = self._services.incident

    def start(self) -> None:
        """Start timers and active speaker detection."""
        self._tasks = [
            create_task(self._services.scheduler.run(), name="hub timers"),
            create_task(self._watch_speakers(), name="hub speakers"),
        ]

    async def close(self) -> None:
        """Tell every connection that the server stops, and stop. The edge then drains and closes the sockets."""
        self._closing = self._greeter.closed = True
        for session in tuple(self._sessions):
            session.close("shutdown", "the server stops")
        for queue in tuple(self._greeter.queues.values()):
            queue.stop()
            self._note_end_of_recording(queue.meeting)
        await gather(*(queue.stopped() for queue in tuple(self._greeter.queues.values())))
        for task in self._tasks:
            task.cancel()
            with suppress(CancelledError):
                await task
        self._services.refusals.flush()

    def connect(self, info: ConnectionInfo) -> Session:
        """Take a new WebSocket. Raises Refused (`unavailable`) when the server is full or stops."""
        return self._open(info)

    def headless(self, source_hash: bytes = b"", former_hashes: tuple[bytes, ...] = ()) -> Session:
        """Return a session without a socket, for WHIP and WHEP: the same gate, results instead of frames.

        Its seat goes with `disconnected`, or when its media connection fails; `closed` is set then.
        Raises Refused (`unavailable`) when the server is full or stops.
        """
        return self._open(None, source_hash, former_hashes)

    def recording_failed(self, recording_id: RecordingId) -> None:
        """The recorder has given up on a recording: its meeting learns that it is not recorded any more."""
        for queue in self._greeter.queues.values():
            queue.post(lambda context, _: recording.failed(context, recording_id))

    def close_sessions(self, predicate: Callable[[Claims, AccessClaims | None], bool], code: str, detail: str) -> None:
        """End every session whose invitation and access token `predicate` names: seat, media, connection, at once, for good."""
        for session, (claims, bearer) in tuple(self._greeter.arriving.items()):
            if predicate(claims, bearer):
                session.close(code, detail)
        for visitor in tuple(self._greeter.visitors.values()):
            if predicate(visitor.caller.claims, visitor.bearer):
                self._services.counts["sessions_revoked"] += 1
                visitor.queue.revoke(visitor, code, detail)

    def close_meeting(self, meeting_id: MeetingId) -> None:
        """End a meeting and close everybody who was greeted for it, at once and for good; its audited reason is the caller's."""
        queue = self._greeter.queues.get(meeting_id)
        if queue is not None:
            queue.post(lambda context, now: attendance.end(context, "host", now) if context.meeting.is_open else None)
            queue.post(lambda _context, _now: self._close_all(queue, "the meeting was deleted"))

    def _close_all(self, queue: MeetingQueue, detail: str) -> None:
        for visitor in tuple(queue.visitors.values()):
            self._services.counts["sessions_revoked"] += 1
            queue.revoke(visitor, ErrorCode.UNAUTHORIZED, detail)

    async def ask(self, meeting_id: MeetingId, mutate: Callable[[Context, float], S]) -> S:
        """Run `mutate` in the turn of a meeting, open or not, with what is remembered of it; return its result.

        Raises Refused, Unavailable, or whatever `mutate` raises.
        """
        results: list[S] = []

        def remember(context: Context, now: float) -> S:
            results.append(mutate(context, now))
            return results[-1]

        await self._greeter.queue_of(meeting_id).ask(remember, lambda _: None)
        return results[0]

    async def authorise(self, claims: Claims, source_hashes: tuple[bytes, ...], permission: Permission, name: str) -> None:
        """Let a verified invitation do something outside a session. `source_hashes`: the names of the network that it is shown
        from, under each key in use; `name` is the request's on record.

        Raises Refused: `forbidden` for who was removed, `unauthorized` where the role that hosts left of the invitation's lacks
        the permission; Unavailable where that cannot be learned. Refusals are counted and audited.
        """

        def check(context: Context, _now: float) -> Empty:
            house, meeting_id, jti = context.house, claims.meeting_id, claims.jti
            if house.bans.bar(meeting_id, jti, "", source_hashes, context.wall_s):
                raise Refused(ErrorCode.FORBIDDEN, "a host removed you from this meeting")
            left = house.demotions.role_left(meeting_id, claims.role, jti, "", source_hashes, context.wall_s)
            if not may(lower_of(left, restraints.role_left(context.meeting, claims, source_hashes)), permission):
                raise Refused(ErrorCode.UNAUTHORIZED, f"your role does not hold {permission}")
            return Empty()

        try:
            await self.ask(claims.meeting_id, check)
        except Refused as error:
            self._services.counts[f"refused_{error.code}"] += 1
            refusal = Refusal(message=name, code=error.code, phase=Phase.GREETED, meeting_id=claims.meeting_id)
            self._services.refusals.note(refusal, self._services.clock.monotonic())
            raise

    def present_in(self, meeting_id: MeetingId) -> int | None:
        """Return how many have a seat in a meeting, None while it is not open."""
        queue = self._greeter.queues.get(meeting_id)
        return len(queue.meeting.participants) if queue is not None and queue.meeting.is_open else None

    def counts(self) -> Mapping[str, int]:
        """Return totals since the start: messages, refusals by code, closes by code, resumes, incidents and so on."""
        return dict(self._services.counts)

    def sizes(self) -> Mapping[str, int]:
        """Return how much is held now."""
        meetings = [queue.meeting for queue in self._greeter.queues.values()]
        return {
            "connections": len(self._sessions),
            "visitors": len(self._greeter.visitors),
            "meetings": len(meetings),
            "participants": sum(len(meeting.participants) for meeting in meetings),
            "tracks": sum(len(meeting.tracks) for meeting in meetings),
            "timers": len(self._services.scheduler),
        }

    def fire_timers(self) -> None:
        """Do what is due now, without waiting for the timer task to notice; for clocks that a test turns."""
        self._services.scheduler.fire(self._services.clock.monotonic())

    async def settle(self) -> None:
        """Wait until every queue has done what it was given so far."""
        for queue in tuple(self._greeter.queues.values()):
            await queue.idle()

    def _open(self, info: ConnectionInfo | None, source_hash: bytes = b"", former_hashes: tuple[bytes, ...] = ()) -> Session:
        if self._closing or len(self._sessions) >= self._services.limits.max_connections:
            raise Refused(ErrorCode.UNAVAILABLE, "this server takes no more connections")
        session = Session(self._services, self._greeter.greet, self._sessions.discard, info, source_hash, former_hashes)
        self._sessions.add(session)
        self._services.counts["connections"] += 1
        return session

    def _note_end_of_recording(self, meeting: Meeting) -> None:
        """The recorder finishes its files after us; that there was an end belongs on record like the beginning."""
        if meeting.recording is not None:
            details: dict[str, str | int | bool] = {"recording_id": meeting.recording.recording_id, "reason": "shutdown"}
            self._services.record_anyway(AuditEvent(type="recording_stopped", meeting_id=meeting.meeting_id, details=details))

    def _on_transport_state(self, transport_id: TransportId, state: TransportState, reason: str) -> None:
        for queue in self._greeter.queues.values():
            if transport_id in queue.transports:
                queue.post(_transport_news(transport_id, state, reason))
                return

    async def _watch_speakers(self) -> None:
        while True:
            await sleep(self._services.limits.speakers_interval_s)
            queues = [queue for queue in self._greeter.queues.values() if queue.meeting.tracks]
            if not queues:
                continue
            try:
                levels = self._services.pump.audio_levels()
            except Exception as error:
                self._services.incident(error)
                continue
            for queue in queues:
                _tell_levels(queue, levels)


def _tell_levels(queue: MeetingQueue, levels: list[tuple[TrackId, int, int]]) -> None:
    tracks = queue.meeting.tracks
    own = [level for level in levels if level[0] in tracks]
    if own or any(place.speakers for place in queue.meeting.places.values()):
        queue.post(lambda context, now: media_facts.audio_levels(context, own, now))


def _transport_news(transport_id: TransportId, state: TransportState, reason: str) -> Callable[[Context, float], None]:
    return lambda context, now: attendance.transport_changed(context, transport_id, state, reason, now)
