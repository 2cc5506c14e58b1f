"""What a log-in costs: `python -m bench.login` starts a server of its own and asks it over HTTPS, by one and by eight.

Figures are medians over rounds with the smallest and the largest. `hash` is one Argon2id verification in this process, the
floor of a log-in; `refresh` and `me` are the same road without a password.
"""

import asyncio
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from certs.make import make as make_certificates

from bench.process import usage_of
from bench.results import Rounds, print_table, round_figures
from bench.summary import percentile
from conclave.identity.passwords import Passwords

PASSWORD = "grey otter on a bicycle"  # noqa: S105 # of an account that lives as long as the run
CONCURRENCY = (1, 8)
START_S = 20.0


class OwnServer:
    """`conclave serve` with a state directory of its own, in which everybody may register, ended with the block."""

    def __init__(self, directory: Path) -> None:
        make_certificates(directory / "certs", ())
        settings = {
            "LISTEN__PORT": "0", "LISTEN__TLS_CERTIFICATE": f"{directory}/certs/server.pem",
            "LISTEN__TLS_KEY": f"{directory}/certs/server.key", "MEDIA__FIRST_PORT": "0", "MEDIA__LANES": "1",
            "STATE__DIRECTORY": f"{directory}/state", "CLIENT__DIRECTORY": "", "TELEMETRY__LOG_LEVEL": "error",
            "ACCOUNTS__REQUESTS_PER_S_PER_SOURCE": "100000", "ACCOUNTS__REGISTRATION": "open",
            "SECURITY__CONNECTS_PER_S_PER_SOURCE": "10000",
        }  # fmt: skip
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("CONCLAVE_")}
        self._env |= {f"CONCLAVE_{name}": value for name, value in settings.items()}
        self.tls = ssl.create_default_context(cafile=str(directory / "certs" / "authority.pem"))

    def __enter__(self) -> "OwnServer":
        command = [sys.executable, "-m", "conclave", "serve"]
        self._process = subprocess.Popen(command, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "listens on port" in line:
                port = line.strip().rstrip(".").rpartition(" ")[2]
                self.url = f"https://127.0.0.1:{port}/api/v1"
                return self
        raise RuntimeError("the server did not start")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(START_S)

    @property
    def cpu_s(self) -> float:
        """User and system time so far."""
        return usage_of(self._process.pid).cpu_s


class Caller:
    """Asks the server as an account of its own."""

    def __init__(self, server: OwnServer, http: aiohttp.ClientSession, number: int) -> None:
        self._server = server
        self._http = http
        self._credentials = {"username": f"bench{number}", "password": PASSWORD}
        self._refresh_token = self._access_token = ""

    async def register(self) -> None:
        await self._post("/auth/register", self._credentials)

    async def log_in(self) -> None:
        body = await self._post("/auth/login", self._credentials)
        self._access_token, self._refresh_token = body["access_token"], body["refresh_token"]

    async def refresh(self) -> None:
        self._refresh_token = (await self._post("/auth/refresh", {"refresh_token": self._refresh_token}))["refresh_token"]

    async def me(self) -> None:
        async with self._http.get(f"{self._server.url}/me", headers={"Authorization": f"Bearer {self._access_token}"}) as answer:
            answer.raise_for_status()
            await answer.read()

    async def _post(self, path: str, body: dict[str, str]) -> Any:
        async with self._http.post(self._server.url + path, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()


Ask = Callable[[Caller], Awaitable[None]]


async def measure(rounds: int = 5, requests: int = 80) -> Rounds:
    """Return the figures of each round; a request that does not succeed raises."""
    with tempfile.TemporaryDirectory() as name, OwnServer(Path(name)) as server:
        connector = aiohttp.TCPConnector(ssl=server.tls, limit=max(CONCURRENCY))
        async with aiohttp.ClientSession(connector=connector) as http:
            callers = [Caller(server, http, number) for number in range(max(CONCURRENCY))]
            for caller in callers:
                await caller.register()
            return [await _round(server, callers, requests) for _ in range(rounds)]


async def _round(server: OwnServer, callers: list[Caller], requests: int) -> dict[str, tuple[float, str]]:
    found = {"hash": (await asyncio.to_thread(_hash_ms), "ms")}
    for name, ask in (("login", Caller.log_in), ("refresh", Caller.refresh), ("me", Caller.me)):
        for concurrency in reversed(CONCURRENCY):
            found |= await _drive(server, f"{name}_by_{concurrency}", ask, callers[:concurrency], requests)
    return found


async def _drive(server: OwnServer, name: str, ask: Ask, callers: list[Caller], requests: int) -> dict[str, tuple[float, str]]:
    times_ms: list[float] = []
    left = iter(range(requests))

    async def work(caller: Caller) -> None:
        for _ in left:
            started = time.perf_counter()
            await ask(caller)
            times_ms.append((time.perf_counter() - started) * 1_000)

    cpu_s, started = server.cpu_s, time.perf_counter()
    await asyncio.gather(*(work(caller) for caller in callers))
    wall_s = time.perf_counter() - started
    return {
        f"{name}_rate": (requests / wall_s, "1/s"),
        f"{name}_p50": (percentile(times_ms, 50), "ms"),
        f"{name}_p95": (percentile(times_ms, 95), "ms"),
        f"{name}_cpu": ((server.cpu_s - cpu_s) * 1_000 / requests, "ms"),
    }


def _hash_ms() -> float:
    passwords = Passwords(os.urandom)
    stored = passwords.hash(PASSWORD)
    started = time.perf_counter()
    for _ in range(10):
        passwords.verify(stored, PASSWORD)
    return (time.perf_counter() - started) * 100


def main() -> None:
    """Measure and print."""
    print_table(round_figures("login", asyncio.run(measure())), "log-ins, a server of its own over HTTPS")


if __name__ == "__main__":
    main()
