"""Negotiates what a participant receives: we offer a pool of sendonly m-sections ("slots"), the client answers (RFC 8829).

SDP carries capacity only. The pool grows geometrically; one offer is outstanding at a time; what changes meanwhile is
in the next. Payload types and header extension ids are fixed for the life of the server, so all m-sections of a kind are alike.
"""

from functools import lru_cache

import msgspec
from msgspec import Struct

from conclave.media import codecs
from conclave.media.bundle import PeerTransport, bundled_mids, invalid, read_description, remote_transport, with_transport
from conclave.media.parameters import LocalTransportParameters, RemoteTransportParameters
from conclave.media.prominence import Prominence
from conclave.media.sdp import (
    MAX_SDP_BYTES,
    MAX_SECTIONS,
    Direction,
    MediaSection,
    SdpCodec,
    SdpExtension,
    SdpSource,
    SdpSourceGroup,
    SessionDescription,
)
from conclave.media.sdp_write import write_sdp
from conclave.media.slots import MINIMUM_SLOTS, Slot, SlotPool, SsrcSource, grown_capacity
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import Entropy, TransportId
from conclave.model.media import CodecParameters, MediaKind

OFFER_INTERVAL_S = 0.1
ANSWER_TIMEOUT_S = 15.0
MAX_UNANSWERED_OFFERS = 3

_VIDEO_CLOCK_RATE = 90_000
_H264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id="

OUTBOUND_CODECS: dict[MediaKind, tuple[CodecParameters, ...]] = {
    MediaKind.AUDIO: (CodecParameters("audio/opus", 48_000, 2, "minptime=10;useinbandfec=1", 111),),
    MediaKind.VIDEO: (
        CodecParameters("video/VP8", _VIDEO_CLOCK_RATE, 1, "", 96, 97),
        CodecParameters("video/VP9", _VIDEO_CLOCK_RATE, 1, "profile-id=0", 98, 99),
        CodecParameters("video/H264", _VIDEO_CLOCK_RATE, 1, f"{_H264}42e01f", 102, 103),
        CodecParameters("video/AV1", _VIDEO_CLOCK_RATE, 1, "", 45, 46),
    ),
}
"""What every slot offers."""

RARE_CODECS: tuple[CodecParameters, ...] = (
    CodecParameters("video/H264", _VIDEO_CLOCK_RATE, 1, f"{_H264}4d001f", 104, 105),
    CodecParameters("video/H264", _VIDEO_CLOCK_RATE, 1, f"{_H264}640c1f", 106, 107),
    CodecParameters("video/VP9", _VIDEO_CLOCK_RATE, 1, "profile-id=2", 100, 101),
)
"""What video slots offer from the moment on when a wanted track comes in it, as far as the answers stay readable."""

OUTBOUND_EXTENSION_IDS: dict[str, int] = {
    codecs.MID_URI: 1,
    codecs.AUDIO_LEVEL_URI: 2,
    codecs.TOFFSET_URI: 3,
    codecs.VIDEO_ORIENTATION_URI: 4,
    codecs.PLAYOUT_DELAY_URI: 5,
    codecs.DEPENDENCY_DESCRIPTOR_URI: 6,
}

_OUTBOUND_EXTENSIONS = {
    kind: tuple(SdpExtension(OUTBOUND_EXTENSION_IDS[uri], uri) for uri in uris if uri in OUTBOUND_EXTENSION_IDS)
    for kind, uris in codecs.EXTENSIONS.items()
}
_RARE_RTX = {codec.payload_type: codec.rtx_payload_type for codec in RARE_CODECS if codec.rtx_payload_type is not None}
_OUTBOUND_FEEDBACK = ("nack", "nack pli", "goog-remb")
_AUDIO_ANSWER_BYTES = 510
_VIDEO_ANSWER_BYTES = 1_345
_RARE_ANSWER_BYTES = 225


class SubscriberOffer(Struct, frozen=True):
    revision: int
    sdp: str


def rare_codecs_allowed(audio_slots: int, video_slots: int) -> int:
    """Return how many rare codecs fit, so that the answer for a full pool is not larger than what `parse_sdp` reads.

    The longest answers are Chromium's: 510 bytes for an audio slot, 1,345 for a video slot with the common codecs.
    """
    spare = MAX_SDP_BYTES - audio_slots * _AUDIO_ANSWER_BYTES - video_slots * _VIDEO_ANSWER_BYTES
    return max(0, min(len(RARE_CODECS), spare // (_RARE_ANSWER_BYTES * max(1, video_slots))))


class SubscriberNegotiation:
    """The subscribing peer connection of one participant. Time is `now` in monotonic seconds."""

    def __init__(
        self,
        transport_id: TransportId,
        entropy: Entropy,
        *,
        audio_slots: int,
        video_slots: int,
        first_revision: int = 1,
        prominence: Prominence | None = None,
    ) -> None:
        self.transport_id = transport_id
        self.pool = SlotPool(prominence)
        self.outstanding: SubscriberOffer | None = None
        self.restart_wanted = False
        self.unanswered = 0
        self._limits = {MediaKind.AUDIO: audio_slots, MediaKind.VIDEO: video_slots}
        self._minimum = {MediaKind.AUDIO: 0, MediaKind.VIDEO: 0}
        self._session_id = int.from_bytes(entropy(8), "big") >> 2
        self._revision = first_revision - 1
        self._peer = PeerTransport()
        self._offered_at = -OFFER_INTERVAL_S
        self._ssrcs = SsrcSource(entropy)
        self._news_of_version = (-1, False)
        self._codecs = dict(OUTBOUND_CODECS)
        self._max_sections = MAX_SECTIONS
        self._rare_allowance = rare_codecs_allowed(audio_slots, video_slots)

    @property
    def revision(self) -> int:
        return self._revision

    def prepare(self) -> None:
        """Offer the smallest pool of both kinds before any track is wanted, so that the first one shows at once."""
        self._minimum = {kind: min(MINIMUM_SLOTS, limit) for kind, limit in self._limits.items()}
        self.pool.version += 1

    def restart(self) -> None:
        """Let the next offer be an ICE restart."""
        self.restart_wanted = True

    def next_timer(self) -> float | None:
        """Return when `offer_due` or `timed_out` can become true, None when nothing is pending."""
        if self.outstanding is not None:
            return self._offered_at + ANSWER_TIMEOUT_S
        return self._offered_at + OFFER_INTERVAL_S if self._has_news() else None

    def offer_due(self, now: float) -> bool:
        """Tell whether an offer is to be made now: never while one is outstanding, at most one per OFFER_INTERVAL_S."""
        return self.outstanding is None and self._has_news() and now >= self._offered_at + OFFER_INTERVAL_S

    def timed_out(self, now: float) -> bool:
        """Tell whether the outstanding offer has waited too long; if so it is void, and the next may be made at once."""
        if self.outstanding is None or now < self._offered_at + ANSWER_TIMEOUT_S:
            return False
        self.outstanding = None
        self.unanswered += 1
        return True

    @property
    def given_up(self) -> bool:
        return self.unanswered >= MAX_UNANSWERED_OFFERS

    def extend_deadline(self, now: float) -> None:
        """The client came back after its connection was lost: the outstanding offer is sent again and waits anew."""
        self._offered_at = now
        self.unanswered = 0

    def _has_news(self) -> bool:
        offers_again = self.restart_wanted or self.unanswered > 0
        return self._pool_has_news() or (offers_again and any(not slot.rejected for slot in self.pool.slots))

    def _pool_has_news(self) -> bool:
        version, has_news = self._news_of_version
        if version != self.pool.version:
            has_news = any(self._missing(kind) > 0 for kind in MediaKind) or self._video_codecs() != self._codecs[MediaKind.VIDEO]
            self._news_of_version = (self.pool.version, has_news)
        return has_news

    def _video_codecs(self) -> tuple[CodecParameters, ...]:
        """Return what video slots are to offer: the common codecs, and the rare ones ever wanted."""
        present = self._codecs[MediaKind.VIDEO]
        preferred = self.pool.preferred_codecs()
        wanted = [
            rare
            for rare in RARE_CODECS
            if rare not in present and any(codecs.can_show(codec, codecs.identity_of(rare)) for codec in preferred)
        ]
        rare_present = len(present) - len(OUTBOUND_CODECS[MediaKind.VIDEO])
        return present + tuple(wanted[: max(0, self._rare_allowance - rare_present)])

    def _missing(self, kind: MediaKind) -> int:
        current = self.pool.capacity(kind)
        needed = max(self.pool.demand(kind), self._minimum[kind])
        room = self._max_sections - len(self.pool.slots)
        return min(room, grown_capacity(current, needed, self._limits[kind]) - current)

    def make_offer(self, local: LocalTransportParameters, now: float) -> SubscriberOffer:
        """Grow the pool as far as the wanted tracks need and return the next offer."""
        for kind in MediaKind:
            for _ in range(self._missing(kind)):
                self.pool.add(self._new_slot(kind))
        self._codecs[MediaKind.VIDEO] = self._video_codecs()
        self.pool.version += 1
        self.restart_wanted = False
        self._offered_at = now
        self._revision += 1
        self.outstanding = SubscriberOffer(self._revision, self._write(local))
        return self.outstanding

    def _new_slot(self, kind: MediaKind) -> Slot:
        number = sum(1 for slot in self.pool.slots if slot.kind is kind)
        if kind is MediaKind.AUDIO:
            return Slot(f"a{number}", kind, self._ssrcs.next(), None)
        return Slot(f"v{number}", kind, self._ssrcs.next(), self._ssrcs.next(), _RARE_RTX)

    def _write(self, local: LocalTransportParameters) -> str:
        kept = tuple(slot.mid for slot in self.pool.slots if not slot.rejected)
        sections = [
            _ended_section(slot) if slot.rejected else _slot_section(slot, self._codecs[slot.kind]) for slot in self.pool.slots
        ]
        live = [index for index, section in enumerate(sections) if not section.rejected]
        # The client cannot know that all share one transport before it has bundled them (RFC 8843, section 7.2).
        for index in live if self._peer.remote is None else live[:1]:
            sections[index] = with_transport(sections[index], local, "actpass")
        return write_sdp(
            SessionDescription(
                session_id=self._session_id,
                session_version=self._revision,
                bundles=(kept,),
                ice_lite=True,
                extmap_allow_mixed=True,
                sections=tuple(sections),
            ),
            shared_transport=True,
        )

    def read_answer(self, revision: int, sdp: str) -> RemoteTransportParameters:
        """Take the answer to the outstanding offer and return the client's transport.

        Raises Refused: `conflict` when it answers another offer or none, `forbidden` when an m-section would send,
        `invalid` when it does not fit the offer or changes the certificate. A refused answer leaves the offer outstanding.
        """
        if self.outstanding is None or revision != self.outstanding.revision:
            raise Refused(ErrorCode.CONFLICT, f"no offer of revision {revision} is outstanding")
        answer = read_description(sdp)
        self._check_shape(answer)
        remote = self._peer.aligned(self._answered_transport(answer))
        self._peer.check(remote)
        bundled = frozenset(bundled_mids(answer))
        offered = {kind: self.pool.capacity(kind) for kind in MediaKind}
        for slot, section in zip(self.pool.slots, answer.sections, strict=True):
            self._take_section(slot, section, section.mid in bundled)
        self._limit_slots(offered)
        self._limit_sections(len(sdp))
        self._peer.remote = remote
        self.outstanding = None
        self.unanswered = 0
        return remote

    def _check_shape(self, answer: SessionDescription) -> None:
        offered = [(slot.mid, slot.kind) for slot in self.pool.slots]
        if [(section.mid, section.kind) for section in answer.sections] != offered:
            raise invalid("sdp: the m-sections of the answer are not those of the offer")
        for section in answer.sections:
            if section.sends:
                raise Refused(ErrorCode.FORBIDDEN, f"m-section {section.mid} would send on the subscribing peer connection")

    def _answered_transport(self, answer: SessionDescription) -> RemoteTransportParameters:
        remote = remote_transport(answer)
        if remote.setup == "actpass":
            raise invalid("sdp: an answer chooses a=setup active or passive")
        return remote

    def _limit_slots(self, offered: dict[MediaKind, int]) -> None:
        """A client that rejected m-sections of a kind is not offered more of it: it has told how many it wants."""
        for kind, count in offered.items():
            if self.pool.capacity(kind) < count:
                self._limits[kind] = self.pool.capacity(kind)
                self._minimum[kind] = 0

    def _limit_sections(self, answer_characters: int) -> None:
        """Never offer so many m-sections that this client's next answer would be larger than what is read."""
        per_section = answer_characters / len(self.pool.slots)
        self._max_sections = max(len(self.pool.slots), min(MAX_SECTIONS, int(0.95 * MAX_SDP_BYTES / per_section)))

    def _take_section(self, slot: Slot, section: MediaSection, bundled: bool) -> None:
        negotiated = _accepted_codecs(self._codecs[slot.kind], slot.kind, section)
        if slot.rejected or not section.receives or not negotiated or not bundled or not section.rtcp_mux:
            self.pool.withdraw(slot, for_good=section.rejected or not bundled)
            return
        extensions = codecs.accepted_extensions(slot.kind, section, peer_sends=False)
        fixed = {known.uri: known.id for known in extensions if OUTBOUND_EXTENSION_IDS.get(known.uri) == known.id}
        self.pool.accept(slot, negotiated, fixed)


def _accepted_codecs(offered: tuple[CodecParameters, ...], kind: MediaKind, section: MediaSection) -> tuple[CodecParameters, ...]:
    """Return those of our codecs that the client kept under our payload types."""
    answered = {codec.payload_type: codec for codec in codecs.negotiated_codecs(kind, section)}
    accepted = []
    for ours in offered:
        theirs = answered.get(ours.payload_type)
        if theirs is not None and codecs.can_show(codecs.identity_of(ours), codecs.identity_of(theirs)):
            rtx = ours.rtx_payload_type if theirs.rtx_payload_type == ours.rtx_payload_type else None
            accepted.append(codecs.with_rtx(ours, rtx))
    return tuple(accepted)


def _slot_section(slot: Slot, outbound: tuple[CodecParameters, ...]) -> MediaSection:
    described = _describe(slot.kind, outbound)
    sources = (slot.ssrc,) if slot.rtx_ssrc is None else (slot.ssrc, slot.rtx_ssrc)
    return MediaSection(
        kind=slot.kind,
        formats=tuple(str(codec.payload_type) for codec in described),
        mid=slot.mid,
        direction=Direction.SENDONLY,
        codecs=described,
        extensions=_OUTBOUND_EXTENSIONS[slot.kind],
        msids=(f"{slot.cname} {slot.mid}",),
        sources=tuple(SdpSource(ssrc, slot.cname) for ssrc in sources),
        source_groups=(SdpSourceGroup("FID", sources),) if len(sources) == 2 else (),
        rtcp_mux=True,
        rtcp_rsize=True,
    )


@lru_cache(maxsize=32)
def _describe(kind: MediaKind, outbound: tuple[CodecParameters, ...]) -> tuple[SdpCodec, ...]:
    described = codecs.describe_codecs(kind, outbound)
    return tuple(
        msgspec.structs.replace(codec, feedback=tuple(name for name in codec.feedback if name in _OUTBOUND_FEEDBACK))
        for codec in described
    )


def _ended_section(slot: Slot) -> MediaSection:
    first = OUTBOUND_CODECS[slot.kind][0]
    return MediaSection(
        kind=slot.kind,
        port=0,
        formats=(str(first.payload_type),),
        mid=slot.mid,
        direction=Direction.INACTIVE,
    )
