"""Negotiates what a participant sends: the client offers, we answer recvonly (RFC 8829, RFC 8843).

One bundle on one transport. An offer is judged as a whole before anything changes: `read` raises or returns a plan,
`answer` commits the plan and writes the answer.
"""

from collections.abc import Mapping

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
from conclave.media.sdp import Direction, MediaSection, SessionDescription
from conclave.media.sdp_write import write_sdp
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import Entropy, TrackId, TransportId
from conclave.model.media import MediaKind, TrackSource, TrackSpec


class DeclaredTrack(Struct, frozen=True):
    """What a participant said an m-section would carry."""

    track_id: TrackId
    source: TrackSource


class NegotiatedTrack(Struct, frozen=True):
    """An inbound track as negotiated; `extensions` are its header extension ids by URI."""

    spec: TrackSpec
    source: TrackSource
    extensions: Mapping[str, int]


class PublisherPlan(Struct, frozen=True, kw_only=True):
    """An offer that was found good. `tracks` are all that send after it; `ended` the mids that sent before and no longer do."""

    offer: SessionDescription
    remote: RemoteTransportParameters
    numbers: NumberRegistry
    tracks: tuple[NegotiatedTrack, ...]
    ended: tuple[str, ...]
    initial: bool
    ice_restart: bool


class PublisherNegotiation:
    """The publishing peer connection of one participant."""

    def __init__(self, transport_id: TransportId, entropy: Entropy) -> None:
        self.transport_id = transport_id
        self._session_id = int.from_bytes(entropy(8), "big") >> 2
        self._session_version = 0
        self._peer = PeerTransport()
        self._setup = ""
        self._numbers = NumberRegistry()
        self._sections: tuple[MediaSection, ...] = ()
        self._live: dict[str, NegotiatedTrack] = {}

    def read(self, sdp: str, declared: Mapping[str, DeclaredTrack]) -> PublisherPlan:
        """Judge an offer; changes nothing.

        Raises Refused(invalid) when the description cannot be used, and Refused(forbidden) naming the mid when an m-section
        would send without a declared track, or with one of the other kind.
        """
        offer = read_description(sdp)
        remote = self._peer.aligned(remote_transport(offer))
        ice_restart = self._peer.check(remote)
        check_succession(self._sections, offer.sections)
        if any(not section.mid for section in offer.sections):
            raise invalid("sdp: every m-section needs a mid")
        tracks = self._tracks(offer, declared)
        sending = {track.spec.mid for track in tracks}
        return PublisherPlan(
            offer=offer,
            remote=remote,
            numbers=self._numbers.extended_by(offer.sections),
            tracks=tracks,
            ended=tuple(mid for mid in self._live if mid not in sending),
            initial=self._peer.remote is None,
            ice_restart=ice_restart,
        )

    def _tracks(self, offer: SessionDescription, declared: Mapping[str, DeclaredTrack]) -> tuple[NegotiatedTrack, ...]:
        bundled = frozenset(bundled_mids(offer))
        tracks = []
        ssrcs: set[int] = set()
        for section in offer.sections:
            kind = media_kind(section)
            if kind is None or not section.sends:
                continue
            track = declared.get(section.mid)
            if track is None:
                raise Refused(ErrorCode.FORBIDDEN, f"m-section {section.mid} would send but no track is declared for it")
            if track.source.kind is not kind:
                raise Refused(
                    ErrorCode.FORBIDDEN, f"m-section {section.mid} is {kind}, its declared track is {track.source.kind}"
                )
            if section.mid not in bundled or not section.rtcp_mux:
                raise invalid(f"sdp: m-section {section.mid} needs BUNDLE and rtcp-mux")
            negotiated = self._track(section, kind, track)
            own = [ssrc for ssrc in (negotiated.spec.ssrc, negotiated.spec.rtx_ssrc) if ssrc is not None]
            if len(set(own)) != len(own) or not ssrcs.isdisjoint(own):
                raise invalid(f"sdp: an SSRC of m-section {section.mid} is used twice")
            ssrcs.update(own)
            tracks.append(negotiated)
        return tuple(tracks)

    def _track(self, section: MediaSection, kind: MediaKind, declared: DeclaredTrack) -> NegotiatedTrack:
        negotiated = codecs.negotiated_codecs(kind, section)
        if not negotiated:
            raise invalid(f"sdp: m-section {section.mid} offers no codec that is forwarded here")
        extensions = {extension.uri: extension.id for extension in codecs.accepted_extensions(kind, section, peer_sends=True)}
        ssrc, rtx_ssrc = _announced_ssrcs(section)
        spec = TrackSpec(
            track_id=declared.track_id,
            transport_id=self.transport_id,
            kind=kind,
            mid=section.mid,
            codecs=negotiated,
            mid_ext_id=extensions.get(codecs.MID_URI),
            audio_level_ext_id=extensions.get(codecs.AUDIO_LEVEL_URI),
            ssrc=ssrc,
            rtx_ssrc=rtx_ssrc,
        )
        return NegotiatedTrack(spec, declared.source, extensions)

    def answer(self, plan: PublisherPlan, local: LocalTransportParameters) -> str:
        """Commit `plan` and return the answer. `local` holds the credentials after an ICE restart that the plan asked for."""
        if not self._setup:
            self._setup = "active" if plan.remote.setup == "passive" else "passive"
        self._peer.remote = plan.remote
        self._numbers = plan.numbers
        self._sections = plan.offer.sections
        self._live = {track.spec.mid: track for track in plan.tracks}
        self._session_version += 1
        bundled = frozenset(bundled_mids(plan.offer))
        sections = tuple(self._answer_section(section, section.mid in bundled, local) for section in plan.offer.sections)
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

    def _answer_section(self, offered: MediaSection, bundled: bool, local: LocalTransportParameters) -> MediaSection:
        kind = media_kind(offered)
        negotiated = codecs.negotiated_codecs(kind, offered) if kind else ()
        if kind is None or offered.rejected or not bundled or not offered.rtcp_mux or not negotiated:
            return reject(offered)
        described = codecs.describe_codecs(kind, negotiated, offered)
        section = MediaSection(
            kind=offered.kind,
            protocol=offered.protocol,
            formats=tuple(str(codec.payload_type) for codec in described),
            mid=offered.mid,
            direction=Direction.RECVONLY if offered.mid in self._live else Direction.INACTIVE,
            codecs=described,
            extensions=codecs.accepted_extensions(kind, offered, peer_sends=True),
            extmap_allow_mixed=offered.extmap_allow_mixed,
            rtcp_mux=True,
            rtcp_rsize=offered.rtcp_rsize,
        )
        return with_transport(section, local, self._setup)


def _announced_ssrcs(section: MediaSection) -> tuple[int | None, int | None]:
    """Return (SSRC, RTX SSRC) as announced. With several media SSRCs (old-style simulcast) none is trusted: the mid tells."""
    secondary = {ssrc for group in section.source_groups for ssrc in group.ssrcs[1:]}
    primary = [source.ssrc for source in section.sources if source.ssrc not in secondary and source.ssrc != 0]
    if len(primary) != 1 or any(group.semantics == "SIM" for group in section.source_groups):
        return None, None
    return primary[0], section.rtx_ssrc_of(primary[0])
