"""One participant as a program: signaling, a publishing and a subscribing transport. Usable without the scenarios:

async with Station(target, tls, profiles=(Profile.GCM128,)) as station:
    client = Client(station, "Ada")
    await client.connect(token)
    await client.join(auto_subscribe=True)
    await client.publish(Publisher(1))
    await client.wait_flowing({(2, AUDIO), (2, VIDEO)}, timeout_s=5)
    await client.close()
"""

import asyncio
import random
import time
from typing import Any

from bench.pacing import NS_PER_S, Cadence
from bench.publisher import Publisher
from bench.rtc.receiver import Sample, StreamLog
from bench.rtc.reports import Reports
from bench.rtc.rtcp import picture_loss
from bench.rtc.rtp import VIDEO
from bench.rtc.sdp import publisher_offer, read_description, subscriber_answer
from bench.rtc.transport import MediaTransport, TransportFailed
from bench.signaling import ConnectionLost, RequestRefused, Signaling
from bench.station import Station
from bench.timings import JoinTimes
from conclave.model.roles import Role
from conclave.signaling.messages import (
    PROTOCOL_VERSION,
    AudioPublish,
    Hello,
    InvitationCreate,
    Join,
    Joined,
    Leave,
    MeetingCreate,
    MeetingEnd,
    MeetingModify,
    PublisherOffer,
    Subscribe,
    SubscriberAnswer,
    VideoPublish,
    Welcome,
)


class ClientFailed(Exception):
    """A step of the client did not succeed; the text says which and why."""


class Client:
    """`publishing` and `subscribing` are the two transports once they exist; `flowing` the streams (publisher, kind) of which
    at least one packet was verified; `failure` what broke in the background, if anything did."""

    def __init__(self, station: Station, name: str) -> None:
        self._station = station
        self.name = name
        self.times = JoinTimes()
        self.welcome: Welcome | None = None
        self.joined: Joined | None = None
        self.publisher: Publisher | None = None
        self.publishing: MediaTransport | None = None
        self.subscribing: MediaTransport | None = None
        self.slots: dict[str, str | None] = {}
        self.flowing: set[tuple[int, int]] = set()
        self.failure: str = ""
        self.offers = 0
        self._signaling: Signaling | None = None
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._offers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._report_task: int | None = None
        self._answered_ufrag = ""

    @property
    def signaling(self) -> Signaling:
        if self._signaling is None:
            raise ClientFailed("not connected")
        return self._signaling

    async def connect(self, token: str) -> Welcome:
        """Open the WebSocket and greet. Raises ClientFailed."""
        self.times.mark("started")
        try:
            self._signaling = await Signaling.connect(self._station.session, self._station.target, self._station.tls)
            self.times.mark("websocket")
            self._signaling.on("subscriber.offer", self._on_offer)
            self._signaling.on("subscriber.slots", self._on_slots)
            self._spawn(self._negotiate())
            hello = Hello(id=self.signaling.next_id(), protocol=PROTOCOL_VERSION, token=token, client="bench")
            welcome: Welcome = await self.signaling.request(hello)
        except (ConnectionLost, RequestRefused, TimeoutError) as error:
            raise ClientFailed(f"hello: {error}") from error
        self.times.mark("hello")
        self.welcome = welcome
        self.signaling.start_heartbeat(welcome.heartbeat_ms)
        return welcome

    async def open_meeting(self, title: str) -> None:
        """Open the meeting of a host's invitation if it is not open. Raises ClientFailed."""
        await self._request(MeetingCreate(id=self.signaling.next_id(), title=title))

    async def open_doors(self) -> None:
        """Let in without a waiting room whoever has an invitation; for a seated host. Raises ClientFailed."""
        await self._request(MeetingModify(id=self.signaling.next_id(), waiting_room=False))

    async def join(self, *, auto_subscribe: bool = False) -> Joined:
        """Take a seat. Raises ClientFailed."""
        message = Join(id=self.signaling.next_id(), display_name=self.name, auto_subscribe=auto_subscribe)
        joined: Joined = await self._request(message)
        self.times.mark("join")
        self.joined = joined
        return joined

    async def invite(self, role: Role) -> str:
        """Return a token for `role`. Raises ClientFailed."""
        invitation = await self._request(InvitationCreate(id=self.signaling.next_id(), role=role, shared=True))
        return str(invitation.token)

    async def publish(self, publisher: Publisher) -> list[str]:
        """Declare, offer, connect, start to send; returns the track ids. Raises ClientFailed."""
        transport = self._new_transport()
        sections = publisher.sections
        declarations = [
            self.signaling.send(
                (AudioPublish if section.kind == "audio" else VideoPublish)(id=self.signaling.next_id(), mid=section.mid)
            )
            for section in sections
        ]
        offer = PublisherOffer(id=self.signaling.next_id(), sdp=publisher_offer(transport.local, sections))
        try:
            answer = await self._request(offer)
            published = [track_id for done in await asyncio.gather(*declarations) for track_id in done.track_ids]
            await transport.connect(read_description(answer.sdp))
        except (TransportFailed, RequestRefused, ConnectionLost, TimeoutError, ValueError) as error:
            transport.close()
            raise ClientFailed(f"publish: {error}") from error
        finally:
            await asyncio.gather(*declarations, return_exceptions=True)
        self.publisher, self.publishing = publisher, transport
        publisher.start(transport, self._station.pacer)
        return published

    async def subscribe(self, track_ids: list[str]) -> None:
        """Ask for tracks. Raises ClientFailed."""
        await self._request(Subscribe(id=self.signaling.next_id(), track_ids=track_ids))

    async def wait_flowing(self, streams: set[tuple[int, int]], timeout_s: float) -> None:
        """Wait until a packet of each stream (publisher, kind) was verified. Raises ClientFailed naming what is missing."""
        await self._wait(lambda: streams <= self.flowing, timeout_s, lambda: f"no media of {sorted(streams - self.flowing)}")

    async def wait_media(self, timeout_s: float) -> None:
        """Wait for the first verified packet of any stream. Raises ClientFailed."""
        await self._wait(lambda: bool(self.flowing), timeout_s, lambda: "no media")

    def request_keyframe(self, ssrc: int) -> None:
        """Send a PLI for a slot's SSRC."""
        if self.subscribing is not None:
            self.subscribing.send_rtcp(picture_loss(1, ssrc))

    async def leave(self) -> None:
        """Give up the seat. Raises ClientFailed."""
        await self._request(Leave(id=self.signaling.next_id()))

    async def end_meeting(self) -> None:
        """Raises ClientFailed."""
        await self._request(MeetingEnd(id=self.signaling.next_id()))

    async def close(self) -> None:
        """Stop sending, close both transports and the WebSocket. May be called twice."""
        if self.publisher is not None:
            self.publisher.stop()
        if self._report_task is not None:
            self._station.pacer.remove(self._report_task)
            self._report_task = None
        for transport in (self.publishing, self.subscribing):
            if transport is not None:
                transport.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._signaling is not None:
            await self._signaling.close()

    async def _request(self, message: Any) -> Any:
        try:
            return await self.signaling.request(message)
        except (ConnectionLost, RequestRefused) as error:
            raise ClientFailed(str(error)) from error
        except TimeoutError as error:
            raise ClientFailed(f"{message.__struct_config__.tag}: no answer in time") from error

    async def _wait(self, done: Any, timeout_s: float, missing: Any) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not done():
                    if self.failure:
                        raise ClientFailed(self.failure)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            if not done():
                raise ClientFailed(f"{missing()} within {timeout_s} s") from None

    def _new_transport(self) -> MediaTransport:
        station = self._station
        return MediaTransport(station.reader, station.dtls, station.fingerprint, network=station.network)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_offer(self, event: dict[str, Any]) -> None:
        self.offers += 1
        self.times.mark("sdp")
        self._offers.put_nowait(event)

    def _on_slots(self, event: dict[str, Any]) -> None:
        self.slots = {slot["mid"]: slot["track_id"] for slot in event["slots"]}
        self._changed.set()

    async def _negotiate(self) -> None:
        """Answer the server's offers one after the other; the first brings the transport up, a new ice-ufrag restarts it."""
        while True:
            event = await self._offers.get()
            try:
                await self._answer(event["revision"], event["sdp"])
            except (TransportFailed, RequestRefused, ConnectionLost, TimeoutError, ValueError) as error:
                self.failure = f"subscribe: {error}"
                self._changed.set()
                return

    async def _answer(self, revision: int, sdp: str) -> None:
        offer = read_description(sdp)
        transport = self.subscribing
        restarted = transport is not None and offer.ufrag != self._answered_ufrag
        if transport is None:
            transport = self.subscribing = self._new_transport()
            transport.receiver.on_sample = self._on_sample
        elif restarted:
            transport.renew_credentials()
        first = not self._answered_ufrag
        self._answered_ufrag = offer.ufrag
        text = subscriber_answer(offer, transport.local, version=revision + 1)
        accepted = self.signaling.send(SubscriberAnswer(id=self.signaling.next_id(), revision=revision, sdp=text))
        try:
            if first:
                await transport.connect(offer)
                self.times.ice, self.times.dtls = transport.ice_ns, transport.dtls_ns
                self._start_reports(transport)
            elif restarted:
                await transport.restart_ice(offer)
            await accepted
        except BaseException:
            accepted.cancel()
            await asyncio.gather(accepted, return_exceptions=True)
            raise
        self._changed.set()

    def _start_reports(self, transport: MediaTransport) -> None:
        ssrc = random.randrange(1, 2**32)
        reports = Reports(transport.receiver, ssrc)
        transport.on_rtcp = reports.take_rtcp

        def send() -> None:
            compound = reports.compound()
            if compound is not None:
                transport.send_rtcp(compound)

        start_ns = time.monotonic_ns() + random.randrange(NS_PER_S)
        self._report_task = self._station.pacer.add(Cadence(start_ns, 1), send)

    def _on_sample(self, _: StreamLog, sample: Sample) -> None:
        stream = (sample.publisher, sample.kind)
        if stream not in self.flowing:
            self.flowing.add(stream)
            self.times.mark("media")
            if sample.kind == VIDEO:
                self.times.mark("video")
            self._changed.set()
