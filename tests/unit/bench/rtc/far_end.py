"""An ICE-lite DTLS server over UDP or TCP for tests of the client's transport, made of other libraries than the client."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Self

from aioice import stun
from bench.rtc.dtls import SHAPES, Certificate, Profile, SrtpKeys
from bench.rtc.sdp import Candidate, Description
from bench.rtc.srtp import inbound_session, outbound_session
from OpenSSL import SSL
from pylibsrtp import Session

PWD = "p" * 24


class FarEnd(asyncio.DatagramProtocol):
    """Answers checks, shakes hands, keeps what it decrypted in `received` (RTP) and `reports` (RTCP)."""

    def __init__(self, certificate: Certificate, profile: Profile) -> None:
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.use_certificate(certificate.certificate)
        context.use_privatekey(certificate.key)
        context.set_tlsext_use_srtp(SHAPES[profile].openssl_name)
        self._dtls = SSL.Connection(context, None)
        self._dtls.set_accept_state()
        self._dtls.set_ciphertext_mtu(1200)
        self._certificate = certificate
        self._early: list[bytes] = []
        self._profile = profile
        self._answer: Callable[[bytes], None] = self._early.append
        self.checked = asyncio.Event()
        self._closers: list[asyncio.BaseTransport | asyncio.Server] = []
        self.candidate = Candidate("udp", "127.0.0.1", 0)
        self.outbound: Session | None = None
        self.inbound: Session | None = None
        self.ignored_checks = 0
        self.checks = 0
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self.reports: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen_udp(self) -> Self:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        self._closers.append(transport)
        self.candidate = Candidate("udp", *transport.get_extra_info("sockname"))
        self._transport = transport
        return self

    async def listen_tcp(self) -> Self:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._closers.append(server)
        self.candidate = Candidate("tcp", *server.sockets[0].getsockname())
        return self

    @property
    def description(self) -> Description:
        return Description("srvu", PWD, self._certificate.fingerprint, "passive", (self.candidate,), ())

    def close(self) -> None:
        for closer in self._closers:
            closer.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._answer = lambda datagram: self._transport.sendto(datagram, addr)
        self._take(data)

    def send(self, datagram: bytes) -> None:
        self._answer(datagram)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._closers.append(writer.transport)
        self._answer = lambda datagram: writer.write(len(datagram).to_bytes(2, "big") + datagram)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self._take(await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big")))

    def _take(self, data: bytes) -> None:
        if data[0] < 4:
            self._take_check(data)
        elif data[0] < 64:
            self._take_dtls(data)
        elif self.inbound is not None and 192 <= data[1] <= 223:
            self.reports.put_nowait(self.inbound.unprotect_rtcp(data))
        elif self.inbound is not None:
            self.received.put_nowait(self.inbound.unprotect(data))

    def _take_check(self, data: bytes) -> None:
        request = stun.parse_message(data)
        assert request.check_message_integrity(PWD.encode())
        self.checks += 1
        self.checked.set()
        if self.checks <= self.ignored_checks:
            return
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id)
        response.add_message_integrity(PWD.encode())
        response.add_fingerprint()
        self.send(bytes(response))

    def _take_dtls(self, data: bytes) -> None:
        self._dtls.bio_write(data)
        done = self.inbound is not None
        with contextlib.suppress(SSL.WantReadError):
            if not done:
                self._dtls.do_handshake()
                done = True
        if done and self.inbound is None:
            self._export()
        with contextlib.suppress(SSL.WantReadError):
            self.send(self._dtls.bio_read(65536))

    def _export(self) -> None:
        _, key, salt = SHAPES[self._profile]
        material = self._dtls.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt :]
        keys = SrtpKeys(self._profile, outbound=server, inbound=client)
        self.outbound, self.inbound = outbound_session(keys), inbound_session(keys)
