"""What was recorded, as ffprobe and ffmpeg see it, and sources of picture and sound that say when they were made."""

import asyncio
import json
import re
import shutil
from pathlib import Path
from typing import Any

import aiohttp
from tests.support.server import ConclaveServer

FLASH_AND_BEEP = """(() => {
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = document.createElement("canvas");
    canvas.width = 320; canvas.height = 180;
    const draw = canvas.getContext("2d");
    const sound = new AudioContext();
    await sound.resume();
    const tone = new OscillatorNode(sound, { frequency: 1000 });
    const volume = new GainNode(sound, { gain: 0 });
    const out = sound.createMediaStreamDestination();
    tone.connect(volume).connect(out);
    tone.start();
    let count = 0, planned = -1;
    setInterval(() => {
      const now = sound.currentTime;
      const second = Math.floor(now);
      if (second + 1 !== planned) {
        planned = second + 1;
        volume.gain.setValueAtTime(0.5, planned);
        volume.gain.setValueAtTime(0, planned + 0.2);
      }
      draw.fillStyle = now - second < 0.2 && second > 0 ? "#ffffff" : "#000000";
      draw.fillRect(0, 0, 320, 180);
      draw.fillStyle = "#808080";
      draw.fillRect((count++ * 3) % 300, 170, 20, 10);
    }, 20);
    const stream = canvas.captureStream(30);
    return new MediaStream([...stream.getVideoTracks(), ...out.stream.getAudioTracks()]);
  };
})()"""
"""Replaces a page's devices: once a second a white picture and a beep begin together and last a fifth of a second."""


def ffmpeg_obstacle() -> str | None:
    """Return why recordings cannot be looked into here, or None."""
    return None if shutil.which("ffprobe") and shutil.which("ffmpeg") else "ffmpeg is not installed"


async def _run(*command: str) -> tuple[str, str]:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()[-2000:]
    return out.decode(), errors.decode()


async def probe(path: Path) -> dict[str, Any]:
    """Return what ffprobe says of format and streams, frames counted; what it complains about fails the test."""
    out, errors = await _run(
        "ffprobe", "-v", "error", "-count_frames", "-show_format", "-show_streams", "-of", "json", str(path)
    )  # fmt: skip
    assert errors.strip() == "", errors
    found: dict[str, Any] = json.loads(out)
    return found


async def flashes(path: Path) -> list[float]:
    """Return when the picture becomes white, in seconds."""
    filters = "signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-"
    out, _ = await _run("ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v:0", "-vf", filters, "-f", "null", "-")
    times = [float(value) for value in re.findall(r"pts_time:([\d.]+)", out)]
    bright = [float(value) > 120 for value in re.findall(r"YAVG=([\d.]+)", out)]
    return [time for time, before, now in zip(times[1:], bright, bright[1:], strict=False) if now and not before]


async def beeps(path: Path) -> list[float]:
    """Return when the sound begins after silence, in seconds."""
    filters = "silencedetect=noise=-35dB:d=0.15"
    _, errors = await _run("ffmpeg", "-i", str(path), "-map", "0:a:0", "-af", filters, "-f", "null", "-")
    return [float(value) for value in re.findall(r"silence_end: ([\d.]+)", errors)]


def offsets_ms(seen: list[float], heard: list[float]) -> list[float]:
    """Return by how much each flash comes after the nearest beep."""
    return [min(((flash - beep) * 1000 for beep in heard), key=abs) for flash in seen]


async def fetch(server: ConclaveServer, token: str, path: str) -> tuple[int, bytes]:
    """GET below the API with a bearer token."""
    headers = {"Authorization": f"Bearer {token}"}
    connector = aiohttp.TCPConnector(ssl=server.tls)
    async with (
        aiohttp.ClientSession(connector=connector, headers=headers) as session,
        session.get(f"{server.url}{path}") as answer,
    ):
        return answer.status, await answer.read()
