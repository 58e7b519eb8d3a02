"""With which credentials an access token is asked for."""

from __future__ import annotations

import msgspec


class Credentials(msgspec.Struct, frozen=True):
    """What a refresh needs."""

    client_id: str
    client_secret: str
    refresh_token: str

    def __repr__(self) -> str:
        return "Credentials(…)"

    def fingerprint(self, accounts: str) -> str:
        """Names the file of these credentials at this accounts host; tells nothing about them."""
        import hashlib

        parts = (self.client_id, self.client_secret, self.refresh_token, accounts)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
