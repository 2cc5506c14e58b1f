"""A page in Chromium takes our answers and our offers, the largest one included."""

from collections.abc import AsyncIterator
from shutil import which
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright
from tests.support.sdp_clients import LOCAL, declare_all, seeded, track

from conclave.media.playback import PlaybackNegotiation
from conclave.media.publisher import PublisherNegotiation
from conclave.media.sdp import MAX_SDP_BYTES
from conclave.media.subscriber import SubscriberNegotiation
from conclave.model.ids import TransportId
from conclave.model.media import CodecParameters, TrackSource

CHROMIUM = which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]
TRANSPORT = TransportId("transport")
HIGH = CodecParameters("video/H264", 90_000, 1, "packetization-mode=1;profile-level-id=4d001f", 102, 103)

PAGE = """
const pc = new RTCPeerConnection();
window.offer = async () => { await pc.setLocalDescription(); return pc.localDescription.sdp; };
window.take = async (sdp) => { await pc.setRemoteDescription({type: 'answer', sdp}); return window.directions(); };
window.directions = () => pc.getTransceivers().map(found => found.currentDirection);
window.answer = async (sdp) => {
  await pc.setRemoteDescription({type: 'offer', sdp});
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
};
window.publish = (simulcast) => {
  const audio = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
  const canvas = document.createElement('canvas');
  canvas.getContext('2d');
  const video = canvas.captureStream(5).getVideoTracks()[0];
  pc.addTransceiver(audio, {direction: 'sendonly'});
  const encodings = simulcast ? [{rid: 'q', scaleResolutionDownBy: 4}, {rid: 'f'}] : undefined;
  pc.addTransceiver(video, {direction: 'sendonly', sendEncodings: encodings});
};
window.play = () => { for (const kind of ['audio', 'video']) pc.addTransceiver(kind, {direction: 'recvonly'}); };
window.encodings = () => pc.getSenders()[1].getParameters().encodings.length;
window.again = () => { pc.restartIce(); pc.addTransceiver('video', {direction: 'sendonly'}); };
window.endFirst = () => pc.getTransceivers()[0].stop();
"""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=arguments)
        opened = await browser.new_page()
        await opened.add_script_tag(content=PAGE)
        yield opened
        await browser.close()


async def publish(page: Page, negotiation: PublisherNegotiation) -> Any:
    text = await page.evaluate("offer()")
    plan = negotiation.read(text, declare_all(text))
    return plan, await page.evaluate("sdp => take(sdp)", negotiation.answer(plan, LOCAL))


async def test_chromium_publishes_restarts_adds_and_stops(page: Page) -> None:
    negotiation = PublisherNegotiation(TRANSPORT, seeded())
    await page.evaluate("publish(false)")
    plan, directions = await publish(page, negotiation)
    assert plan.initial
    assert directions == ["sendonly", "sendonly"]
    await page.evaluate("again()")
    plan, directions = await publish(page, negotiation)
    assert plan.ice_restart
    assert directions == ["sendonly", "sendonly", "sendonly"]
    await page.evaluate("endFirst()")
    plan, directions = await publish(page, negotiation)
    assert len(plan.ended) == 1
    assert directions == ["sendonly", "sendonly"]


async def test_chromium_sends_one_encoding_when_simulcast_is_not_accepted(page: Page) -> None:
    await page.evaluate("publish(true)")
    _, directions = await publish(page, PublisherNegotiation(TRANSPORT, seeded()))
    assert directions == ["sendonly", "sendonly"]
    assert await page.evaluate("encodings()") == 1


async def test_chromium_plays_what_we_offer(page: Page) -> None:
    await page.evaluate("play()")
    negotiation = PlaybackNegotiation(TRANSPORT, seeded(), audio_slots=1, video_slots=1)
    answered = negotiation.answer(negotiation.read(await page.evaluate("offer()")), LOCAL)
    assert await page.evaluate("sdp => take(sdp)", answered) == ["recvonly", "recvonly"]
    assert len(negotiation.pool.mapping()) == 2


async def test_chromium_takes_the_full_pool_with_a_rare_codec_and_answers_below_the_limit(page: Page) -> None:
    negotiation = SubscriberNegotiation(TRANSPORT, seeded(), audio_slots=32, video_slots=25)
    negotiation.prepare()
    for step, wanted in enumerate((0, 7, 40)):
        for number in range(wanted):
            negotiation.pool.want(track(f"cam{number}", offered=(HIGH,) if number == 39 else None))
            negotiation.pool.want(track(f"mic{number}", TrackSource.MICROPHONE))
        made = negotiation.make_offer(LOCAL, float(step))
        answered = await page.evaluate("sdp => answer(sdp)", made.sdp)
        assert len(answered) < MAX_SDP_BYTES
        negotiation.read_answer(made.revision, answered)
    assert len(negotiation.pool.mapping()) == 57
    names = [codec.mime_type for codec in negotiation.pool.slots[-1].codecs]
    assert names == ["video/VP8", "video/VP9", "video/H264", "video/AV1", "video/H264"]
    assert await page.evaluate("new Set(directions()).size") == 1
