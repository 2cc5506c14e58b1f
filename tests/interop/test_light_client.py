"""Each SRTP profile over UDP and over ICE-TCP, with the load generator's client: a second implementation of every protocol."""

import pytest
from bench.client import Client
from bench.guard import resolve_target
from bench.publisher import Publisher
from bench.rtc.dtls import Profile
from bench.rtc.rtp import AUDIO, VIDEO
from bench.station import Station
from tests.support.rooms import MEETING
from tests.support.server import ConclaveServer

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("profile", list(Profile))
async def test_media_flows_with_each_profile_over_each_network(server: ConclaveServer, profile: Profile, transport: str) -> None:
    target = resolve_target(server.url, yes_remote=True)
    host, guest = await server.invite(MEETING, "host"), await server.invite(MEETING, "participant")
    async with Station(target, server.tls, profiles=(profile,), network=transport) as station:
        sender, receiver = Client(station, "sender"), Client(station, "receiver")
        try:
            await sender.connect(host)
            await sender.open_meeting("Profiles")
            await sender.join()
            await receiver.connect(guest)
            await receiver.join(auto_subscribe=True)
            await sender.publish(Publisher(1))
            await receiver.wait_flowing({(1, AUDIO), (1, VIDEO)}, timeout_s=30)
            assert sender.publishing is not None
            assert receiver.subscribing is not None
            assert sender.publishing.profile == receiver.subscribing.profile == profile
        finally:
            await receiver.close()
            await sender.close()
