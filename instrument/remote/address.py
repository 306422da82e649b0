"""Where a server renders: ``grpc://HOST:PORT``, or ``grpcs://HOST:PORT`` over TLS.

In: what is typed, and the token of the environment. Out: an `Address`, and what has to be said of
it. The token is never typed, so that it stands in no list of processes and no shell's history.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from instrument.errors import SettingError

TOKEN_NAME = "LATENTKEYS_TOKEN"  # noqa: S105 - the name of the variable that has it
USUAL_PORT = 8001
_FOR_EXAMPLE = f"For example: grpc://gpu-box:{USUAL_PORT}, or grpcs:// over TLS."
_IS_SECURE = {"grpc": False, "grpcs": True}
_PLAIN = (
    "What goes to {} is not encrypted, and it could be anybody; in a network that is not your own "
    "use grpcs://."
)
_UNKNOWN = "{} is asked without a token; if it wants one, put it into the variable {}."


@dataclass(frozen=True, slots=True)
class Address:
    """A server that renders.

    Attributes
    ----------
    target
        HOST:PORT.
    is_secure
        Over TLS: encrypted, and the server has to prove its name.
    is_here
        It is this machine.
    token
        What the server lets one in for; empty without.
    """

    target: str
    is_secure: bool
    is_here: bool
    token: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address, and the token of the environment.

        Raises
        ------
        SettingError
            It is none, or a token would be readable by everybody on its way.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port or USUAL_PORT
        except ValueError:
            raise SettingError(f"--renderer: {text[:80]!r} is no address", _FOR_EXAMPLE) from None
        more = parts.path.strip("/") or parts.query or parts.fragment or parts.username
        if parts.scheme not in _IS_SECURE or not host or more:
            raise SettingError(f"--renderer: {text[:80]!r} is no address", _FOR_EXAMPLE)
        is_secure, is_here = _IS_SECURE[parts.scheme], _is_here(host)
        token = os.environ.get(TOKEN_NAME, "")
        if not (token.isascii() and token.isprintable()):
            raise SettingError(f"{TOKEN_NAME} has characters that no token has", "Set it again.")
        if token and not is_secure and not is_here:
            raise SettingError(
                f"--renderer: {TOKEN_NAME} is set, and whoever listens on the way to {host} could "
                "read it",
                "Use grpcs://, or unset it.",
            )
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return cls(target, is_secure, is_here, token)

    @property
    def warnings(self) -> list[str]:
        """What a player should know before anything is sent; nothing of this very machine."""
        if self.is_here:
            return []
        plain = [] if self.is_secure else [_PLAIN.format(self.target)]
        return plain + ([] if self.token else [_UNKNOWN.format(self.target, TOKEN_NAME)])


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
