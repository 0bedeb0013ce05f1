"""Who vouches for people that sign in."""

from dataclasses import dataclass, field
from typing import Protocol

from reconciler.domain.identity import Identity


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One try to sign in: what binds the issuer's answer to the browser that asked.

    Attributes:
        callback: Where the issuer sends the browser back to.
        state: Comes back with the browser.
        nonce: Comes back in what the issuer signs.
        verifier: Shows at the exchange of the code that the asker is the one who began (PKCE).
    """

    callback: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class IdentityProvider(Protocol):
    """An issuer. Whatever it does not say beyond doubt raises `errors.LoginRefused`."""

    @property
    def issuer(self) -> str:
        """Its URL."""

    async def where_to_ask(self, attempt: LoginAttempt) -> str:
        """The URL at which a browser signs in."""

    async def who(self, code: str, attempt: LoginAttempt, named: str | None) -> Identity:
        """The person that a code stands for, verified.

        Args:
            code: What the browser brought back.
            attempt: The attempt that it belongs to.
            named: Who the browser says sent it back, if it says so.
        """
