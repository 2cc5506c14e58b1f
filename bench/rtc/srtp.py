"""SRTP sessions of one transport (RFC 3711, RFC 7714) on pylibsrtp."""

import pylibsrtp
from pylibsrtp import Policy, Session

from bench.rtc.dtls import Profile, SrtpKeys

SrtpError = pylibsrtp.Error

_PROFILES = {
    Profile.GCM128: Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    Profile.GCM256: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    Profile.CM: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}
_REPLAY_WINDOW_PACKETS = 4096


def outbound_session(keys: SrtpKeys) -> Session:
    return _session(keys.outbound, keys.profile, Policy.SSRC_ANY_OUTBOUND)


def inbound_session(keys: SrtpKeys) -> Session:
    return _session(keys.inbound, keys.profile, Policy.SSRC_ANY_INBOUND)


def _session(key: bytes, profile: Profile, ssrc_type: int) -> Session:
    policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=_PROFILES[profile])
    policy.window_size = _REPLAY_WINDOW_PACKETS
    return Session(policy)
