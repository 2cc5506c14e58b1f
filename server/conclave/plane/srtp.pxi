"""The only place that knows libsrtp, and the private names of pylibsrtp's binding through which it is reached.

Contexts are made under the GIL (`new_session`) and used, without it, by one lane's thread alone.
"""

from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy as SrtpPolicy
from pylibsrtp._binding import ffi as _ffi
from pylibsrtp._binding import lib as _srtp_lib

cdef enum:
    SRTP_OK = 0
    SRTP_AUTH_FAIL = 7
    SRTP_REPLAY_FAIL = 9
    SRTP_REPLAY_OLD = 10
    WINDOW_IN = 1024             # packets; repairs arrive within it
    WINDOW_OUT = CACHE_VIDEO     # what is older is not forwarded; libsrtp shifts the whole window with each packet

_PROFILES = {
    "SRTP_AEAD_AES_128_GCM": (SrtpPolicy.SRTP_PROFILE_AEAD_AES_128_GCM, 28, 16),
    "SRTP_AEAD_AES_256_GCM": (SrtpPolicy.SRTP_PROFILE_AEAD_AES_256_GCM, 44, 16),
    "SRTP_AES128_CM_SHA1_80": (SrtpPolicy.SRTP_PROFILE_AES128_CM_SHA1_80, 30, 10),
}

cdef Srtp srtp_functions


def _address(str name) -> int:
    return int(_ffi.cast("uintptr_t", _ffi.addressof(_srtp_lib, name)))


def _bind_srtp() -> None:
    """Take the addresses of libsrtp's functions. Raises RuntimeError when the binding does not fit this plane."""
    global srtp_functions
    expected = "(*)(struct srtp_ctx_t_ *, void *, int *)"
    for name in ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp"):
        if expected not in _ffi.typeof(_ffi.addressof(_srtp_lib, name)).cname:
            raise RuntimeError(f"pylibsrtp's {name} has an unexpected signature")
    srtp_functions.protect = <SrtpCall><size_t>_address("srtp_protect")
    srtp_functions.unprotect = <SrtpCall><size_t>_address("srtp_unprotect")
    srtp_functions.protect_rtcp = <SrtpCall><size_t>_address("srtp_protect_rtcp")
    srtp_functions.unprotect_rtcp = <SrtpCall><size_t>_address("srtp_unprotect_rtcp")
    srtp_functions.remove_stream = <SrtpRemove><size_t>_address("srtp_remove_stream")
    srtp_functions.dealloc = <SrtpFree><size_t>_address("srtp_dealloc")


cdef size_t new_context(int profile, bytes key, int ssrc_type, int window) except 0:
    """A libsrtp context for all SSRCs of one direction. Replay protection is on, in both directions."""
    policy = SrtpPolicy(key=key, ssrc_type=ssrc_type, srtp_profile=profile)
    policy.window_size = window
    policy.allow_repeat_tx = False
    context = _ffi.new("srtp_t *")
    status = _srtp_lib.srtp_create(context, policy._policy)
    if status != _srtp_lib.srtp_err_status_ok:
        raise RuntimeError(f"libsrtp refused the policy (status {int(status)})")
    return <size_t>int(_ffi.cast("uintptr_t", context[0]))


cdef void free_session(Session *session) noexcept:
    if session != NULL:
        if session.inbound != NULL:
            srtp_functions.dealloc(session.inbound)
        if session.outbound != NULL:
            srtp_functions.dealloc(session.outbound)
        free(session)


cdef Session *new_session(str profile, bytes inbound, bytes outbound) except NULL:
    """Contexts for both directions. Raises ValueError for an unknown profile or a key of the wrong length."""
    cdef Session *session
    if profile not in _PROFILES:
        raise ValueError(f"unknown SRTP profile {profile!r}")
    number, size, tag_size = _PROFILES[profile]
    if len(inbound) != size or len(outbound) != size:
        raise ValueError(f"{profile} needs {size} bytes of master key and salt")
    session = <Session *>calloc(1, sizeof(Session))
    if session == NULL:
        raise MemoryError
    session.retired.kind = RETIRED_SESSION
    session.tag_size = tag_size
    try:
        session.inbound = <void *>new_context(number, inbound, SrtpPolicy.SSRC_ANY_INBOUND, WINDOW_IN)
        session.outbound = <void *>new_context(number, outbound, SrtpPolicy.SSRC_ANY_OUTBOUND, WINDOW_OUT)
    except BaseException:
        free_session(session)
        raise
    return session


def srtp_self_test() -> None:
    """Protect and unprotect one packet under every profile through the bound addresses.

    Raises RuntimeError when a packet does not come back, a changed one is accepted, or a replay is.
    """
    cdef Session *session
    cdef uint8_t packet[256]
    cdef uint8_t copy[256]
    cdef int size
    cdef int protected_size
    for profile, (_, key_size, tag_size) in _PROFILES.items():
        key = bytes(range(key_size))
        session = new_session(profile, key, key)
        try:
            memset(packet, 0, sizeof(packet))
            packet[0] = 0x80
            packet[1] = 96
            packet[11] = 1
            size = 64
            if srtp_functions.protect(session.outbound, packet, &size) != SRTP_OK or size != 64 + tag_size:
                raise RuntimeError(f"libsrtp does not protect with {profile}")
            protected_size = size
            memcpy(copy, packet, sizeof(packet))
            copy[20] ^= 1
            if srtp_functions.unprotect(session.inbound, copy, &size) == SRTP_OK:
                raise RuntimeError(f"libsrtp accepts a forged packet with {profile}")
            size = protected_size
            memcpy(copy, packet, sizeof(packet))
            if srtp_functions.unprotect(session.inbound, copy, &size) != SRTP_OK or size != 64 or copy[63] != 0:
                raise RuntimeError(f"libsrtp does not unprotect with {profile}")
            size = protected_size
            if srtp_functions.unprotect(session.inbound, packet, &size) != SRTP_REPLAY_FAIL:
                raise RuntimeError(f"libsrtp accepts a replay with {profile}")
        finally:
            free_session(session)


_bind_srtp()
srtp_self_test()
