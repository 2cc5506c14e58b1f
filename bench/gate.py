"""What one message costs: codec, gate, handler and broadcast to 100, in CPU microseconds of this process.

`python -m bench.gate` prints median and quartiles over rounds. The hub is the real one with its plane; its connections are
sessions without sockets, whose outboxes are emptied between rounds. A message is a raised or lowered hand: everybody is told.
"""

import asyncio
import os
import time
from statistics import quantiles

from conclave.hub.hub import Hub
from conclave.hub.media_pump import MediaPump
from conclave.hub.sessions import ConnectionInfo, Session
from conclave.identity.invitations import Invitations
from conclave.identity.keys import SigningKey
from conclave.media.certificate import CertificateRotation
from conclave.media.parameters import Candidate
from conclave.media.room import MediaRoom
from conclave.model.ids import MeetingId, new_id
from conclave.model.roles import Role
from conclave.plane.plane import LaneAddress, Plane
from conclave.policy.limits import BucketSize, Limits
from conclave.policy.rules import RateClass
from conclave.ports.audit import AuditEvent
from conclave.signaling import messages
from conclave.signaling.codec import Encoding, encode
from conclave.signaling.messages import Request

AUDIENCE = 100
ROUNDS = 200
MESSAGES_PER_ROUND = 20
PLENTY = BucketSize(burst=1e9, per_s=1e9)


class Clock:
    """The system's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class NoAudit:
    """Raising a hand is not audited; joining is, and not measured."""

    def record(self, event: AuditEvent) -> None:
        """Keep nothing."""


def _abort() -> None:
    raise AssertionError("an outbox overflowed")


async def measure(audience: int = AUDIENCE, rounds: int = ROUNDS) -> list[float]:
    """Return the CPU microseconds per message of each round."""
    plane = Plane([LaneAddress("127.0.0.1", 0)])
    clock, certificates = Clock(), CertificateRotation(os.urandom)
    pump = MediaPump(plane, clock=clock.monotonic, loop=asyncio.get_running_loop())
    invitations = Invitations(SigningKey.generate(), os.urandom)
    candidates = (Candidate("udp", "127.0.0.1", plane.addresses[0].port),)
    hub = Hub(
        limits=Limits(waiting_room=False, rates=dict.fromkeys(RateClass, PLENTY), frames=PLENTY, refusals=PLENTY),
        pump=pump,
        audit=NoAudit(),
        clock=clock,
        entropy=os.urandom,
        invitations=invitations,
        open_room=lambda _: MediaRoom(0, candidates, certificates.current, os.urandom),
    )
    meeting_id = MeetingId(new_id(os.urandom))
    sessions: list[Session] = []

    async def say(session: Session, request: Request) -> None:
        await session.receive(encode(request, Encoding.MSGPACK))

    for number in range(audience):
        session = hub.connect(ConnectionInfo(encoding=Encoding.MSGPACK, abort=_abort))
        role = Role.HOST if number == 0 else Role.PARTICIPANT
        token = invitations.issue(meeting_id, role, clock.wall()).token
        await say(session, messages.Hello(id=1, protocol=1, token=token))
        if number == 0:
            await say(session, messages.MeetingCreate(id=2, title="Bench"))
        await say(session, messages.Join(id=3, display_name=f"Guest {number}"))
        sessions.append(session)
        await _empty(sessions)
    results = []
    for _ in range(rounds):
        started = time.process_time_ns()
        for number in range(MESSAGES_PER_ROUND):
            await say(sessions[1], messages.HandRaise(id=number, raised=number % 2 == 0))
        results.append((time.process_time_ns() - started) / MESSAGES_PER_ROUND / 1000)
        await _empty(sessions)
    await hub.close()
    pump.close()
    return results


async def _empty(sessions: list[Session]) -> None:
    for session in sessions:
        while len(session.outbox):
            await session.outbox.take()


def main() -> None:
    """Measure and print."""
    low, median, high = quantiles(asyncio.run(measure()), n=4)
    print(f"message to {AUDIENCE}: median {median:.0f} µs CPU, quartiles {low:.0f} to {high:.0f} µs ({ROUNDS} rounds)")


if __name__ == "__main__":
    main()
