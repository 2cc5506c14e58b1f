"""RFC 3711 and RFC 7714, written out once more on plain AES and HMAC: held against the vectors, then against the plane."""

import hmac
from collections.abc import Callable
from struct import pack

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from conclave.plane.plane import LaneCore, make_path

MASTER_KEY = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
MASTER_SALT = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
GCM_KEY = bytes(range(16))
GCM_SALT = bytes.fromhex("517569642070726f2071756f")
HERE = make_path("udp", "192.0.2.1", 5000)
THERE = make_path("udp", "192.0.2.2", 5000)


def keystream(key: bytes, counter: bytes, size: int) -> bytes:
    """AES in counter mode from a 16-byte initial counter (RFC 3711 4.1.1)."""
    return Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor().update(bytes(size))


def derive(key: bytes, salt: bytes, label: int, size: int) -> bytes:
    """RFC 3711 4.3.3 with a key derivation rate of 0; a 96-bit salt is followed by 16 zero bits (RFC 7714 section 11)."""
    number = int.from_bytes(salt.ljust(14, b"\0"), "big") ^ label << 48
    return keystream(key, (number << 16).to_bytes(16, "big"), size)


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def aes_cm_protect(key: bytes, salt: bytes, packet: bytes, roc: int = 0) -> bytes:
    """AES_CM_128_HMAC_SHA1_80 of a packet with a 12-byte header."""
    index = roc << 16 | int.from_bytes(packet[2:4], "big")
    number = int.from_bytes(derive(key, salt, 2, 14), "big") << 16
    number ^= int.from_bytes(packet[8:12], "big") << 64 ^ index << 16
    payload = xor(packet[12:], keystream(derive(key, salt, 0, 16), number.to_bytes(16, "big"), len(packet) - 12))
    tag = hmac.digest(derive(key, salt, 1, 20), packet[:12] + payload + roc.to_bytes(4, "big"), "sha1")
    return packet[:12] + payload + tag[:10]


def gcm_rtp(key: bytes, salt: bytes, packet: bytes, roc: int = 0) -> bytes:
    """RFC 7714 section 8 under session key and salt."""
    iv = xor(b"\0\0" + packet[8:12] + roc.to_bytes(4, "big") + packet[2:4], salt)
    return packet[:12] + AESGCM(key).encrypt(iv, packet[12:], packet[:12])


def gcm_rtcp(key: bytes, salt: bytes, packet: bytes, index: int) -> bytes:
    """RFC 7714 section 9 under session key and salt, encrypted."""
    iv = xor(b"\0\0" + packet[4:8] + b"\0\0" + index.to_bytes(4, "big"), salt)
    word = pack("!I", 1 << 31 | index)
    return packet[:8] + AESGCM(key).encrypt(iv, packet[8:], packet[:8] + word) + word


def gcm_protect(key: bytes, salt: bytes, packet: bytes) -> bytes:
    return gcm_rtp(derive(key, salt, 0, len(key)), derive(key, salt, 2, 12), packet)


def test_the_keystream_is_that_of_rfc_3711_b_2() -> None:
    key = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
    counter = bytes.fromhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000")
    assert keystream(key, counter, 32).hex() == "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"


def test_the_session_keys_are_those_of_rfc_3711_b_3() -> None:
    assert derive(MASTER_KEY, MASTER_SALT, 0, 16).hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert derive(MASTER_KEY, MASTER_SALT, 2, 14).hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"
    assert derive(MASTER_KEY, MASTER_SALT, 1, 20).hex().upper() == "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"


def test_the_aead_packets_are_those_of_rfc_7714_16_and_17() -> None:
    rtp = bytes.fromhex("8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573")
    assert gcm_rtp(GCM_KEY, GCM_SALT, rtp).hex() == (
        "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
        "899d7f27beb16a9152cf765ee4390cce"
    )
    rtcp = bytes.fromhex(
        "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
    )
    assert gcm_rtcp(GCM_KEY, GCM_SALT, rtcp, 0x5D4).hex() == (
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded"
        "0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4"
    )


@pytest.mark.parametrize(
    ("profile", "key", "salt", "protect"),
    [
        ("SRTP_AES128_CM_SHA1_80", MASTER_KEY, MASTER_SALT, aes_cm_protect),
        ("SRTP_AEAD_AES_128_GCM", GCM_KEY, GCM_SALT, gcm_protect),
        ("SRTP_AEAD_AES_256_GCM", bytes(range(32)), GCM_SALT, gcm_protect),
    ],
)
def test_the_plane_speaks_the_rfcs(
    profile: str, key: bytes, salt: bytes, protect: Callable[[bytes, bytes, bytes], bytes]
) -> None:
    core = LaneCore()
    publisher, subscriber = core.open_peer(), core.open_peer()
    core.nominate(publisher, HERE)
    core.nominate(subscriber, THERE)
    core.secure(publisher, profile, key + salt, bytes(len(key + salt)))
    core.secure(subscriber, profile, bytes(len(key + salt)), key + salt)
    track = core.add_track(
        publisher, video=False, mid=b"0", payload_types={111: 48000}, rtx_payload_types={}, codecs={}, ssrc=0xCAFEBABE
    )  # fmt: skip
    sender = core.add_sender(subscriber, video=False, mid=b"0", ssrc=0xDEADBEEF, clock_rate=48000)
    core.route(sender, track, {111: 112})
    inbound = protect(key, salt, bytes.fromhex("806f1234decafbadcafebabe") + b"\xab" * 16)
    [(path, outbound)] = core.receive([(HERE, inbound)], 10**9)
    assert path == THERE
    header = outbound[:12]
    assert header[8:] == bytes.fromhex("deadbeef")
    assert outbound == protect(key, salt, header + b"\xab" * 16)


def test_the_reference_packet_of_libsrtp_is_reproduced() -> None:
    packet = bytes.fromhex("800f1234decafbadcafebabe") + b"\xab" * 16
    assert aes_cm_protect(MASTER_KEY, MASTER_SALT, packet).hex() == (
        "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"
    )
