"""The plane's memory: limits, counters and the structures that Python allocates, the lane's thread uses, and Python frees.

Ownership: Python allocates a Peer, Track or Sender, hands it to the lane with a command, and frees it only after the lane
put it on its `retired` list. So the lane may use a pointer until it retires it, and Python may read counters through a pointer
while it holds the GIL.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from conclave.plane.system cimport (
    conclave_segment_control, iovec, mmsghdr, pthread_mutex_t, pthread_t, sockaddr_in6,
)

cdef enum:
    PATH_SIZE = 32
    DATAGRAM_MAX = 2048          # longest datagram taken from the network
    BATCH = 64                   # datagrams per recvmmsg and messages per sendmmsg
    ARENA_SIZE = 262144          # outgoing bytes between two flushes
    PACKET_ROOM = 2304           # a datagram, grown header extensions and the SRTP trailer
    GSO_BYTES = 65000            # below the 65,507 bytes that one UDP send may hold
    GSO_SEGMENTS = 64            # the kernel's UDP_MAX_SEGMENTS before 6.9
    PATHS_PER_PEER = 8
    SSRCS_PER_PEER = 512         # SSRCs that one peer may ever bind; bounds libsrtp's stream tables
    CACHE_VIDEO = 512            # packets kept per video track for NACK
    CACHE_AUDIO = 64
    CACHE_BYTES = 1504           # longest packet kept
    MISSING_MAX = 256            # packets of a track that are asked for at one time
    RTX_MEMORY = 128             # retransmissions remembered per sender
    MID_MAX = 16
    CNAME_MAX = 64
    CNAME_OURS = 16              # octets of the lane's own name
    RING_SIZE = 1024             # datagrams and facts waiting for Python, each
    RING_PER_PEER = 128          # of them from one peer
    UNMAPPED = 255

cdef enum:
    MS = 1000000
    SECOND = 1000000000

cdef enum:  # Codec
    CODEC_UNKNOWN, CODEC_VP8, CODEC_VP9, CODEC_H264, CODEC_AV1

cdef enum:  # Counter
    N_PACKETS_IN, N_BYTES_IN, N_PACKETS_OUT, N_BYTES_OUT, N_RECEIVE_CALLS, N_SEND_CALLS, N_GSO_SENDS, N_WAKEUPS,
    N_STUN_IN, N_DTLS_IN, N_RTP_IN, N_RTCP_IN, N_RTP_OUT, N_RTCP_OUT, N_RTX_OUT, N_RTX_IN,
    N_NACKS_IN, N_NACKS_OUT, N_NACK_MISSES, N_NACK_WITHOUT_RTX, N_PLIS_IN, N_PLIS_OUT, N_KEYFRAMES_IN, N_REMB_OUT,
    N_SSRCS_LEARNT, N_GSO_REFUSED, N_RTCP_IGNORED, N_TCP_ACCEPTED, N_TCP_CLOSED, N_CACHE_REPLAYS, N_TAPPED, N_PLIS_HELD,
    D_FIRST_BYTE, D_TOO_LARGE, D_STUN_MALFORMED, D_RING_FULL, D_UNKNOWN_PATH, D_NOT_NOMINATED, D_NOT_SECURED,
    D_RTP_MALFORMED, D_UNKNOWN_SSRC, D_SSRC_LIMIT, D_PAYLOAD_TYPE, D_REPLAY, D_AUTHENTICATION, D_SRTP_ERROR,
    D_DUPLICATE, D_STALE, D_MUTED, D_UNMAPPED_PAYLOAD_TYPE, D_BEFORE_ROUTE, D_AWAITING_KEYFRAME, D_PROTECT, D_NO_DESTINATION,
    D_SEND_WOULD_BLOCK, D_SEND_ERROR, D_RTCP_MALFORMED, D_RTX_MALFORMED, D_RTX_UNNEEDED, D_NACK_LIMITED, D_NOT_CACHED,
    D_TCP_LIMIT, D_TCP_FRAMING, D_TCP_SLOW, D_TCP_IDLE, D_TCP_GONE, D_TAP_OVERFLOW,
    D_PATH_HELD, D_TCP_DESCRIPTORS,
    COUNTERS

cdef enum:  # FactName
    FACT_SSRC_LEARNT, FACT_TRACK_SILENT, FACT_TRACK_ALIVE, FACT_FIRST_PACKET, FACT_SRTP_FAILING, FACT_PATH_CLOSED,
    FACT_PATH_REFUSED

cdef enum:  # RetiredKind
    RETIRED_PEER, RETIRED_TRACK, RETIRED_SENDER, RETIRED_SESSION

cdef enum:  # Operation
    OP_OPEN_PEER, OP_ALLOW_PATH, OP_NOMINATE, OP_SECURE, OP_CLOSE_PEER, OP_ADD_TRACK, OP_UPDATE_TRACK, OP_SET_MUTED,
    OP_SET_OPAQUE, OP_REQUEST_KEYFRAME, OP_REMOVE_TRACK, OP_ADD_SENDER, OP_ROUTE, OP_REMOVE_SENDER, OP_SET_REMB,
    OP_SEND_TCP, OP_CLOSE_PATH, OP_SET_TAP

cdef enum:  # SsrcKind
    SSRC_MEDIA, SSRC_RTX, SSRC_RETIRED, SSRC_RTCP

cdef struct Path:
    uint64_t w[4]

cdef struct Peer
cdef struct Track
cdef struct Sender
cdef struct Connection

cdef struct Retired:
    int kind
    Retired *next

cdef struct Session:
    # A pair of libsrtp contexts; replaced as one.
    Retired retired
    void *inbound
    void *outbound
    int tag_size

cdef struct Packet:
    # An authenticated, decrypted RTP packet. Offsets are from `data`; payload_size includes padding.
    uint8_t *data
    int size
    int payload_offset
    int extension_offset          # first byte after the extension's 4-byte header; 0 when there is none
    int extension_size
    uint16_t extension_profile
    uint16_t seq
    uint32_t timestamp
    uint8_t payload_type
    uint8_t marker
    uint8_t padded
    uint8_t keyframe              # a decoder can start here
    uint8_t gated                 # its codec has keyframe marks
    uint8_t pad                   # octets of RTP padding to add, so that a GSO group has equal sizes
    uint8_t late                  # older than the track's highest
    int64_t index                 # extended sequence number
    Packet *next

cdef struct CacheSlot:
    Packet packet
    uint8_t data[1504]

cdef struct Missing:
    int64_t index
    int64_t since_ns
    int64_t asked_ns
    int asks

cdef struct Track:
    Retired retired
    uint64_t id
    Peer *peer
    Track *peer_next
    Sender *senders
    uint8_t video
    uint8_t opaque
    uint8_t muted
    uint8_t tapped                # copies go to the recorder
    uint8_t announced             # the SSRC came by signaling; none is learnt
    uint8_t announced_rtx         # likewise the RTX SSRC
    uint8_t mid_ext_id
    uint8_t audio_level_ext_id
    uint8_t mid_size
    uint8_t marks                 # one of its codecs has keyframes that are recognised
    uint8_t reports_due           # some sender wants a sender report soon
    char mid[16]
    uint32_t clock_rate[128]      # 0: media payload type not negotiated
    uint8_t codec[128]
    uint8_t rtx_to_media[128]     # UNMAPPED: not an RTX payload type
    uint32_t ssrc                 # 0: not known yet
    uint32_t rtx_ssrc
    # what arrived (RFC 3550 A.1, A.3, A.8)
    int64_t highest               # -1: nothing yet
    int64_t first
    int64_t floor                 # numbers below belong to a stream that ended
    int64_t unmuted_from          # numbers below were sent before it was unmuted, or earlier
    int64_t tapped_from           # numbers below were sent before the recorder might have it
    uint64_t packets
    uint64_t bytes
    uint64_t media_packets        # on the media SSRC alone; the receiver report's view
    uint64_t expected_prior
    uint64_t received_prior
    uint64_t repaired
    uint64_t duplicates
    uint64_t keyframes
    uint64_t plis_sent
    uint64_t nacks_sent
    int64_t jitter                # 16 times the RFC's value
    uint32_t transit
    uint8_t has_transit
    uint8_t silent
    uint8_t forwarded_once
    int64_t last_ns
    # sender report of the publisher
    uint64_t sr_ntp
    uint32_t sr_rtp
    int64_t sr_ns
    # audio level
    uint64_t level_sum
    uint64_t level_count
    uint64_t level_epoch
    uint32_t level_loudest
    uint64_t level_sum_read       # written by Python only
    uint64_t level_count_read
    # keyframe requests
    int64_t pli_ns
    uint8_t pli_wanted
    uint8_t plis_held             # some sender's request waits for its share
    uint8_t hot                   # on the lane's hot list
    Track *hot_next
    int waiting                   # routes that wait for a keyframe
    int64_t keyframe_index        # -1: none in the cache
    int64_t keyframe_ns
    uint32_t keyframe_timestamp
    # packets of the batch
    Packet *batch_first
    Packet *batch_last
    Track *batch_next
    # cache
    CacheSlot *cache
    int cache_size
    # upstream repair
    Missing *missing
    int missing_count
    int64_t rtt_ns

cdef struct RouteOrder:
    uint8_t payload_types[128]
    uint8_t extensions[256]
    uint8_t two_byte

cdef struct RtxMemory:
    uint16_t seq
    uint16_t times
    uint32_t at_ms

cdef struct Sender:
    Retired retired
    uint64_t id
    Peer *peer
    Sender *peer_next
    Track *track
    Sender *track_next
    Sender *batch_next
    uint8_t video
    uint8_t mid_ext_id
    uint8_t mid_size
    uint8_t cname_size
    char mid[16]
    char cname[64]
    uint32_t ssrc
    uint32_t rtx_ssrc
    uint32_t clock_rate
    uint8_t rtx_payload_types[128]
    RouteOrder order
    uint8_t waiting               # for a keyframe
    uint8_t resync                # next packet sets a new sequence offset
    uint8_t retime                # ... and a new timestamp offset
    uint8_t started
    uint8_t report_due
    int64_t first_index           # first packet of the route, track's numbering
    int64_t offset                # outgoing index = track's index + offset
    int64_t last_index            # highest outgoing index
    uint32_t timestamp_offset
    uint32_t last_timestamp
    int64_t last_ns
    uint16_t rtx_seq
    RtxMemory *rtx_memory
    int64_t rtx_tokens            # in thousandths of a packet
    int64_t rtx_refill_ns
    uint64_t packets
    uint64_t bytes
    uint64_t nacks
    uint64_t retransmitted
    uint64_t nack_misses
    uint64_t plis
    int64_t pli_credit_ns         # of time, for keyframe requests
    int64_t pli_refill_ns
    int64_t pli_held_ns           # since when one waits for its share; 0: none does
    uint32_t fraction_lost
    int32_t packets_lost
    uint32_t jitter
    uint64_t rtt_us
    uint32_t sr_middle[2]         # the two latest SRs: middle 32 bits of NTP, and when they left
    int64_t sr_ns[2]

cdef struct Peer:
    Retired retired
    uint64_t id
    uint32_t index
    Session *session
    int64_t secured_ns
    Path nominated
    uint8_t has_nominated
    uint8_t batched
    uint8_t paths
    Path allowed[8]
    sockaddr_in6 address          # of the nominated path, in the family of the lane's socket
    uint32_t address_size
    Connection *connection        # when the nominated path is TCP
    Track *tracks
    Sender *senders
    Sender *batch_first
    Sender *batch_last
    Peer *batch_next
    Peer *lane_next
    uint32_t *ssrcs
    int ssrc_count
    int ssrc_room
    uint64_t raised               # datagrams for Python, written by the lane
    uint64_t taken                # ... and those it took, written by Python
    int64_t heard_ns              # last authenticated packet, or check on the nominated path
    int64_t failing_ns
    uint64_t failing
    int64_t report_ns
    int64_t remb_ns
    uint64_t remb_bps
    uint64_t packets_in
    uint64_t bytes_in
    uint64_t packets_out
    uint64_t bytes_out
    uint64_t failures
    uint64_t replays
    uint64_t send_drops

cdef struct Command:
    int operation
    void *target
    void *other
    uint64_t value
    uint64_t value2
    Path path
    Command *next

cdef struct UpDatagram:
    uint64_t order
    int64_t peer
    Path path
    int stun
    int size
    uint8_t data[2048]

cdef struct UpFact:
    uint64_t order
    int name
    int64_t peer
    int64_t track
    int64_t value
    Path path

cdef struct PathEntry:
    Path path
    Peer *peer                    # NULL: free

cdef struct PathMap:
    PathEntry *entries
    uint64_t seed
    uint32_t mask
    uint32_t used

cdef struct SsrcEntry:
    uint64_t key                  # peer index and SSRC
    size_t value                  # pointer and SsrcKind; 0: free

cdef struct SsrcMap:
    SsrcEntry *entries
    uint64_t seed
    uint32_t mask
    uint32_t used

cdef struct Message:
    Peer *peer
    uint32_t offset
    uint32_t size
    uint16_t segment
    uint16_t count
    uint8_t closed

cdef struct Captured:
    Path path
    int size
    Captured *next

cdef struct Connection:
    int fd
    uint8_t writable_wanted
    uint8_t doomed
    uint8_t nominated             # some peer has sent there
    Path path
    int64_t opened_ns
    uint8_t *inbound
    int inbound_size
    uint8_t *outbound
    int outbound_start
    int outbound_size
    Connection *next
    Connection *doomed_next

ctypedef int (*SrtpCall)(void *, void *, int *) noexcept nogil
ctypedef int (*SrtpRemove)(void *, uint32_t) noexcept nogil
ctypedef int (*SrtpFree)(void *) noexcept nogil

cdef struct Srtp:
    SrtpCall protect
    SrtpCall unprotect
    SrtpCall protect_rtcp
    SrtpCall unprotect_rtcp
    SrtpRemove remove_stream
    SrtpFree dealloc

cdef struct Lane:
    Srtp srtp
    int number
    int64_t now_ns
    uint64_t random
    uint64_t counters[128]
    # sockets; -1 in a LaneCore
    int udp
    int listener
    int epoll
    int wake
    int signal                    # the plane's eventfd
    int family
    uint8_t gso
    uint8_t capturing
    pthread_t thread
    uint64_t stop
    # commands and what comes back, under the mutex
    pthread_mutex_t mutex
    Command *commands_first
    Command *commands_last
    Retired *retired
    UpDatagram *datagrams
    UpFact *facts
    uint32_t datagram_head
    uint32_t datagram_count
    uint32_t fact_head
    uint32_t fact_count
    uint64_t facts_lost
    uint64_t up_order
    uint8_t signalled
    # tables
    PathMap paths
    SsrcMap inbound
    SsrcMap outbound
    Peer *peers
    Track *hot
    uint64_t level_epoch
    char cname[16]                # of the receiver that we are
    int64_t keyframe_interval_ns
    int64_t hot_ns
    int64_t slow_ns
    int tracks
    # this batch
    Path last_path
    Peer *last_peer
    Packet packets[64]
    int packet_count
    Track *batch_first
    Track *batch_last
    Peer *batch_peers
    Peer *batch_peers_last
    # sending
    uint8_t *arena
    uint32_t arena_used
    Message messages[64]
    int message_count
    mmsghdr out_headers[64]
    iovec out_vectors[64]
    conclave_segment_control out_controls[64]
    Captured *captured_first
    Captured *captured_last
    # tap
    uint8_t *tap_ring             # NULL until the first tap
    uint64_t tap_head             # written by Python only
    uint64_t tap_tail
    # receiving
    uint8_t *in_buffers
    mmsghdr in_headers[64]
    iovec in_vectors[64]
    sockaddr_in6 in_addresses[64]
    # TCP
    Connection *connections
    Connection *doomed
    int connection_count
    int connection_limit
    int64_t claim_ns
    int64_t accept_ns             # when the paused listener is looked at again; 0: it is not paused
    uint64_t connection_serial
