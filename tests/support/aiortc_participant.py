"""aiortc as a participant: a pure Python WebRTC stack that shares no code with the server's media plane."""

import asyncio
import fractions
import math
import ssl
import struct
from typing import Any

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcdtlstransport import SRTP_PROFILES
from av import AudioFrame
from tests.support.signaling import JSON, Message, Signaling

_SAMPLE_RATE_HZ = 48_000
_SAMPLES = 960


class Tone(MediaStreamTrack):
    """A 440 Hz tone in 20 ms frames, in real time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._started = 0.0
        self._position = 0

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        if not self._started:
            self._started = loop.time()
        await asyncio.sleep(max(0.0, self._started + self._position / _SAMPLE_RATE_HZ - loop.time()))
        times = range(self._position, self._position + _SAMPLES)
        samples = [round(8000 * math.sin(2 * math.pi * 440 * time / _SAMPLE_RATE_HZ)) for time in times]
        frame = AudioFrame(format="s16", layout="mono", samples=_SAMPLES)
        frame.planes[0].update(struct.pack(f"<{_SAMPLES}h", *samples))
        frame.sample_rate = _SAMPLE_RATE_HZ
        frame.pts = self._position
        frame.time_base = fractions.Fraction(1, _SAMPLE_RATE_HZ)
        self._position += _SAMPLES
        return frame


def new_connection() -> RTCPeerConnection:
    """A connection without STUN or TURN servers: the network of the tests ends at the namespace."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


def restrict_srtp(connection: RTCPeerConnection, profile: str) -> None:
    """Let the connection offer a single SRTP profile, by its OpenSSL name ("SRTP_AEAD_AES_128_GCM")."""
    chosen = [known for known in SRTP_PROFILES if known.openssl_profile == profile.encode()]
    assert chosen, f"aiortc does not know {profile}"
    for transport in dtls_transports(connection):
        transport._srtp_profiles = chosen


def dtls_transports(connection: RTCPeerConnection) -> list[Any]:
    """Return the DTLS transports of the connection, each once."""
    found = [t.sender.transport for t in connection.getTransceivers()]
    return list({id(transport): transport for transport in found}.values())


def loudness(frame: AudioFrame) -> float:
    """Return the loudest sample of a 16-bit frame, between 0 and 1."""
    return max(map(abs, memoryview(bytes(frame.planes[0])).cast("h"))) / 32_768


class Counter:
    """Consumes a remote track and counts its decoded frames."""

    def __init__(self, track: MediaStreamTrack) -> None:
        self.kind = track.kind
        self.frames = 0
        self.energy = 0.0
        self._task = asyncio.create_task(self._consume(track))

    async def _consume(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            self.frames += 1
            if isinstance(frame, AudioFrame):
                self.energy += loudness(frame)

    def stop(self) -> None:
        self._task.cancel()


class AiortcParticipant:
    """Joins, publishes a moving picture and a tone, and receives all that the server offers."""

    def __init__(self, signaling: Signaling, srtp_profile: str | None = None) -> None:
        self.signaling = signaling
        self.counters: list[Counter]
        self.participant_id = ""
        self.track_ids: list[str] = []
        self._srtp_profile = srtp_profile
        self._answering: asyncio.Task[None] | None
        self._offers: asyncio.Queue[Message] = asyncio.Queue()
        self._open()

    @classmethod
    async def join(
        cls,
        url: str,
        tls: ssl.SSLContext,
        token: str,
        name: str,
        *,
        create: str | None = None,
        subprotocol: str = JSON,
        srtp_profile: str | None = None,
    ) -> "AiortcParticipant":
        signaling = await Signaling.connect(url, tls, subprotocol=subprotocol)
        participant = cls(signaling, srtp_profile)
        signaling.listen(participant._on_event)
        joined = await signaling.enter(token, name, create=create)
        participant.participant_id = joined["participant_id"]
        return participant

    def _open(self) -> None:
        """Begin with two new connections, on which nothing has come yet."""
        self.publisher = new_connection()
        self.subscriber = new_connection()
        self.counters = []
        self.subscriber.on("track", lambda track: self.counters.append(Counter(track)))
        self._answering = asyncio.create_task(self._answer_offers())

    async def _close(self) -> None:
        """Close both connections."""
        if self._answering is not None:
            self._answering.cancel()
        for counter in self.counters:
            counter.stop()
        await self.publisher.close()
        await self.subscriber.close()

    async def follow(self, entered: Message) -> None:
        """Do what a client does at `breakout.entered`: close the old connections, say so, and go on with new ones."""
        await self._close()
        while not self._offers.empty():
            self._offers.get_nowait()
        self._open()
        await self.signaling.request("breakout.ready", moves=entered["snapshot"]["moves"])

    def _on_event(self, event: Message) -> None:
        if event["type"] == "subscriber.offer":
            self._offers.put_nowait(event)

    async def _answer_offers(self) -> None:
        while True:
            offer = await self._offers.get()
            await self.subscriber.setRemoteDescription(RTCSessionDescription(sdp=offer["sdp"], type="offer"))
            if self._srtp_profile:
                restrict_srtp(self.subscriber, self._srtp_profile)
            await self.subscriber.setLocalDescription(await self.subscriber.createAnswer())
            sdp = self.subscriber.localDescription.sdp
            await self.signaling.request("subscriber.answer", revision=offer["revision"], sdp=sdp)

    async def publish_sound(self) -> None:
        """Publish audio alone."""
        audio = self.publisher.addTransceiver(Tone(), direction="sendonly")
        await self.publisher.setLocalDescription(await self.publisher.createOffer())
        self.track_ids = (await self.signaling.request("audio.publish", mid=audio.mid))["track_ids"]
        await self._offer()

    async def publish(self) -> None:
        """Publish audio and video, as one pipeline of requests."""
        audio = self.publisher.addTransceiver(Tone(), direction="sendonly")
        video = self.publisher.addTransceiver(VideoStreamTrack(), direction="sendonly")
        if self._srtp_profile:
            restrict_srtp(self.publisher, self._srtp_profile)
        await self.publisher.setLocalDescription(await self.publisher.createOffer())
        published = [
            await self.signaling.request("audio.publish", mid=audio.mid),
            await self.signaling.request("video.publish", mid=video.mid),
        ]
        self.track_ids = [track for result in published for track in result["track_ids"]]
        await self._offer()

    async def _offer(self) -> None:
        answer = await self.signaling.request("publisher.offer", sdp=self.publisher.localDescription.sdp)
        await self.publisher.setRemoteDescription(RTCSessionDescription(sdp=answer["sdp"], type="answer"))

    def received(self) -> tuple[int, int]:
        """Return (audio frames, video frames) decoded so far, of the liveliest track of each kind."""
        audio = max((counter.frames for counter in self.counters if counter.kind == "audio" and counter.energy > 0), default=0)
        video = max((counter.frames for counter in self.counters if counter.kind == "video"), default=0)
        return audio, video

    def negotiated_profiles(self) -> set[str]:
        """Return the OpenSSL names of the SRTP profiles in use."""
        return {
            transport._ssl.get_selected_srtp_profile().decode()
            for connection in (self.publisher, self.subscriber)
            for transport in dtls_transports(connection)
            if transport._ssl is not None
        }

    async def close(self) -> None:
        await self._close()
        await self.signaling.close()
