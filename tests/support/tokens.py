"""Account tokens without a server."""

import os

from conclave.identity.access_tokens import AccessTokens
from conclave.identity.refresh_tokens import RefreshTokens
from conclave.identity.registration_tokens import RegistrationTokens
from conclave.identity.signed_tokens import SignedTokens
from conclave.identity.token_keys import Algorithm, KeyRing, TokenKey
from conclave.identity.token_revocations import TokenRevocations

NOW_S = 1_800_000_000.0


class Mint:
    """All kinds of account tokens under one ring."""

    def __init__(self, *former: TokenKey, key: TokenKey | None = None) -> None:
        self.key = key or TokenKey.generate(Algorithm.EDDSA)
        self.signed = SignedTokens(KeyRing(self.key, former))
        self.access = AccessTokens(self.signed, TokenRevocations(), os.urandom)
        self.refresh = RefreshTokens(self.signed, os.urandom)
        self.registration = RegistrationTokens(self.signed, os.urandom)
