"""The real server as a child process: its own state, certificate and ports; watched for a clean end."""

import asyncio
import contextlib
import datetime
import ipaddress
import os
import re
import signal
import socket
import ssl
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Self

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

REPOSITORY = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "conclave")
START_WITHIN_S = 60
"""Half a second is enough, on a machine that does nothing else."""
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*(?:\{[^}]*\})?) ([^ ]+)$")


def write_certificate(directory: Path, addresses: tuple[str, ...]) -> tuple[Path, Path]:
    """Make a self-signed P-256 certificate for localhost and `addresses`; return the paths of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "conclave tests")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = directory / "server.pem", directory / "server.key"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.touch(mode=0o600)
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return certificate_path, key_path


def free_port(host: str) -> int:
    """Return a TCP port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class ConclaveServer:
    """`conclave serve` in a process of its own, in the network namespace of the thread that starts it."""

    def __init__(self, process: asyncio.subprocess.Process, host: str, port: int, certificate: Path, env: dict[str, str]) -> None:
        self.host = host
        self.port = port
        self.certificate = certificate
        self.tls = ssl.create_default_context(cafile=str(certificate))
        self.log: deque[str] = deque(maxlen=2_000)
        self._process = process
        self._env = env
        self._reader = asyncio.create_task(self._read_log())

    @classmethod
    async def start(
        cls, directory: Path, host: str = "127.0.0.1", media_host: str = "", settings: Mapping[str, str] | None = None
    ) -> Self:
        """Start a server and wait until it says that it is ready.

        `media_host` is `host` when empty; Firefox takes no loopback address there. `settings`: "section.key" to value.
        """
        certificate, key = write_certificate(directory, (host,))
        port = free_port(host)
        chosen = {
            "listen.host": host,
            "listen.port": str(port),
            "listen.tls_certificate": str(certificate),
            "listen.tls_key": str(key),
            "media.host": media_host or host,
            "media.announced_addresses": media_host or host,
            "media.first_port": "0",
            "media.lanes": "1",
            "state.directory": str(directory / "state"),
            "client.directory": str(REPOSITORY / "client_demo"),
            "meetings.waiting_room": "false",
            "security.connects_per_s_per_source": "1000",
            **(settings or {}),
        }
        env = {name: value for name, value in os.environ.items() if not name.startswith("CONCLAVE_")}
        env |= {f"CONCLAVE_{name.replace('.', '__').upper()}": value for name, value in chosen.items()}
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "serve",
            cwd=directory, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, limit=1 << 20,
        )  # fmt: skip
        server = cls(process, host, port, certificate, env)
        try:
            await asyncio.wait_for(server._wait_until_ready(), START_WITHIN_S)
        except BaseException as error:
            await server.kill()
            raise RuntimeError(f"the server did not become ready: {error!r}\n{server.tail()}") from error
        return server

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"wss://{self.host}:{self.port}/api/v1/signaling"

    def tail(self, lines: int = 80) -> str:
        """Return the last lines of the server's log."""
        return "\n".join(f"  server| {line}" for line in list(self.log)[-lines:])

    async def _read_log(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.log.append(line.decode(errors="replace").rstrip())

    async def _wait_until_ready(self) -> None:
        connector = aiohttp.TCPConnector(ssl=self.tls)
        async with aiohttp.ClientSession(connector=connector) as session:
            while True:
                if self._process.returncode is not None:
                    raise RuntimeError(f"it ended with {self._process.returncode}")
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.05)

    async def invite(self, meeting: str, role: str, *, seats: int = 0) -> str:
        """Return an invitation token for `meeting`, made by the command line as an administrator would."""
        wish = (f"--meeting={meeting}", "--role", role, "--seats", str(seats), "--token-only")
        return (await self.command("invite", *wish)).rpartition("#")[2]

    async def command(self, *words: str) -> str:
        """Run `conclave` with the server's settings, as an administrator of its host would; return what it printed."""
        process = await asyncio.create_subprocess_exec(
            *COMMAND, *words, env=self._env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, errors = await asyncio.wait_for(process.communicate(), START_WITHIN_S)
        assert process.returncode == 0, errors.decode()
        return out.decode().strip()

    async def metrics(self) -> dict[str, float]:
        """Return every sample of /metrics, keyed as it is written there, labels included."""
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.tls)) as session,
            session.get(f"{self.url}/metrics") as answer,
        ):
            assert answer.status == 200, await answer.text()
            text = await answer.text()
        matches = (_SAMPLE.match(line) for line in text.splitlines() if not line.startswith("#"))
        return {match[1]: float(match[2]) for match in matches if match}

    async def stop(self) -> int:
        """Ask the server to end and return its exit code."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), 15)
        except TimeoutError:
            await self.kill()
        await self._reader
        assert self._process.returncode is not None
        return self._process.returncode

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


@contextlib.asynccontextmanager
async def serving(
    directory: Path, host: str = "127.0.0.1", media_host: str = "", settings: Mapping[str, str] | None = None
) -> AsyncIterator[ConclaveServer]:
    """Run a server for the length of the block; it must end with exit code 0."""
    running = await ConclaveServer.start(directory, host, media_host, settings)
    try:
        yield running
    finally:
        exit_code = await running.stop()
    assert exit_code == 0, f"the server ended with {exit_code}\n{running.tail()}"
