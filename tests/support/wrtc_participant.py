"""libwebrtc (PyPI `wrtc`) as a participant, in a process of its own: its native threads keep the network they were born in.

Reads one JSON command a line, answers each with one JSON line:
    {"do": "join", "url", "certificate", "token", "name", "create": title or null, "subscribe": bool}
    {"do": "publish", "width", "height", "fps"}     {"do": "stats"}     {"do": "leave"}
"""

import asyncio
import contextlib
import json
import math
import os
import random
import ssl
import struct
import sys
import time
from pathlib import Path
from typing import Any

import webrtc

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.support.signaling import MSGPACK, Message, Signaling

_STATS = ("inbound-rtp", "outbound-rtp", "remote-inbound-rtp", "transport")
_TONE = struct.pack("<480h", *(round(8000 * math.sin(2 * math.pi * 400 * index / 48_000)) for index in range(480)))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class Pictures:
    """Grey frames with a band of noise that moves: every frame costs bits, and the same seed gives the same frames."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._noise = random.Random(1).randbytes(width * height)

    def frame(self, number: int) -> bytes:
        """Return an I420 picture."""
        size = self._width * self._height
        band = self._width * (self._height // 6)
        start = (number * self._width * 4) % (size - band)
        offset = (number * 997) % (size - band)
        luma = b"\x80" * start + self._noise[offset : offset + band] + b"\x80" * (size - start - band)
        return luma + b"\x80" * (size // 2)


class WrtcParticipant:
    """Two peer connections over one signaling connection."""

    def __init__(self, signaling: Signaling) -> None:
        self._signaling = signaling
        self._publisher = webrtc.RTCPeerConnection()
        self._subscriber = webrtc.RTCPeerConnection()
        self._offers: asyncio.Queue[Message] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._answer_offers())]
        signaling.listen(self._on_event)

    def _on_event(self, event: Message) -> None:
        if event["type"] == "subscriber.offer":
            self._offers.put_nowait(event)

    async def _answer_offers(self) -> None:
        while True:
            offer = await self._offers.get()
            description = webrtc.RTCSessionDescriptionInit(type="offer", sdp=offer["sdp"])
            await self._subscriber.set_remote_description(description)
            await self._subscriber.set_local_description(await self._subscriber.create_answer())
            sdp = self._subscriber.local_description.sdp
            await self._signaling.request("subscriber.answer", revision=offer["revision"], sdp=sdp)

    async def publish(self, width: int, height: int, fps: int) -> dict[str, Any]:
        audio, video = webrtc.MediaStreamTrackGenerator("audio"), webrtc.VideoTrackGenerator()
        send_only = webrtc.RTCRtpTransceiverInit(direction="sendonly")
        transceivers = [self._publisher.add_transceiver(track, send_only) for track in (audio, video.track)]
        await self._publisher.set_local_description(await self._publisher.create_offer())
        requests = [
            self._signaling.request("audio.publish", mid=transceivers[0].mid),
            self._signaling.request("video.publish", mid=transceivers[1].mid),
            self._signaling.request("publisher.offer", sdp=self._publisher.local_description.sdp),
        ]
        audio_published, video_published, answer = await asyncio.gather(*requests)
        await self._publisher.set_remote_description(webrtc.RTCSessionDescriptionInit(type="answer", sdp=answer["sdp"]))
        self._tasks.append(asyncio.create_task(self._speak(audio)))
        self._tasks.append(asyncio.create_task(self._show(video, width, height, fps)))
        return {"track_ids": audio_published["track_ids"] + video_published["track_ids"]}

    async def _speak(self, track: Any) -> None:
        writer, started = track.writable.get_writer(), time.monotonic()
        for number in range(1 << 30):
            audio = webrtc.AudioDataInit(
                format="s16",
                sample_rate=48_000,
                number_of_frames=480,
                number_of_channels=1,
                timestamp=number * 10_000,
                data=_TONE,
            )
            await writer.write(webrtc.AudioData(audio))
            await asyncio.sleep(max(0.0, started + number / 100 - time.monotonic()))

    async def _show(self, generator: Any, width: int, height: int, fps: int) -> None:
        writer, started, pictures = generator.writable.get_writer(), time.monotonic(), Pictures(width, height)
        for number in range(1 << 30):
            layout = webrtc.VideoFrameBufferInit(
                format="I420", coded_width=width, coded_height=height, timestamp=number * 1_000_000 // fps
            )
            await writer.write(webrtc.VideoFrame(pictures.frame(number), layout))
            await asyncio.sleep(max(0.0, started + number / fps - time.monotonic()))

    async def stats(self) -> dict[str, Any]:
        """Return the RTP and transport entries of both connections, with the field names of W3C webrtc-stats."""
        found: dict[str, Any] = {"at": time.monotonic()}
        for name, connection in (("publisher", self._publisher), ("subscriber", self._subscriber)):
            report = await connection.get_stats()
            found[name] = [
                {_camel(key): value for key, value in vars_of(entry).items() if isinstance(value, str | int | float)}
                for entry in report.values()
                if entry.type in _STATS
            ]
            found[f"{name}_state"] = str(connection.connection_state)
        return found

    async def leave(self) -> None:
        with contextlib.suppress(Exception):
            await self._signaling.request("leave", within_s=3)
        for task in self._tasks:
            task.cancel()
        self._publisher.close()
        self._subscriber.close()
        await self._signaling.close()


def vars_of(entry: Any) -> dict[str, Any]:
    """Return the fields of a stats entry; enumerations become their values."""
    names = entry.__dataclass_fields__ if hasattr(entry, "__dataclass_fields__") else vars(entry)
    values = {name: getattr(entry, name) for name in names}
    return {name: value.value if hasattr(value, "value") else value for name, value in values.items()}


async def join(command: dict[str, Any]) -> tuple[WrtcParticipant, dict[str, Any]]:
    tls = ssl.create_default_context(cafile=command["certificate"])
    signaling = await Signaling.connect(command["url"], tls, subprotocol=MSGPACK)
    participant = WrtcParticipant(signaling)
    joined = await signaling.enter(
        command["token"], command["name"], create=command.get("create"), auto_subscribe=command.get("subscribe", True)
    )
    return participant, {"participant_id": joined["participant_id"]}


async def obey(command: dict[str, Any], participant: WrtcParticipant | None) -> tuple[WrtcParticipant | None, dict[str, Any]]:
    if command["do"] == "join":
        return await join(command)
    assert participant is not None
    if command["do"] == "publish":
        return participant, await participant.publish(command["width"], command["height"], command["fps"])
    if command["do"] == "leave":
        await participant.leave()
        return None, {}
    return participant, await participant.stats()


async def main() -> None:
    webrtc.allow_loopback()
    participant: WrtcParticipant | None = None
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({"ready": True}), flush=True)
    while line := await reader.readline():
        try:
            participant, answer = await obey(json.loads(line), participant)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
    sys.stdout.flush()
    os._exit(0)
