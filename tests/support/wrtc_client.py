"""The test's end of a `wrtc_participant` process."""

from pathlib import Path
from typing import Any, Self

from tests.support.lines import LineProcess, python_command
from tests.support.server import ConclaveServer

_SCRIPT = str(Path(__file__).with_name("wrtc_participant.py"))


class WrtcClient:
    """A participant on libwebrtc; starts in the network namespace of the calling thread."""

    def __init__(self, process: LineProcess) -> None:
        self._process = process
        self.participant_id = ""

    @classmethod
    async def join(
        cls, server: ConclaveServer, token: str, name: str, *, create: str | None = None, subscribe: bool = True
    ) -> Self:
        client = cls(await LineProcess.start(name, python_command(_SCRIPT)))
        try:
            answer = await client._process.ask(
                {
                    "do": "join", "url": server.websocket_url, "certificate": str(server.certificate), "token": token,
                    "name": name, "create": create, "subscribe": subscribe,
                }
            )  # fmt: skip
        except BaseException:
            await client.close()
            raise
        client.participant_id = answer["participant_id"]
        return client

    async def publish(self, width: int = 320, height: int = 180, fps: int = 15) -> list[str]:
        """Publish a tone and a moving picture; return their track ids."""
        answer = await self._process.ask({"do": "publish", "width": width, "height": height, "fps": fps})
        return list(answer["track_ids"])

    async def stats(self) -> dict[str, Any]:
        """Return {"at": seconds, "publisher": [entries], "subscriber": [entries], "publisher_state", "subscriber_state"}."""
        return await self._process.ask({"do": "stats"})

    async def inbound(self) -> list[dict[str, Any]]:
        return [entry for entry in (await self.stats())["subscriber"] if entry["type"] == "inbound-rtp"]

    async def received(self) -> tuple[float, int]:
        """Return (audio energy, decoded video frames) of the liveliest streams so far."""
        streams = await self.inbound()
        energy = max((stream.get("totalAudioEnergy") or 0.0 for stream in streams if stream["kind"] == "audio"), default=0.0)
        frames = max((stream.get("framesDecoded") or 0 for stream in streams if stream["kind"] == "video"), default=0)
        return energy, frames

    async def leave(self) -> None:
        await self._process.ask({"do": "leave"})

    async def close(self) -> None:
        await self._process.close()
