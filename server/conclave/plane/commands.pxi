"""The table methods that Plane and LaneCore have in common."""


cdef class Tables:
    """Peers, tracks, senders and routes of one or more lanes. Not made by itself: see Plane and LaneCore."""

    cdef list lanes
    cdef uint64_t event

    cdef LaneTables lane_at(self, object number):
        if self.lanes is None:
            raise RuntimeError("the plane is closed")
        if not isinstance(number, int) or not 0 <= number < len(self.lanes):
            raise ValueError(f"no lane {number!r}")
        return self.lanes[number]

    cdef LaneTables lane_of(self, object identifier):
        """The lane that an identifier names. Raises KeyError when there is none."""
        if self.lanes is None:
            raise RuntimeError("the plane is closed")
        if not isinstance(identifier, int) or not 0 <= identifier < 1 << 63 or (identifier >> 24) & 0xFF >= len(self.lanes):
            raise KeyError(identifier)
        return self.lanes[(identifier >> 24) & 0xFF]

    def open_peer(self, lane=0):
        """Make a peer on `lane`. Raises Unavailable when the lane is full."""
        return self.lane_at(lane).open_peer()

    def allow_path(self, peer, path):
        """DTLS from `path` comes up with this peer's number from now on."""
        cdef LaneTables lane = self.lane_of(peer)
        cdef Path checked
        read_path(path, &checked)
        lane.push(OP_ALLOW_PATH, lane.peers.get(peer), NULL, 0, 0, &checked)

    def nominate(self, peer, path):
        """Media goes to `path` and is accepted only from it."""
        cdef LaneTables lane = self.lane_of(peer)
        cdef Path checked
        read_path(path, &checked)
        lane.push(OP_NOMINATE, lane.peers.get(peer), NULL, 0, 0, &checked)

    def secure(self, peer, profile, inbound, outbound):
        """Install SRTP keys: master key, then master salt."""
        cdef LaneTables lane = self.lane_of(peer)
        cdef Peer *target = <Peer *>lane.peers.get(peer)
        cdef Session *session = new_session(str(profile), bytes(inbound), bytes(outbound))
        cdef uint64_t child
        cdef Sender *sender
        lane.reclaim()
        spent = set()
        for kind, child in lane.children[target.id]:
            if kind == "sender":
                sender = <Sender *>lane.senders.get(child)
                spent.update((sender.ssrc, sender.rtx_ssrc))
        lane.spent[target.id] = spent
        lane.push(OP_SECURE, target, session, 0, 0, NULL)

    def close_peer(self, peer):
        """Stop all media of the peer; a Fact "peer_closed" follows."""
        self.lane_of(peer).close_peer(peer)

    def add_track(
        self, peer, *, video, mid, payload_types, rtx_payload_types, codecs, mid_ext_id=0, audio_level_ext_id=0,
        ssrc=0, rtx_ssrc=0, cname=b"",
    ):
        """Accept a stream. Raises ValueError on a value out of range, Unavailable when the lane is full."""
        cdef LaneTables lane = self.lane_of(peer)
        cdef Peer *target = <Peer *>lane.peers.get(peer)
        in_range("ssrc", ssrc, 0, 0xFFFFFFFF)
        in_range("rtx_ssrc", rtx_ssrc, 0, 0xFFFFFFFF)
        return lane.add_track(
            target, new_track(video, mid, payload_types, rtx_payload_types, codecs, mid_ext_id, audio_level_ext_id),
            ssrc, rtx_ssrc,
        ).id

    def update_track(self, track, *, ssrc=0, rtx_ssrc=0):
        """Announce SSRCs after the fact."""
        cdef LaneTables lane = self.lane_of(track)
        in_range("ssrc", ssrc, 0, 0xFFFFFFFF)
        in_range("rtx_ssrc", rtx_ssrc, 0, 0xFFFFFFFF)
        lane.push(OP_UPDATE_TRACK, lane.tracks.get(track), NULL, ssrc, rtx_ssrc, NULL)

    def set_muted(self, track, muted):
        """While muted, packets are counted and forwarded to nobody."""
        cdef LaneTables lane = self.lane_of(track)
        lane.push(OP_SET_MUTED, lane.tracks.get(track), NULL, bool(muted), 0, NULL)

    def set_opaque(self, track, opaque):
        """The payload is end-to-end encrypted: no keyframe marks."""
        cdef LaneTables lane = self.lane_of(track)
        lane.push(OP_SET_OPAQUE, lane.tracks.get(track), NULL, bool(opaque), 0, NULL)

    def set_tap(self, track, on):
        """Copy the track's packets into the lane's tap, or no longer."""
        cdef LaneTables lane = self.lane_of(track)
        cdef Track *target = <Track *>lane.tracks.get(track)
        make_tap_ring(lane.lane)
        lane.push(OP_SET_TAP, target, NULL, bool(on), 0, NULL)

    def read_tap(self, lane=0, limit=512):
        """Take what the tap of a lane holds, oldest first."""
        in_range("limit", limit, 1, 1 << 20)
        if self.lanes is None:
            return []
        return take_tapped(self.lane_at(lane).lane, limit)

    def request_keyframe(self, track):
        """Ask the publisher for a keyframe, coalesced."""
        cdef LaneTables lane = self.lane_of(track)
        lane.push(OP_REQUEST_KEYFRAME, lane.tracks.get(track), NULL, 0, 0, NULL)

    def remove_track(self, track):
        """Stop the track; its routes become empty."""
        self.lane_of(track).remove_track(track)

    def add_sender(
        self, peer, *, video, mid, ssrc, clock_rate, rtx_ssrc=0, rtx_payload_types=None, mid_ext_id=0, cname=b"",
    ):
        """Make an outbound stream. Raises ValueError on a value out of range or an SSRC used before, Unavailable when full."""
        cdef LaneTables lane = self.lane_of(peer)
        cdef Peer *target = <Peer *>lane.peers.get(peer)
        return lane.add_sender(
            target, new_sender(video, mid, ssrc, clock_rate, rtx_ssrc, rtx_payload_types or {}, mid_ext_id, cname)
        ).id

    def route(self, sender, track, payload_types=None, extensions=None):
        """Feed `sender` from `track`, or from nothing. Raises ValueError when they are of different lanes or kinds."""
        cdef LaneTables lane = self.lane_of(sender)
        cdef Sender *target = <Sender *>lane.senders.get(sender)
        cdef Track *source = NULL
        cdef RouteOrder *order
        if track is not None:
            if self.lane_of(track) is not lane:
                raise ValueError("a route cannot leave its lane")
            source = <Track *>lane.tracks.get(track)
            if source.video != target.video:
                raise ValueError("a route cannot join audio and video")
        order = new_order(target, payload_types or {}, extensions or {})
        lane.push(OP_ROUTE, target, source, <uint64_t><size_t>order, 0, NULL)

    def remove_sender(self, sender):
        """End an outbound stream."""
        self.lane_of(sender).remove_sender(sender)

    def set_remb(self, peer, bitrate_bps):
        """Tell the publisher once a second how much it may send; 0 stops."""
        cdef LaneTables lane = self.lane_of(peer)
        in_range("bitrate_bps", bitrate_bps, 0, (1 << 63) - 1)
        lane.push(OP_SET_REMB, lane.peers.get(peer), NULL, bitrate_bps, 0, NULL)

    def poll(self, limit=256):
        """Take what came up. Clears the event when everything was taken."""
        cdef LaneTables lane
        cdef list out = []
        cdef int descriptor = self.descriptor()
        in_range("limit", limit, 1, 1 << 30)
        if self.lanes is None:
            return out
        if descriptor >= 0:
            conclave_drain(descriptor)
        for lane in self.lanes:
            lane.poll(out, limit)
        if len(out) >= limit and descriptor >= 0:
            conclave_notify(descriptor)
        return out

    cdef int descriptor(self) noexcept:
        return -1

    def audio_levels(self):
        """(track, mean, loudest) since the last call, for tracks that sent audio; -dBov."""
        cdef LaneTables lane
        cdef Track *track
        cdef int slot
        cdef uint64_t packets
        out = []
        for lane in self.lanes or ():
            for slot in range(lane.tracks.next_slot):
                track = <Track *>lane.tracks.pointers[slot]
                if track == NULL or track.video or track.level_count == track.level_count_read:
                    continue
                packets = track.level_count - track.level_count_read
                mean = min(<int>((track.level_sum - track.level_sum_read) // packets), 127)
                track.level_count_read += packets
                track.level_sum_read = track.level_sum
                out.append((track.id, mean, track.level_loudest if track.level_epoch == lane.lane.level_epoch else mean))
            lane.lane.level_epoch += 1
        return out

    def peer_stats(self, peer):
        """Counters of one peer."""
        cdef LaneTables lane = self.lane_of(peer)
        cdef Peer *target = <Peer *>lane.peers.get(peer)
        return {
            "packets_in": target.packets_in, "bytes_in": target.bytes_in, "packets_out": target.packets_out,
            "bytes_out": target.bytes_out, "srtp_failures": target.failures, "replays": target.replays,
            "send_drops": target.send_drops, "ssrcs": target.ssrc_count, "paths": target.paths, "remb_bps": target.remb_bps,
        }

    def track_stats(self, track):
        """Counters of one inbound track."""
        cdef LaneTables lane = self.lane_of(track)
        cdef Track *target = <Track *>lane.tracks.get(track)
        cdef int64_t highest = target.highest
        lost = max(0, highest - target.first + 1 - <int64_t>target.media_packets) if highest >= 0 else 0
        return {
            "packets": target.packets, "bytes": target.bytes, "lost": lost, "repaired": target.repaired,
            "duplicates": target.duplicates, "jitter": target.jitter >> 4, "keyframes": target.keyframes,
            "plis_sent": target.plis_sent, "nacks_sent": target.nacks_sent, "ssrc": target.ssrc, "muted": target.muted,
        }

    def sender_stats(self, sender):
        """Counters of one outbound stream, with what its receiver reported last."""
        cdef LaneTables lane = self.lane_of(sender)
        cdef Sender *target = <Sender *>lane.senders.get(sender)
        return {
            "packets": target.packets, "bytes": target.bytes, "nacks": target.nacks, "retransmitted": target.retransmitted,
            "nack_misses": target.nack_misses, "plis": target.plis, "fraction_lost": target.fraction_lost,
            "packets_lost": target.packets_lost, "rtt_us": target.rtt_us, "jitter": target.jitter,
        }

    def counters(self):
        """Totals over lanes."""
        cdef LaneTables lane
        cdef int at
        totals = dict.fromkeys(COUNTER_NAMES, 0)
        for lane in self.lanes or ():
            for at in range(COUNTERS):
                totals[COUNTER_NAMES[at]] += lane.lane.counters[at]
        return totals

    def table_sizes(self):
        """Slots in use now; what was closed counts until the lane has let go of it."""
        cdef LaneTables lane
        sizes = dict.fromkeys(("peers", "tracks", "senders", "tcp_connections", "paths"), 0)
        for lane in self.lanes or ():
            lane.reclaim()
            sizes["peers"] += lane.peers.used
            sizes["tracks"] += lane.tracks.used
            sizes["senders"] += lane.senders.used
            sizes["tcp_connections"] += lane.lane.connection_count
            sizes["paths"] += lane.lane.paths.used
        return sizes
