"""The native packet plane. plane.pyi is its description; the parts below are one module, so that the packet path inlines.

system.pxd, layout.pxd, packet.pxd    libc, memory layout, parsers
maps, srtp, upward, paths             look-ups, libsrtp, what goes up to Python, addresses
cache, header, forward, ingress       the road of an RTP packet (read ingress first)
tap                                   copies of a track's packets for a recorder
rtcp_in, rtcp_out, timers             the road of RTCP
output, tcp, lane                     sockets and the thread
routes                                commands, on the lane's side
specs, tables                         commands, on Python's side
"""

import signal
import socket
import sys
from base64 import b64encode
from collections import namedtuple
from ipaddress import ip_address

from conclave.model.errors import Unavailable

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy, memmove, memset

from conclave.plane.layout cimport *
from conclave.plane.packet cimport *
from conclave.plane.system cimport *

PATH_BYTES = PATH_SIZE

LaneAddress = namedtuple("LaneAddress", "host port")
Datagram = namedtuple("Datagram", "lane kind peer path data")
Fact = namedtuple("Fact", "lane name peer track value path")
TappedPacket = namedtuple("TappedPacket", "track payload_type marker sequence_number timestamp arrival_ns payload")
TappedReport = namedtuple("TappedReport", "track ntp timestamp arrival_ns")

FACT_NAMES = ("ssrc_learnt", "track_silent", "track_alive", "first_packet", "srtp_failing", "path_closed", "path_refused")

COUNTER_NAMES = tuple(
    """packets_in bytes_in packets_out bytes_out receive_calls send_calls gso_sends wakeups
    stun_in dtls_in rtp_in rtcp_in rtp_out rtcp_out rtx_out rtx_in
    nacks_in nacks_out nack_misses nacks_without_rtx plis_in plis_out keyframes_in remb_out
    ssrcs_learnt gso_refused rtcp_ignored tcp_accepted tcp_closed cache_replays tapped plis_held
    drop_first_byte drop_too_large drop_stun_malformed drop_ring_full drop_unknown_path drop_not_nominated drop_not_secured
    drop_rtp_malformed drop_unknown_ssrc drop_ssrc_limit drop_payload_type drop_replay drop_authentication drop_srtp_error
    drop_duplicate drop_stale drop_muted drop_unmapped_payload_type drop_before_route drop_awaiting_keyframe drop_protect
    drop_no_destination drop_send_would_block drop_send_error drop_rtcp_malformed drop_rtx_malformed drop_rtx_unneeded
    drop_nack_limited drop_not_cached drop_tcp_limit drop_tcp_framing drop_tcp_slow drop_tcp_idle drop_tcp_gone
    drop_tap_overflow drop_path_held drop_tcp_descriptors""".split()
)
if len(COUNTER_NAMES) != COUNTERS:
    raise RuntimeError("a counter of the plane has no name")

include "maps.pxi"
include "srtp.pxi"
include "paths.pxi"
include "upward.pxi"
include "cache.pxi"
include "header.pxi"
include "forward.pxi"
include "tap.pxi"
include "ingress.pxi"
include "rtcp_in.pxi"
include "rtcp_out.pxi"
include "timers.pxi"
include "output.pxi"
include "routes.pxi"
include "tcp.pxi"
include "lane.pxi"
include "tables.pxi"
include "specs.pxi"
include "commands.pxi"
include "core.pxi"
include "sockets.pxi"
