"""Python's side of a lane: identifiers, allocation, commands going down and facts coming up. All of it runs under the GIL.

An identifier is generation << 32 | lane << 24 | index. Closing bumps the generation at once, so the number is stale
from then on; the slot and its memory stay until the lane has given them back.
"""

cdef enum:
    INDEX_LIMIT = 1 << 24
    LANES_MAX = 256


cdef class Table:
    """Slots of one kind in one lane."""

    cdef void **pointers
    cdef uint32_t *generations
    cdef list free_slots
    cdef int size
    cdef int used
    cdef int next_slot
    cdef int lane
    cdef str noun

    def __cinit__(self, int size, int lane, str noun):
        if not 0 < size <= INDEX_LIMIT:
            raise ValueError(f"the limit of {noun}s must be between 1 and {INDEX_LIMIT}")
        self.size = size
        self.lane = lane
        self.noun = noun
        self.free_slots = []
        self.pointers = <void **>calloc(size, sizeof(void *))
        self.generations = <uint32_t *>calloc(size, sizeof(uint32_t))
        if self.pointers == NULL or self.generations == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.pointers)
        free(self.generations)

    cdef uint64_t put(self, void *pointer) except 0:
        """Give `pointer` a slot and return its identifier. Raises Unavailable when all slots are in use."""
        cdef int slot
        if self.free_slots:
            slot = self.free_slots.pop()
        elif self.next_slot < self.size:
            slot = self.next_slot
            self.next_slot += 1
        else:
            raise Unavailable("plane", f"lane {self.lane} has no room for another {self.noun}")
        self.pointers[slot] = pointer
        self.generations[slot] = (self.generations[slot] + 1) & 0x7FFFFFFF
        self.used += 1
        return (<uint64_t>self.generations[slot] << 32) | (<uint64_t>self.lane << 24) | <uint64_t>slot

    cdef void *get(self, object identifier) except NULL:
        """The pointer. Raises KeyError when the identifier is stale or never was one."""
        cdef void *pointer = NULL
        if isinstance(identifier, int) and 0 <= identifier < 1 << 63:
            pointer = self.find(identifier)
        if pointer == NULL:
            raise KeyError(identifier)
        return pointer

    cdef void *find(self, uint64_t number) noexcept:
        """The pointer, or NULL."""
        cdef uint64_t slot = number & (INDEX_LIMIT - 1)
        if slot >= <uint64_t>self.size or self.pointers[slot] == NULL or self.generations[slot] != number >> 32:
            return NULL
        return self.pointers[slot]

    cdef void invalidate(self, uint64_t number) noexcept:
        """Make the identifier stale; the slot stays taken."""
        self.generations[number & (INDEX_LIMIT - 1)] = (<uint32_t>(number >> 32) + 1) & 0x7FFFFFFF

    cdef void release(self, uint64_t number):
        cdef uint64_t slot = number & (INDEX_LIMIT - 1)
        self.pointers[slot] = NULL
        self.used -= 1
        self.free_slots.append(slot)


@cython.no_gc_clear
cdef class LaneTables:
    """What Python knows of one lane."""

    cdef Lane *lane
    cdef Table peers
    cdef Table tracks
    cdef Table senders
    cdef dict children           # peer -> identifiers of its tracks and senders
    cdef dict spent              # peer -> outbound SSRCs used under its present keys
    cdef list closed             # peers whose resources are free, not yet reported
    cdef uint64_t facts_lost
    cdef bint inline_commands

    def __cinit__(self, int number, int signal, int peers, int tracks, int senders, double keyframe_interval_ms, bint inline):
        if keyframe_interval_ms <= 0:
            raise ValueError("keyframe_interval_ms must be positive")
        self.peers = Table(peers, number, "peer")
        self.tracks = Table(tracks, number, "track")
        self.senders = Table(senders, number, "sender")
        self.children = {}
        self.spent = {}
        self.closed = []
        self.inline_commands = inline
        self.lane = new_lane(number, signal, keyframe_interval_ms, inline)

    def __dealloc__(self):
        if self.lane != NULL:
            self.empty()
            free_lane(self.lane)

    cdef void empty(self) noexcept:
        """Close every peer and free everything. The lane's thread must have ended."""
        run_commands(self.lane)
        while self.lane.peers != NULL:
            close_peer_of(self.lane, self.lane.peers)
        while self.lane.connections != NULL:
            doom(self.lane, self.lane.connections)
            close_doomed(self.lane)
        self.reclaim()

    cdef int push(self, int operation, void *target, void *other, uint64_t value, uint64_t value2, const Path *path) except -1:
        """Queue a command for the lane and wake it. Raises MemoryError."""
        cdef Command *command = <Command *>calloc(1, sizeof(Command))
        cdef bint first
        if command == NULL:
            raise MemoryError
        command.operation = operation
        command.target = target
        command.other = other
        command.value = value
        command.value2 = value2
        if path != NULL:
            command.path = path[0]
        pthread_mutex_lock(&self.lane.mutex)
        first = self.lane.commands_first == NULL
        if first:
            self.lane.commands_first = command
        else:
            self.lane.commands_last.next = command
        self.lane.commands_last = command
        pthread_mutex_unlock(&self.lane.mutex)
        if self.inline_commands:
            run_commands(self.lane)
        elif first and self.lane.wake >= 0:
            conclave_notify(self.lane.wake)
        return 0

    cdef void reclaim(self) noexcept:
        """Free what the lane gave back."""
        cdef Retired *newest
        cdef Retired *retired = NULL
        cdef Retired *following
        pthread_mutex_lock(&self.lane.mutex)
        newest = self.lane.retired
        self.lane.retired = NULL
        pthread_mutex_unlock(&self.lane.mutex)
        while newest != NULL:
            following = newest.next
            newest.next = retired
            retired = newest
            newest = following
        while retired != NULL:
            following = retired.next
            if retired.kind == RETIRED_PEER:
                self.free_peer(<Peer *>retired)
            elif retired.kind == RETIRED_TRACK:
                self.tracks.release((<Track *>retired).id)
                free_track(<Track *>retired)
            elif retired.kind == RETIRED_SENDER:
                self.senders.release((<Sender *>retired).id)
                free_sender(<Sender *>retired)
            else:
                free_session(<Session *>retired)
            retired = following

    cdef void free_peer(self, Peer *peer) noexcept:
        self.peers.release(peer.id)
        self.closed.append(peer.id)
        free_session(peer.session)
        free(peer.ssrcs)
        free(peer)

    cdef uint64_t open_peer(self) except 0:
        cdef Peer *peer
        self.reclaim()
        peer = <Peer *>calloc(1, sizeof(Peer))
        if peer == NULL:
            raise MemoryError
        peer.retired.kind = RETIRED_PEER
        try:
            peer.id = self.peers.put(peer)
        except BaseException:
            free(peer)
            raise
        peer.index = <uint32_t>(peer.id & (INDEX_LIMIT - 1))
        self.children[peer.id] = set()
        self.spent[peer.id] = set()
        self.push(OP_OPEN_PEER, peer, NULL, 0, 0, NULL)
        return peer.id

    cdef int close_peer(self, object identifier) except -1:
        cdef Peer *peer = <Peer *>self.peers.get(identifier)
        cdef uint64_t child
        for kind, child in self.children.pop(peer.id):
            if kind == "track":
                self.tracks.invalidate(child)
            else:
                self.senders.invalidate(child)
        del self.spent[peer.id]
        self.peers.invalidate(peer.id)
        return self.push(OP_CLOSE_PEER, peer, NULL, 0, 0, NULL)

    cdef Track *add_track(self, Peer *peer, Track *track, uint32_t ssrc, uint32_t rtx_ssrc) except NULL:
        """Take ownership of `track`; freed here when it finds no slot."""
        self.reclaim()
        try:
            track.id = self.tracks.put(track)
        except BaseException:
            free_track(track)
            raise
        track.peer = peer
        self.children[peer.id].add(("track", track.id))
        self.push(OP_ADD_TRACK, peer, track, ssrc, rtx_ssrc, NULL)
        return track

    cdef int remove_track(self, object identifier) except -1:
        cdef Track *track = <Track *>self.tracks.get(identifier)
        self.children[track.peer.id].discard(("track", track.id))
        self.tracks.invalidate(track.id)
        return self.push(OP_REMOVE_TRACK, track, NULL, 0, 0, NULL)

    cdef Sender *add_sender(self, Peer *peer, Sender *sender) except NULL:
        """Take ownership of `sender`; freed here when it is refused."""
        self.reclaim()
        spent = self.spent[peer.id]
        try:
            if sender.ssrc in spent or (sender.rtx_ssrc and sender.rtx_ssrc in spent) or sender.ssrc == sender.rtx_ssrc:
                raise ValueError("an outbound SSRC is used once under the same keys")
            sender.id = self.senders.put(sender)
        except BaseException:
            free_sender(sender)
            raise
        sender.peer = peer
        spent.add(sender.ssrc)
        if sender.rtx_ssrc:
            spent.add(sender.rtx_ssrc)
        self.children[peer.id].add(("sender", sender.id))
        self.push(OP_ADD_SENDER, peer, sender, 0, 0, NULL)
        return sender

    cdef int remove_sender(self, object identifier) except -1:
        cdef Sender *sender = <Sender *>self.senders.get(identifier)
        self.children[sender.peer.id].discard(("sender", sender.id))
        self.senders.invalidate(sender.id)
        return self.push(OP_REMOVE_SENDER, sender, NULL, 0, 0, NULL)

    cdef void note_taken(self, int64_t identifier) noexcept:
        """A datagram of the peer left the ring."""
        cdef Peer *peer = <Peer *>self.peers.find(<uint64_t>identifier) if identifier >= 0 else NULL
        if peer != NULL:
            peer.taken += 1

    cdef int poll(self, list out, int limit) except -1:
        """Append what came up, oldest first, until `out` has `limit` entries."""
        cdef Lane *lane = self.lane
        cdef UpDatagram datagram
        cdef UpFact fact
        cdef uint64_t lost
        cdef int kind
        self.reclaim()
        while self.closed and len(out) < limit:
            out.append(Fact(lane.number, "peer_closed", self.closed.pop(0), -1, 0, b""))
        while len(out) < limit:
            kind = take_upward(lane, &datagram, &fact)
            if kind == 0:
                break
            if kind == 1:
                self.note_taken(datagram.peer)
                out.append(Datagram(lane.number, "stun" if datagram.stun else "dtls", datagram.peer,
                                    path_bytes(&datagram.path), (<char *>datagram.data)[:datagram.size]))
            else:
                out.append(Fact(lane.number, FACT_NAMES[fact.name], fact.peer, fact.track, fact.value,
                                path_bytes(&fact.path) if fact.name in (FACT_PATH_CLOSED, FACT_PATH_REFUSED) else b""))
        lost = lane.facts_lost
        if lost != self.facts_lost and len(out) < limit:
            out.append(Fact(lane.number, "ring_overflow", -1, -1, lost - self.facts_lost, b""))
            self.facts_lost = lost
        return 0


cdef int take_upward(Lane *lane, UpDatagram *datagram, UpFact *fact) noexcept:
    """Copy out the oldest entry: 1 a datagram, 2 a fact, 0 nothing, and then the next entry signals again."""
    cdef int kind = 0
    cdef UpDatagram *first
    pthread_mutex_lock(&lane.mutex)
    if lane.datagram_count > 0:
        kind = 1
    if lane.fact_count > 0 and (kind == 0 or lane.facts[lane.fact_head].order < lane.datagrams[lane.datagram_head].order):
        kind = 2
    if kind == 1:
        first = &lane.datagrams[lane.datagram_head]
        memcpy(datagram, first, sizeof(UpDatagram) - DATAGRAM_MAX + first.size)
        lane.datagram_head = (lane.datagram_head + 1) % RING_SIZE
        lane.datagram_count -= 1
    elif kind == 2:
        fact[0] = lane.facts[lane.fact_head]
        lane.fact_head = (lane.fact_head + 1) % RING_SIZE
        lane.fact_count -= 1
    else:
        lane.signalled = 0
    pthread_mutex_unlock(&lane.mutex)
    return kind


cdef void free_track(Track *track) noexcept:
    free(track.cache)
    free(track.missing)
    free(track)


cdef void free_sender(Sender *sender) noexcept:
    free(sender.rtx_memory)
    free(sender)
