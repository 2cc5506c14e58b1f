"""Negotiates with a client that only offers (WHEP): its receiving m-sections become the slots, its numbers are used.

As in `publisher`, `read` judges an offer as a whole and changes nothing; `answer` commits and writes.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from conclave.media import codecs
from conclave.media.bundle import (
    NumberRegistry,
    PeerTransport,
    bundled_mids,
    check_succession,
    invalid,
    media_kind,
    read_description,
    reject,
    remote_transport,
    with_transport,
)
from conclave.media.parameters import LocalTransportParameters, RemoteTransportParameters
from conclave.media.prominence import Prominence
from conclave.media.sdp import Direction, MediaSection, SdpExtension, SdpSource, SdpSourceGroup, SessionDescription
from conclave.media.sdp_write import write_sdp
from conclave.media.slots import Slot, SlotPool, SsrcSource
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import Entropy, TransportId
from conclave.model.media import CodecParameters, MediaKind

_ANSWERED_DIRECTION = {
    Direction.SENDRECV: Direction.SENDRECV,
    Direction.RECVONLY: Direction.SENDONLY,
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.INACTIVE: Direction.INACTIVE,
}


class PlaybackPlan(Struct, frozen=True, kw_only=True):
    """An offer that was found good."""

    offer: SessionDescription
    remote: RemoteTransportParameters
    numbers: NumberRegistry
    initial: bool
    ice_restart: bool


class PlaybackNegotiation:
    """The receiving peer connection of a client that offers."""

    def __init__(
        self,
        transport_id: TransportId,
        entropy: Entropy,
        *,
        audio_slots: int,
        video_slots: int,
        prominence: Prominence | None = None,
    ) -> None:
        self.transport_id = transport_id
        self.pool = SlotPool(prominence)
        self._limits: Mapping[MediaKind, int] = {MediaKind.AUDIO: audio_slots, MediaKind.VIDEO: video_slots}
        self._session_id = int.from_bytes(entropy(8), "big") >> 2
        self._session_version = 0
        self._peer = PeerTransport()
        self._setup = ""
        self._numbers = NumberRegistry()
        self._sections: tuple[MediaSection, ...] = ()
        self._ssrcs = SsrcSource(entropy)

    def read(self, sdp: str) -> PlaybackPlan:
        """Judge an offer; changes nothing.

        Raises Refused(invalid) when the description cannot be used and Refused(forbidden) when an m-section only sends.
        """
        offer = read_description(sdp)
        remote = self._peer.aligned(remote_transport(offer))
        ice_restart = self._peer.check(remote)
        check_succession(self._sections, offer.sections)
        bundled = frozenset(bundled_mids(offer))
        for section in offer.sections:
            if not section.mid:
                raise invalid("sdp: every m-section needs a mid")
            if media_kind(section) is None or section.rejected:
                continue
            if section.direction is Direction.SENDONLY:
                raise Refused(ErrorCode.FORBIDDEN, f"m-section {section.mid} would send on a receiving peer connection")
            if section.mid not in bundled or not section.rtcp_mux:
                raise invalid(f"sdp: m-section {section.mid} needs BUNDLE and rtcp-mux")
        return PlaybackPlan(
            offer=offer,
            remote=remote,
            numbers=self._numbers.extended_by(offer.sections),
            initial=self._peer.remote is None,
            ice_restart=ice_restart,
        )

    def answer(self, plan: PlaybackPlan, local: LocalTransportParameters) -> str:
        """Commit `plan`, make its m-sections the slots, and return the answer."""
        if not self._setup:
            self._setup = "active" if plan.remote.setup == "passive" else "passive"
        self._peer.remote = plan.remote
        self._numbers = plan.numbers
        self._sections = plan.offer.sections
        self._session_version += 1
        sections = tuple(self._answer_section(section, local) for section in plan.offer.sections)
        kept = {section.mid for section in sections if not section.rejected}
        return write_sdp(
            SessionDescription(
                session_id=self._session_id,
                session_version=self._session_version,
                bundles=(tuple(mid for mid in bundled_mids(plan.offer) if mid in kept),),
                ice_lite=True,
                sections=sections,
            )
        )

    def _answer_section(self, offered: MediaSection, local: LocalTransportParameters) -> MediaSection:
        kind = media_kind(offered)
        negotiated = codecs.negotiated_codecs(kind, offered) if kind else ()
        slot = self._slot(offered.mid, kind) if kind and negotiated and not offered.rejected else None
        if kind is None or slot is None:
            self._withdraw(offered)
            return reject(offered)
        if offered.direction.receives:
            accepted = codecs.accepted_extensions(kind, offered, peer_sends=False)
            self.pool.accept(slot, negotiated, {extension.uri: extension.id for extension in accepted})
        else:
            self.pool.withdraw(slot, for_good=False)
        return with_transport(self._slot_section(slot, offered, negotiated), local, self._setup)

    def _slot(self, mid: str, kind: MediaKind) -> Slot | None:
        """Return the slot of an m-section, a new one while the limit of its kind allows."""
        known = next((slot for slot in self.pool.slots if slot.mid == mid), None)
        if known is not None or self.pool.capacity(kind) >= self._limits[kind]:
            return known
        slot = Slot(mid, kind, self._ssrcs.next(), self._ssrcs.next() if kind is MediaKind.VIDEO else None)
        self.pool.add(slot)
        return slot

    def _withdraw(self, offered: MediaSection) -> None:
        for slot in self.pool.slots:
            if slot.mid == offered.mid:
                self.pool.withdraw(slot, for_good=True)

    def _slot_section(self, slot: Slot, offered: MediaSection, negotiated: tuple[CodecParameters, ...]) -> MediaSection:
        described = codecs.describe_codecs(slot.kind, negotiated, offered)
        has_rtx = slot.rtx_ssrc is not None and any(codec.rtx_payload_type is not None for codec in negotiated)
        sources = (slot.ssrc, slot.rtx_ssrc) if slot.rtx_ssrc is not None and has_rtx else (slot.ssrc,)
        return MediaSection(
            kind=slot.kind,
            protocol=offered.protocol,
            formats=tuple(str(codec.payload_type) for codec in described),
            mid=slot.mid,
            direction=Direction.SENDONLY if slot.usable else Direction.INACTIVE,
            codecs=described,
            extensions=tuple(
                _answered_extension(extension) for extension in codecs.accepted_extensions(slot.kind, offered, peer_sends=False)
            ),
            extmap_allow_mixed=offered.extmap_allow_mixed,
            msids=(f"{slot.cname} {slot.mid}",),
            sources=tuple(SdpSource(ssrc, slot.cname) for ssrc in sources),
            source_groups=(SdpSourceGroup("FID", sources),) if len(sources) == 2 else (),
            rtcp_mux=True,
            rtcp_rsize=offered.rtcp_rsize,
        )


def _answered_extension(extension: SdpExtension) -> SdpExtension:
    return msgspec.structs.replace(extension, direction=_ANSWERED_DIRECTION[extension.direction])
