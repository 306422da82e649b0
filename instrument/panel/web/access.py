"""Who may open the panel: whoever has its token, from a page of its own, under its own name.

A page elsewhere can make a browser knock at this machine's ports, and even at its own name by
changing what that name stands for (DNS rebinding). So the ``Host`` must be one of ours, a socket's
``Origin`` must be the panel's own, and the token must be right, compared in constant time.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
PRIVATE = ("presets", "takes", "recording")
"""What these give or take is for whoever has the token alone."""
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), midi=(self)",
    "cache-control": "no-cache",
}


def is_local(host: str) -> bool:
    """Tell whether nobody but this machine can reach an address to listen at."""
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


class Guard:
    """An ASGI application in front of another one, which sees only what is allowed.

    Parameters
    ----------
    application
        What is guarded.
    token
        The right one.
    host
        Where the panel listens.
    """

    def __init__(self, application: ASGIApp, token: str, host: str) -> None:
        self._application = application
        self._token = token.encode()
        self._is_local = is_local(host)
        self._names = {*_LOOPBACK, host.lower()}
        if not self._is_local:
            self._names |= {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or refuse it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif not self._is_ours(_headers(scope).get("host", "")):
            await _answer(send, 400, b"This is not the panel's address.")
        elif scope["path"].lstrip("/").split("/")[0] in PRIVATE and not self._has_token(scope):
            await _answer(send, 403, b"The address lacks its token: use the one that play printed.")
        else:
            await self._application(scope, receive, _with_headers(send))

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        host = headers.get("host", "")
        same = urlsplit(headers.get("origin", "")).netloc.lower() == host.lower() != ""
        if self._is_ours(host) and same and self._has_token(scope):
            await self._application(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008})  # before it is open: 403

    def _has_token(self, scope: Scope) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        return secrets.compare_digest(given.encode(), self._token)

    def _is_ours(self, host: str) -> bool:
        name = (urlsplit(f"//{host}").hostname or "").lower() if host else ""
        if name in self._names:
            return True
        with suppress(ValueError):  # a name can be made to mean us; a number cannot
            return not self._is_local and bool(ipaddress.ip_address(name))
        return False


async def _answer(send: Send, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text + b"\n"})


def _with_headers(send: Send) -> Send:
    extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *extra]
        await send(message)

    return sent


def _headers(scope: Scope) -> Headers:
    from starlette.datastructures import Headers  # control imports this module, too

    return Headers(scope=scope)
