"""Broken descriptions against everything that reads one; `make fuzz` runs it for longer."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from tests.support.sdp_clients import LOCAL, RECORDED, answer, declare_all, seeded

from conclave.media.playback import PlaybackNegotiation
from conclave.media.publisher import PublisherNegotiation
from conclave.media.sdp import SdpError
from conclave.media.sdp_parse import parse_sdp
from conclave.media.sdp_write import write_sdp
from conclave.media.subscriber import SubscriberNegotiation
from conclave.model.errors import Refused
from conclave.model.ids import TransportId

TEXTS = [path.read_bytes().decode() for path in sorted(RECORDED.glob("*.txt"))]
LINES = sorted({line for text in TEXTS for line in text.split("\r\n")})
NAMES = sorted({line.partition(":")[0] for line in LINES if line.startswith("a=")})
TRANSPORT = TransportId("fuzzed")

junk_lines = st.one_of(
    st.sampled_from(LINES),
    st.text(max_size=60),
    st.builds("{}:{}".format, st.sampled_from(NAMES), st.text(max_size=60)),
    st.builds("{}:{} {}".format, st.sampled_from(NAMES), st.integers(-1, 2**33), st.text(max_size=40)),
    st.builds("m={} {} {} {}".format, st.text(max_size=6), st.integers(-1, 70_000), st.text(max_size=20), st.text(max_size=20)),
)


@st.composite
def mutated(draw: st.DrawFn, texts: list[str]) -> str:
    """A real description with some lines taken out, doubled, moved, cut or replaced."""
    lines = draw(st.sampled_from(texts)).split("\r\n")
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 4)):
            case 0 if len(lines) > 1:
                del lines[place]
            case 1:
                lines.insert(place, lines[draw(st.integers(0, len(lines) - 1))])
            case 2:
                lines[place] = draw(junk_lines)
            case 3:
                lines[place] = lines[place][: draw(st.integers(0, 30))]
            case _:
                lines.insert(place, draw(junk_lines))
    return draw(st.sampled_from(["\r\n", "\n"])).join(lines)


@given(st.one_of(st.text(max_size=300), st.lists(junk_lines, max_size=30).map("\r\n".join), mutated(TEXTS)))
def test_a_description_is_an_error_or_survives_being_written(text: str) -> None:
    try:
        read = parse_sdp(text)
    except SdpError:
        return
    written = write_sdp(read)
    assert parse_sdp(written, max_bytes=10 * len(text) + 10_000) == read
    assert write_sdp(parse_sdp(written, max_bytes=10 * len(text) + 10_000)) == written


@given(mutated(TEXTS), mutated(TEXTS))
def test_offers_to_publish_are_answered_or_refused(first: str, second: str) -> None:
    negotiation = PublisherNegotiation(TRANSPORT, seeded())
    for text in (first, second):
        with suppress(Refused, SdpError):
            plan = negotiation.read(text, declare_all(text))
            parse_sdp(negotiation.answer(plan, LOCAL), max_bytes=1_000_000)


@given(mutated(TEXTS), mutated(TEXTS))
def test_offers_to_play_are_answered_or_refused(first: str, second: str) -> None:
    negotiation = PlaybackNegotiation(TRANSPORT, seeded(), audio_slots=2, video_slots=2)
    for text in (first, second):
        with suppress(Refused):
            parse_sdp(negotiation.answer(negotiation.read(text), LOCAL), max_bytes=1_000_000)
            for slot in negotiation.pool.slots:
                assert not slot.usable or slot.sender_spec(TRANSPORT).mid == slot.mid


def _answers() -> list[str]:
    negotiation = SubscriberNegotiation(TRANSPORT, seeded(), audio_slots=2, video_slots=2)
    negotiation.prepare()
    return [answer(negotiation.make_offer(LOCAL, 0.0).sdp)]


@given(mutated(_answers()))
def test_answers_to_our_offers_are_taken_whole_or_refused_without_effect(text: str) -> None:
    negotiation = SubscriberNegotiation(TRANSPORT, seeded(), audio_slots=2, video_slots=2)
    negotiation.prepare()
    made = negotiation.make_offer(LOCAL, 0.0)
    try:
        negotiation.read_answer(made.revision, text)
    except Refused:
        assert negotiation.outstanding == made
        assert negotiation.pool.mapping() == ()
        return
    assert negotiation.outstanding is None
    for slot in negotiation.pool.slots:
        assert not slot.usable or slot.sender_spec(TRANSPORT).mid == slot.mid
