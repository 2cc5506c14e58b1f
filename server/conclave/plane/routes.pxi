"""Changes of a lane's tables, asked for by Python and done by the lane's thread between two batches."""

cdef enum:
    # How long a path stays with the peer that uses it. Checks for consent are at most 6 s apart (RFC 7675 5.1), so one may be
    # lost; a NAT gives a mapping to somebody else after 2 minutes of silence (RFC 4787 REQ-5), 30 s where it is hasty.
    PATH_HELD_S = 13


cdef inline void link_sender(Sender *sender, Track *track) noexcept nogil:
    sender.track = track
    sender.track_next = track.senders
    track.senders = sender


cdef void unlink_sender(Sender *sender) noexcept nogil:
    """Take the sender off its track's list."""
    cdef Sender **link
    if sender.track == NULL:
        return
    if sender.waiting:
        sender.waiting = 0
        sender.track.waiting -= 1
    sender.pli_held_ns = 0
    link = &sender.track.senders
    while link[0] != NULL:
        if link[0] == sender:
            link[0] = sender.track_next
            break
        link = &link[0].track_next
    sender.track = NULL
    sender.track_next = NULL


cdef void pause_route(Sender *sender) noexcept nogil:
    """Make the route open anew: with a new sequence offset, and at a keyframe where the track has marks."""
    cdef Track *track = sender.track
    sender.resync = 1
    if track.marks and not track.opaque and not sender.waiting:
        sender.waiting = 1
        track.waiting += 1


cdef void close_route(Lane *lane, Sender *sender, bint retime) noexcept nogil:
    """Pause the route, and see that it opens soon: from the cache, or by asking for a keyframe."""
    pause_route(sender)
    if retime:
        sender.retime = 1
    replay_keyframe(lane, sender)
    if sender.waiting and reachable(sender.peer):
        keyframe_wanted(lane, sender.track)


cdef void route_sender(Lane *lane, Sender *sender, Track *track, const RouteOrder *order) noexcept nogil:
    cdef bint same = track != NULL and sender.track == track
    if order != NULL:
        sender.order = order[0]
    if same:
        return
    unlink_sender(sender)
    if track == NULL:
        return
    link_sender(sender, track)
    close_route(lane, sender, True)


cdef void mute_track(Lane *lane, Track *track, bint muted) noexcept nogil:
    cdef Sender *sender
    if track.muted == muted:
        return
    track.muted = muted
    if muted:
        track.pli_wanted = 0
        track.keyframe_index = -1
        return
    track.unmuted_from = track.highest + 1
    sender = track.senders
    while sender != NULL:
        close_route(lane, sender, False)
        sender = sender.track_next
    if track.video:
        keyframe_wanted(lane, track)


cdef void opaque_track(Track *track, bint opaque) noexcept nogil:
    """End-to-end encrypted payloads have no marks: let everybody who waits for one begin."""
    cdef Sender *sender
    track.opaque = opaque
    if not opaque:
        return
    track.keyframe_index = -1
    sender = track.senders
    while sender != NULL:
        sender.waiting = 0
        sender = sender.track_next
    track.waiting = 0


cdef void add_track_to(Lane *lane, Peer *peer, Track *track) noexcept nogil:
    track.peer_next = peer.tracks
    peer.tracks = track
    lane.tracks += 1


cdef void announce_track(Lane *lane, Track *track, uint32_t ssrc, uint32_t rtx_ssrc) noexcept nogil:
    """Bind signaled SSRCs; a track learns none of a kind that was signaled."""
    if ssrc != 0:
        track.announced = 1
        bind_ssrc(lane, track, ssrc, False)
    if rtx_ssrc != 0:
        track.announced_rtx = 1
        bind_ssrc(lane, track, rtx_ssrc, True)


cdef void remove_track_from(Lane *lane, Track *track) noexcept nogil:
    """Unlink the track. Its SSRCs stay bound as retired: a replay of its packets finds them refused."""
    cdef Peer *peer = track.peer
    cdef Track **link = &peer.tracks
    cdef int at
    cdef size_t bound
    while link[0] != NULL:
        if link[0] == track:
            link[0] = track.peer_next
            break
        link = &link[0].peer_next
    for at in range(peer.ssrc_count):
        bound = ssrc_find(&lane.inbound, peer, peer.ssrcs[at])
        if bound_target(bound) == track:
            ssrc_put(&lane.inbound, peer, peer.ssrcs[at], peer, SSRC_RETIRED)
    while track.senders != NULL:
        unlink_sender(track.senders)
    if track.hot:
        cool(lane, track)
    lane.tracks -= 1
    retire(lane, &track.retired)


cdef void add_sender_to(Lane *lane, Peer *peer, Sender *sender) noexcept nogil:
    sender.peer_next = peer.senders
    peer.senders = sender
    sender.rtx_refill_ns = sender.pli_refill_ns = lane.now_ns
    sender.pli_credit_ns = PLI_BURST * <int64_t>PLI_PERIOD
    ssrc_put(&lane.outbound, peer, sender.ssrc, sender, SSRC_MEDIA)
    if sender.rtx_ssrc != 0:
        ssrc_put(&lane.outbound, peer, sender.rtx_ssrc, sender, SSRC_RTX)


cdef void remove_sender_from(Lane *lane, Sender *sender) noexcept nogil:
    cdef Peer *peer = sender.peer
    cdef Sender **link = &peer.senders
    while link[0] != NULL:
        if link[0] == sender:
            link[0] = sender.peer_next
            break
        link = &link[0].peer_next
    unlink_sender(sender)
    ssrc_drop(&lane.outbound, peer, sender.ssrc)
    if sender.rtx_ssrc != 0:
        ssrc_drop(&lane.outbound, peer, sender.rtx_ssrc)
    retire(lane, &sender.retired)


cdef void forget_path(Lane *lane, Peer *peer, int at) noexcept nogil:
    if path_find(&lane.paths, &peer.allowed[at]) == peer:
        path_drop(&lane.paths, &peer.allowed[at])
    peer.paths -= 1
    memmove(&peer.allowed[at], &peer.allowed[at + 1], (peer.paths - at) * sizeof(Path))
    lane.last_peer = NULL


cdef inline bint nominated_by(const Peer *peer, const Path *path) noexcept nogil:
    return peer.has_nominated and path_equal(path, &peer.nominated)


cdef bint held(const Lane *lane, const Peer *peer, const Path *path) noexcept nogil:
    """Whether the path is another peer's that has keys, nominated it, and was heard from within PATH_HELD_S."""
    cdef const Peer *owner = path_find(&lane.paths, path)
    return (owner != NULL and owner != peer and owner.session != NULL and nominated_by(owner, path)
            and lane.now_ns - owner.heard_ns < PATH_HELD_S * <int64_t>SECOND)


cdef bint allow_path_of(Lane *lane, Peer *peer, const Path *path) noexcept nogil:
    """Bind the path to the peer; False when it may not have it. Beyond 8 paths the oldest that is not nominated gives way."""
    cdef int at
    lane.last_peer = NULL
    if held(lane, peer, path):
        count(lane, D_PATH_HELD)
        raise_fact(lane, FACT_PATH_REFUSED, peer, NULL, 0, path)
        return False
    if nominated_by(peer, path):
        peer.heard_ns = lane.now_ns
    for at in range(peer.paths):
        if path_equal(&peer.allowed[at], path):
            return path_put(&lane.paths, path, peer)
    if peer.paths == PATHS_PER_PEER:
        forget_path(lane, peer, 1 if nominated_by(peer, &peer.allowed[0]) else 0)
    if not path_put(&lane.paths, path, peer):
        return False
    peer.allowed[peer.paths] = path[0]
    peer.paths += 1
    return True


cdef void take_nomination(Lane *lane, const Peer *peer, const Path *path) noexcept nogil:
    """Nothing that is for others goes to a path whose new peer has shown that it receives there. They hear that it is lost."""
    cdef Peer *other = lane.peers
    while other != NULL:
        if other != peer and nominated_by(other, path):
            flush(lane)
            other.has_nominated = 0
            other.connection = NULL
            other.address_size = 0
            raise_fact(lane, FACT_PATH_REFUSED, other, NULL, 0, path)
        other = other.lane_next


cdef void nominate_path(Lane *lane, Peer *peer, const Path *path) noexcept nogil:
    if not allow_path_of(lane, peer, path):
        return
    take_nomination(lane, peer, path)
    peer.heard_ns = lane.now_ns
    peer.nominated = path[0]
    peer.has_nominated = 1
    peer.connection = NULL
    peer.address_size = 0
    if path_is_tcp(path):
        peer.connection = find_connection(lane, path)
        if peer.connection != NULL:
            peer.connection.nominated = 1
    else:
        peer.address_size = path_to_address(path, lane.family, &peer.address)
    if lane.capturing:
        peer.address_size = 1


cdef void close_peer_of(Lane *lane, Peer *peer) noexcept nogil:
    """Unlink everything of the peer and give it back."""
    cdef Peer **link = &lane.peers
    cdef int at
    while link[0] != NULL:
        if link[0] == peer:
            link[0] = peer.lane_next
            break
        link = &link[0].lane_next
    while peer.tracks != NULL:
        remove_track_from(lane, peer.tracks)
    while peer.senders != NULL:
        remove_sender_from(lane, peer.senders)
    while peer.paths > 0:
        if path_is_tcp(&peer.allowed[0]):
            doom_path(lane, &peer.allowed[0])
        forget_path(lane, peer, 0)
    for at in range(peer.ssrc_count):
        ssrc_drop(&lane.inbound, peer, peer.ssrcs[at])
    lane.last_peer = NULL
    retire(lane, &peer.retired)


cdef void secure_peer(Lane *lane, Peer *peer, Session *session) noexcept nogil:
    if peer.session != NULL:
        retire(lane, &peer.session.retired)
    peer.session = session
    peer.secured_ns = peer.heard_ns = lane.now_ns


cdef void begin_waiting_routes(Lane *lane, Peer *peer) noexcept nogil:
    """The peer has just become reachable: what its routes wait for was not asked for, or went by."""
    cdef Sender *sender = peer.senders
    while sender != NULL:
        if sender.waiting:
            replay_keyframe(lane, sender)
        if sender.waiting:
            keyframe_wanted(lane, sender.track)
        sender = sender.peer_next


cdef void run_command(Lane *lane, Command *command) noexcept nogil:
    cdef int operation = command.operation
    cdef Peer *peer = <Peer *>command.target
    cdef bint reached
    if operation == OP_OPEN_PEER:
        peer.lane_next = lane.peers
        lane.peers = peer
    elif operation == OP_ALLOW_PATH:
        allow_path_of(lane, peer, &command.path)
    elif operation == OP_NOMINATE or operation == OP_SECURE:
        reached = reachable(peer)
        if operation == OP_NOMINATE:
            nominate_path(lane, peer, &command.path)
        else:
            secure_peer(lane, peer, <Session *>command.other)
        if not reached and reachable(peer):
            begin_waiting_routes(lane, peer)
    elif operation == OP_CLOSE_PEER:
        close_peer_of(lane, peer)
    elif operation == OP_ADD_TRACK:
        add_track_to(lane, peer, <Track *>command.other)
        announce_track(lane, <Track *>command.other, <uint32_t>command.value, <uint32_t>command.value2)
    elif operation == OP_UPDATE_TRACK:
        announce_track(lane, <Track *>command.target, <uint32_t>command.value, <uint32_t>command.value2)
    elif operation == OP_SET_MUTED:
        mute_track(lane, <Track *>command.target, command.value != 0)
    elif operation == OP_SET_OPAQUE:
        opaque_track(<Track *>command.target, command.value != 0)
    elif operation == OP_REQUEST_KEYFRAME:
        keyframe_wanted(lane, <Track *>command.target)
    elif operation == OP_REMOVE_TRACK:
        remove_track_from(lane, <Track *>command.target)
    elif operation == OP_ADD_SENDER:
        add_sender_to(lane, peer, <Sender *>command.other)
    elif operation == OP_ROUTE:
        route_sender(lane, <Sender *>command.target, <Track *>command.other, <RouteOrder *>command.value)
        free(<void *>command.value)
    elif operation == OP_REMOVE_SENDER:
        remove_sender_from(lane, <Sender *>command.target)
    elif operation == OP_SET_REMB:
        peer.remb_bps = command.value
        peer.report_ns = 0
    elif operation == OP_SEND_TCP:
        tcp_send_path(lane, &command.path, <const uint8_t *>command.other, <int>command.value)
        free(command.other)
    elif operation == OP_CLOSE_PATH:
        doom_path(lane, &command.path)
    elif operation == OP_SET_TAP:
        tap_track(lane, <Track *>command.target, command.value != 0)


cdef void run_commands(Lane *lane) noexcept nogil:
    """Take all commands that wait and perform them in order; what they send is flushed."""
    cdef Command *command
    cdef Command *following
    pthread_mutex_lock(&lane.mutex)
    command = lane.commands_first
    lane.commands_first = NULL
    lane.commands_last = NULL
    pthread_mutex_unlock(&lane.mutex)
    while command != NULL:
        following = command.next
        run_command(lane, command)
        free(command)
        command = following
    flush(lane)
