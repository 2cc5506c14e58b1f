"""What the hub has to do with recordings."""

import pytest
from tests.support.hubs import HubInMemory, RefusedByServer
from tests.support.recorders import recorded

from conclave.model.errors import ErrorCode
from conclave.model.ids import RecordingId
from conclave.signaling import messages


async def test_a_server_without_a_recorder_says_that_it_cannot(house: HubInMemory) -> None:
    host = await house.host()
    with pytest.raises(RefusedByServer) as refusal:
        await host.ask(lambda number: messages.RecordingStart(id=number), messages.RecordingStarted)
    assert refusal.value.code == ErrorCode.UNAVAILABLE
    assert [event.type for event in house.audit.events][-2:] == ["recording_consent", "recording_stopped"]


async def test_a_recorder_that_gives_up_is_told_to_the_meeting_that_it_recorded(house: HubInMemory) -> None:
    recording_id, host = await recorded(house)
    house.hub.recording_failed(RecordingId(recording_id))
    await house.hub.settle()
    changed = host.received(messages.RecordingChanged)
    assert [event.recording.state for event in changed] == ["recording", "off"]
    assert house.audit.events[-1].details["reason"] == "failed"


async def test_a_recording_that_the_servers_end_ends_is_on_record(house: HubInMemory) -> None:
    await recorded(house)
    await house.hub.close()
    assert house.audit.events[-1].type == "recording_stopped"
    assert house.audit.events[-1].details["reason"] == "shutdown"
