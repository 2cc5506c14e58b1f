"""Open-addressing maps of the lane: path -> peer, and (peer, SSRC) -> track or sender. Linear probing, backward-shift deletion.

Only the lane's thread touches them. Keys enter only after authentication, and the hash is seeded, so a stranger can
neither grow a map nor choose its collisions.
"""


cdef inline uint64_t mixed(uint64_t value) noexcept nogil:
    value ^= value >> 33
    value *= <uint64_t>0xFF51AFD7ED558CCD
    value ^= value >> 33
    value *= <uint64_t>0xC4CEB9FE1A85EC53
    return value ^ (value >> 33)


cdef inline uint64_t path_hash(const Path *path, uint64_t seed) noexcept nogil:
    return mixed(path.w[0] ^ seed) ^ mixed(path.w[1] + mixed(path.w[2] ^ mixed(path.w[3] + seed)))


cdef inline bint path_equal(const Path *a, const Path *b) noexcept nogil:
    return a.w[0] == b.w[0] and a.w[1] == b.w[1] and a.w[2] == b.w[2] and a.w[3] == b.w[3]


cdef Peer *path_find(const PathMap *map, const Path *path) noexcept nogil:
    cdef uint64_t at
    if map.used == 0:
        return NULL
    at = path_hash(path, map.seed) & map.mask
    while map.entries[at].peer != NULL:
        if path_equal(&map.entries[at].path, path):
            return map.entries[at].peer
        at = (at + 1) & map.mask
    return NULL


cdef bint path_grow(PathMap *map) noexcept nogil:
    cdef PathMap bigger
    cdef uint32_t at
    if map.entries != NULL and map.used * 2 < map.mask:
        return True
    bigger.seed = map.seed
    bigger.used = 0
    bigger.mask = 63 if map.entries == NULL else map.mask * 2 + 1
    bigger.entries = <PathEntry *>calloc(bigger.mask + 1, sizeof(PathEntry))
    if bigger.entries == NULL:
        return False
    if map.entries != NULL:
        for at in range(map.mask + 1):
            if map.entries[at].peer != NULL:
                path_put(&bigger, &map.entries[at].path, map.entries[at].peer)
        free(map.entries)
    map[0] = bigger
    return True


cdef bint path_put(PathMap *map, const Path *path, Peer *peer) noexcept nogil:
    """Bind or rebind `path`. False when memory ran out."""
    cdef uint64_t at
    if not path_grow(map):
        return False
    at = path_hash(path, map.seed) & map.mask
    while map.entries[at].peer != NULL:
        if path_equal(&map.entries[at].path, path):
            map.entries[at].peer = peer
            return True
        at = (at + 1) & map.mask
    map.entries[at].path = path[0]
    map.entries[at].peer = peer
    map.used += 1
    return True


cdef void path_drop(PathMap *map, const Path *path) noexcept nogil:
    cdef uint64_t at
    cdef uint64_t hole
    cdef uint64_t home
    if map.used == 0:
        return
    at = path_hash(path, map.seed) & map.mask
    while map.entries[at].peer != NULL and not path_equal(&map.entries[at].path, path):
        at = (at + 1) & map.mask
    if map.entries[at].peer == NULL:
        return
    map.used -= 1
    hole = at
    at = (at + 1) & map.mask
    while map.entries[at].peer != NULL:
        home = path_hash(&map.entries[at].path, map.seed) & map.mask
        if ((at - home) & map.mask) >= ((at - hole) & map.mask):
            map.entries[hole] = map.entries[at]
            hole = at
        at = (at + 1) & map.mask
    map.entries[hole].peer = NULL


cdef inline uint64_t ssrc_key(const Peer *peer, uint32_t ssrc) noexcept nogil:
    return (<uint64_t>peer.index << 32) | ssrc


cdef inline size_t ssrc_find(const SsrcMap *map, const Peer *peer, uint32_t ssrc) noexcept nogil:
    """The bound pointer with its SsrcKind in the two lowest bits, or 0."""
    cdef uint64_t key = ssrc_key(peer, ssrc)
    cdef uint64_t at
    if map.used == 0:
        return 0
    at = mixed(key ^ map.seed) & map.mask
    while map.entries[at].value != 0:
        if map.entries[at].key == key:
            return map.entries[at].value
        at = (at + 1) & map.mask
    return 0


cdef bint ssrc_grow(SsrcMap *map) noexcept nogil:
    cdef SsrcMap bigger
    cdef uint32_t at
    if map.entries != NULL and map.used * 2 < map.mask:
        return True
    bigger.seed = map.seed
    bigger.used = 0
    bigger.mask = 63 if map.entries == NULL else map.mask * 2 + 1
    bigger.entries = <SsrcEntry *>calloc(bigger.mask + 1, sizeof(SsrcEntry))
    if bigger.entries == NULL:
        return False
    if map.entries != NULL:
        for at in range(map.mask + 1):
            if map.entries[at].value != 0:
                ssrc_insert(&bigger, map.entries[at].key, map.entries[at].value)
        free(map.entries)
    map[0] = bigger
    return True


cdef void ssrc_insert(SsrcMap *map, uint64_t key, size_t value) noexcept nogil:
    cdef uint64_t at = mixed(key ^ map.seed) & map.mask
    while map.entries[at].value != 0:
        if map.entries[at].key == key:
            map.entries[at].value = value
            return
        at = (at + 1) & map.mask
    map.entries[at].key = key
    map.entries[at].value = value
    map.used += 1


cdef bint ssrc_put(SsrcMap *map, const Peer *peer, uint32_t ssrc, void *target, int kind) noexcept nogil:
    """Bind or rebind an SSRC of `peer`. False when memory ran out."""
    if not ssrc_grow(map):
        return False
    ssrc_insert(map, ssrc_key(peer, ssrc), <size_t>target | <size_t>kind)
    return True


cdef void ssrc_drop(SsrcMap *map, const Peer *peer, uint32_t ssrc) noexcept nogil:
    cdef uint64_t key = ssrc_key(peer, ssrc)
    cdef uint64_t at
    cdef uint64_t hole
    cdef uint64_t home
    if map.used == 0:
        return
    at = mixed(key ^ map.seed) & map.mask
    while map.entries[at].value != 0 and map.entries[at].key != key:
        at = (at + 1) & map.mask
    if map.entries[at].value == 0:
        return
    map.used -= 1
    hole = at
    at = (at + 1) & map.mask
    while map.entries[at].value != 0:
        home = mixed(map.entries[at].key ^ map.seed) & map.mask
        if ((at - home) & map.mask) >= ((at - hole) & map.mask):
            map.entries[hole] = map.entries[at]
            hole = at
        at = (at + 1) & map.mask
    map.entries[hole].value = 0


cdef inline int bound_kind(size_t value) noexcept nogil:
    return <int>(value & 3)


cdef inline void *bound_target(size_t value) noexcept nogil:
    return <void *>(value & ~<size_t>3)
