"""Which passwords are good enough (NIST SP 800-63B, section 5.1.1.2): length, not on the list of the common, not one's name."""

import unicodedata

from conclave.model.errors import ErrorCode, Refused

MIN_CHARACTERS = 12
MAX_CHARACTERS = 1_024

_COMMON = """
0123456789ab 098765432109 111111111111 121212121212 123123123123 123321123321 123454321123 123456789012 1234567890123
12345678901234 123456789012345 1234567890123456 1q2w3e4r5t6y 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qazxsw23edc
abcd1234abcd abcdefghijkl abcdefghijklm abcdefghijklmnop adminadminadmin administrator administrator1
alexander123 asdfghjkl123 changeme1234 changemeplease changethispassword charlie12345 chocolate123 computer1234
conclave1234 conclaveconclave correcthorsebatterystaple defaultpassword dragondragon elizabeth123
football1234 helloworld123 iloveyou1234 iloveyouforever iloveyousomuch justinbieber letmein12345 letmeinletmein
liverpoolfc1 manchesterunited masterpassword michaeljackson microsoft123 mustang12345 mypassword123 mypassword1234
newpassword1 newpassword123 onedirection p@ssw0rd1234 p@ssword1234 pa$$word1234 passw0rd1234 password1234 password12345
password123456 passwordpassword passwort1234 princess1234 q1w2e3r4t5y6 qazwsxedcrfv qwerty123456 qwerty1234567
qwertyqwerty qwertyuiop12 qwertyuiop123 qwertyuiop[] qwertyuiopasdfghjklzxcvbnm secretpassword secretsecret spongebob123
starwars1234 summer202020 sunshine1234 superman1234 supersecret1 supersecretpassword teddybear123 testpassword
testpassword1 testtesttest thisisapassword thunderbolt1 trustno1trustno1 unbelievable university12 welcome12345
welcomewelcome whatever1234 winter202020 zaq12wsxcde3 zxcvbnm12345 zxcvbnmasdfghjkl
"""
COMMON = frozenset(_COMMON.split()) | {"correct horse battery staple"}
"""The common ones that are long enough for the other rules, folded."""


def prepare(password: str) -> str:
    """Return the password as it is hashed: NFC, as in the OpaqueString profile (RFC 8265, section 4.2)."""
    return unicodedata.normalize("NFC", password)


def check(password: str, *names: str) -> None:
    """Raise Refused (`invalid`) when a new password is not good enough; `names` are those of its owner."""
    prepared = prepare(password)
    folded = prepared.casefold()
    if not MIN_CHARACTERS <= len(prepared) <= MAX_CHARACTERS:
        raise Refused(ErrorCode.INVALID, f"a password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    if folded in COMMON or len(set(folded)) < 4 or _is_repeated(folded):
        raise Refused(ErrorCode.INVALID, "this password is too common; choose another")
    rest = folded
    for name in sorted(filter(None, names), key=len, reverse=True):
        rest = rest.replace(name.casefold(), "")
    if len(rest) < MIN_CHARACTERS // 2:
        raise Refused(ErrorCode.INVALID, "this password is little more than your name; choose another")


def _is_repeated(text: str) -> bool:
    """Return whether a piece of at most four characters makes the whole."""
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, 5))
