"""A recorder for meetings without one."""

import msgspec
from tests.support.hubs import Client, HubInMemory

from conclave.model.ids import MeetingId, ParticipantId, RecordingId
from conclave.ports.recorder import NoRecorder
from conclave.signaling import messages


class Willing(NoRecorder):
    """Starts everything and does nothing."""

    def start(self, recording_id: RecordingId, meeting_id: MeetingId, title: str, started_at_s: float) -> None:
        del recording_id, meeting_id, title, started_at_s

    def name(self, recording_id: RecordingId, participant_id: ParticipantId, display_name: str) -> None:
        del recording_id, participant_id, display_name


async def recorded(house: HubInMemory) -> tuple[str, Client]:
    """Open a meeting that is recorded; return the recording's id and the host."""
    services = house.hub._services
    services.house = msgspec.structs.replace(services.house, recorder=Willing())
    host = await house.host()
    started = await host.ask(lambda number: messages.RecordingStart(id=number), messages.RecordingStarted)
    return started.recording_id, host
