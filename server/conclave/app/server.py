"""Builds a server from its settings and takes it down again: state, plane, pump, hub, edge, in this order and back."""

import asyncio
import os
import ssl
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from conclave.app.accounts import Accounts, concerns
from conclave.app.clock import SystemClock
from conclave.app.lanes import lane_ports
from conclave.app.recordings import in_loop, open_shelf
from conclave.app.rooms import Rooms
from conclave.app.state import AUDIT_FILE, REVOKED_FILE, hold_directory, load_invitation_key, prepare_directory
from conclave.app.token_keys import KeyWatch
from conclave.config.settings import Settings
from conclave.edge.application import build
from conclave.edge.file_watch import FileWatch
from conclave.edge.headless import HeadlessSessions
from conclave.edge.listener import Listener
from conclave.edge.meetings import Meetings
from conclave.edge.recordings import Recordings
from conclave.edge.sources import Sources
from conclave.edge.static import StaticFiles
from conclave.edge.status import Client, Status
from conclave.edge.tls import CertificateWatch, make_context
from conclave.edge.whip import WhipWhep
from conclave.edge.wss import Signaling
from conclave.hub.hub import Hub
from conclave.hub.media_pump import MediaPump
from conclave.identity.invitations import Invitations
from conclave.identity.turn_credentials import TurnCredentials
from conclave.media.room import RoomLimits
from conclave.model.accounts import Revocation, UserId
from conclave.model.errors import Unavailable
from conclave.model.ids import MeetingId, RecordingId
from conclave.model.roles import Role
from conclave.plane.plane import LaneAddress, Plane
from conclave.policy.limits import BucketSize, Limits
from conclave.policy.rbac import outranks_or_equals
from conclave.ports.clock import Clock
from conclave.recording.recorder import TapRecorder
from conclave.recording.shelf import Shelf
from conclave.store.revocation_file import RevocationFile
from conclave.telemetry.audit_log import AuditLog
from conclave.telemetry.loop_lag import LoopLag
from conclave.telemetry.metrics import CountsCollector, Metrics, PlaneCollector, SizesCollector
from conclave.telemetry.observation import Observer

DRAIN_S = 3.0


class Server:
    """One process's server. `start` and `stop` run in the same event loop; after `stop` nothing of it is left."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        """`clock` is the system's unless a test turns another."""
        self.settings = settings
        self.metrics = Metrics()
        self._observer = Observer(self.metrics)
        self.clock: Clock = clock or SystemClock()
        self._exit = AsyncExitStack()
        self._listener: Listener | None = None
        self._invitations: Invitations | None = None
        self._plane: Plane | None = None
        self._hub: Hub | None = None
        self._accounts: Accounts | None = None
        self._watches: list[FileWatch] = []

    @property
    def port(self) -> int:
        """The HTTPS port in use."""
        assert self._listener is not None
        return self._listener.port

    @property
    def hub(self) -> Hub:
        assert self._hub is not None
        return self._hub

    @property
    def invitations(self) -> Invitations:
        assert self._invitations is not None
        return self._invitations

    @property
    def accounts(self) -> Accounts:
        assert self._accounts is not None
        return self._accounts

    @property
    def lanes(self) -> tuple[LaneAddress, ...]:
        """Where media is received."""
        assert self._plane is not None
        return self._plane.addresses

    async def start(self) -> None:
        """Start everything. Raises StateError, StoreError, CertificateError, Unavailable, ValueError; then nothing is left."""
        try:
            await self._start()
        except BaseException:
            await self._exit.aclose()
            raise

    async def stop(self) -> None:
        """Tell every connection, let what is queued go out, close everything."""
        await self._exit.aclose()

    async def _start(self) -> None:
        settings = self.settings
        directory = Path(settings.state.directory)
        prepare_directory(directory)
        self._exit.callback(os.close, hold_directory(directory))
        telemetry = settings.telemetry
        audit = AuditLog(
            directory / AUDIT_FILE, durable=telemetry.audit_fsync, wall=self.clock.wall, max_bytes=telemetry.audit_file_bytes
        )
        self._exit.callback(audit.close)
        self.metrics.register(CountsCollector("audit", audit.counts))
        revoked = RevocationFile(directory / REVOKED_FILE, durable=telemetry.audit_fsync, wall=self.clock.wall)
        self._exit.callback(revoked.close)
        context = make_context(Path(settings.listen.tls_certificate), Path(settings.listen.tls_key))
        self._accounts = await Accounts.open(settings, audit, self.clock)
        self._exit.push_async_callback(self._accounts.close)
        self._invitations = Invitations(
            load_invitation_key(directory), os.urandom, store=revoked, check_epoch=self._accounts.access.revocations.check_epoch
        )
        pump = self._start_plane()
        shelf = open_shelf(directory)
        recorder = self._start_recorder(pump, shelf)
        hub = self._start_hub(pump, audit, recorder, shelf)
        checks = {"plane": self._check_plane, "audit": audit.check, "store": self._accounts.stores.database.check}
        await self._start_edge(hub, pump, audit, checks, context, shelf)

    def _start_plane(self) -> MediaPump:
        media = self.settings.media
        addresses = [LaneAddress(media.host, port) for port in lane_ports(media)]
        try:
            self._plane = Plane(addresses)
        except OSError as error:
            raise Unavailable("media", str(error)) from None
        pump = MediaPump(self._plane, clock=self.clock.monotonic, loop=asyncio.get_running_loop())
        self._exit.callback(pump.close)
        pump.start()
        return pump

    def _start_recorder(self, pump: MediaPump, shelf: Shelf) -> TapRecorder:
        assert self._plane is not None
        recorder = TapRecorder(
            self._plane,
            shelf,
            entropy=os.urandom,
            wall=self.clock.wall,
            failed=in_loop(asyncio.get_running_loop(), self._recording_failed),
            durable=self.settings.telemetry.audit_fsync,
        )
        pump.taps = recorder
        self._exit.callback(recorder.close)
        return recorder

    def _recording_failed(self, recording_id: RecordingId, error: BaseException) -> None:
        self._observer.incident(recording_id, error)
        self.hub.recording_failed(recording_id)

    def _start_hub(self, pump: MediaPump, audit: AuditLog, recorder: TapRecorder, shelf: Shelf) -> Hub:
        limits = limits_of(self.settings)
        room_limits = RoomLimits(tracks_per_participant=limits.max_tracks_per_participant)
        rooms = Rooms(self.lanes, self.settings.media.announced_addresses, os.urandom, room_limits)
        turn = self.settings.turn
        credentials = TurnCredentials(turn.urls, turn.secret, turn.lifetime_s)
        self._hub = hub = Hub(
            limits=limits,
            pump=pump,
            audit=audit,
            clock=self.clock,
            entropy=os.urandom,
            invitations=self.invitations,
            open_room=rooms.open,
            wide=self._observer.wide,
            report_incident=self._observer.incident,
            ice_servers=lambda session_id: credentials.ice_servers(session_id, self.clock.wall()),
            recorder=recorder,
            archive=shelf,
            verify_access=self.accounts.access.verify,
            check_link=self.accounts.links.check,
            memory=self.accounts.stores.meeting_memory,
        )
        hub.start()
        self._exit.push_async_callback(hub.close)
        return hub

    async def _start_edge(
        self,
        hub: Hub,
        pump: MediaPump,
        audit: AuditLog,
        checks: Mapping[str, Callable[[], None]],
        context: ssl.SSLContext,
        shelf: Shelf,
    ) -> None:
        settings = self.settings
        sources = sources_of(settings, self.clock)
        sessions = HeadlessSessions(hub)
        root = Path(settings.client.directory) if settings.client.directory else None
        signaling = Signaling(settings, sources, hub)
        account_owners, gate = await self.accounts.serve(sources, self.invitations, self._revoked, hub, self._send_away)
        owners = (
            *account_owners,
            signaling,
            Meetings(settings, sources, self.invitations, audit, self.clock.wall),
            Recordings(shelf, self.invitations, audit, self.clock.wall, sources, hub.authorise, self.accounts.links.check),
            WhipWhep(settings, sources, sessions),
            Status(checks, self.metrics.render, settings.telemetry.metrics_token),
            Client(StaticFiles(root) if root is not None else None),
        )
        self._measure(hub, pump, sources)
        application = build(owners, self.metrics.http_request, self._observer.incident, gate)
        listener = Listener(application, settings.listen, context, sources)
        self._exit.push_async_callback(listener.stop)
        self._exit.push_async_callback(_drain, hub, signaling)
        self._exit.push_async_callback(sessions.close)
        await listener.start()
        self._exit.callback(listener.refuse_new)
        self._listener = listener
        files = Path(settings.listen.tls_certificate), Path(settings.listen.tls_key)
        self._watch(CertificateWatch(context, *files, self._observer.note))
        own = settings.accounts
        self._watch(KeyWatch(Path(settings.state.directory), own, self.accounts.ring, self.clock.wall, self._observer.note))

    def reload(self) -> None:
        """Look at once whether the certificate or the keys of account tokens have changed."""
        for watch in self._watches:
            watch.check()

    def _watch(self, watch: FileWatch) -> None:
        watch.start()
        self._exit.callback(watch.stop)
        self._watches.append(watch)

    def _revoked(self, revocation: Revocation) -> None:
        self.hub.close_sessions(lambda link, bearer: concerns(revocation, link, bearer), "unauthorized", "access was revoked")

    def _send_away(self, meeting_id: MeetingId, user_id: UserId, keep: Role | None) -> None:
        """End the sessions of an account that came by its own link to a meeting; not those for a role that `keep` covers."""
        self.hub.close_sessions(
            lambda link, _: (
                link.meeting_id == meeting_id
                and link.account == user_id
                and not (keep is not None and outranks_or_equals(keep, link.role))
            ),
            "unauthorized",
            "the meeting is not shared with you any more in this role",
        )

    def _measure(self, hub: Hub, pump: MediaPump, sources: Sources) -> None:
        self.metrics.register(PlaneCollector(pump.counters, pump.table_sizes))
        self.metrics.register(CountsCollector("hub_events", hub.counts))
        self.metrics.register(SizesCollector("hub_size", hub.sizes))
        self.metrics.watch_sources(sources.count)
        self.metrics.watch_tasks(lambda: len(asyncio.all_tasks()))
        lag = LoopLag(self.metrics.loop_lag)
        lag.start()
        self._exit.callback(lag.stop)

    def _check_plane(self) -> None:
        assert self._plane is not None
        try:
            self._plane.counters()
        except (RuntimeError, ValueError) as error:
            raise Unavailable("plane", str(error)) from None


async def _drain(hub: Hub, signaling: Signaling) -> None:
    """Close every session with `shutdown` and give the writers a moment to say so."""
    await hub.close()
    await signaling.drain(DRAIN_S)


def limits_of(settings: Settings) -> Limits:
    """Return the hub's limits as the settings have them."""
    meetings, signaling = settings.meetings, settings.signaling
    return Limits(
        max_connections=settings.security.max_connections,
        max_meetings=meetings.max_meetings,
        max_participants=meetings.max_participants,
        max_tracks_per_participant=meetings.max_tracks_per_participant,
        waiting_room=meetings.waiting_room,
        resume_grace_s=meetings.resume_grace_s,
        hello_timeout_s=signaling.hello_timeout_s,
        heartbeat_s=signaling.heartbeat_s,
        outbox_messages=signaling.outbox_messages,
        outbox_bytes=signaling.outbox_bytes,
        frames=BucketSize(burst=signaling.message_burst, per_s=signaling.messages_per_s),
    )


def sources_of(settings: Settings, clock: Clock) -> Sources:
    """Return the limits per source as the settings have them."""
    security = settings.security
    return Sources(
        max_connections=security.max_connections,
        max_per_source=security.max_connections_per_source,
        connects_per_s=security.connects_per_s_per_source,
        creations_per_min=security.creations_per_min_per_source,
        clock=clock.monotonic,
    )
