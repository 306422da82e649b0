"""OSC over UDP, for this machine's programs: the panel's own messages under other addresses.

In: ``/latentkeys/Note 60 100``, a request with its fields in their order. Out, to whoever has sent
``/latentkeys/Listen PORT``: every value of the news at an address of its own,
``/latentkeys/Meters/peak 0.5``; a list comes flat. What is drawn once (`LEFT_OUT`) stays away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast, get_args

import msgspec
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from instrument.panel.engine.hands import Hands
from instrument.panel.messages.news import Told
from instrument.panel.messages.requests import AnyRequest
from instrument.panel.web.pages import Allowance, Pages, PanelClient

LOOPBACK = "127.0.0.1"
ROOT = "/latentkeys/"
LEFT_OUT = frozenset({"Hello", "Library", "Map", "Takes"})
MOST_LISTENERS = 4
MOST_VALUES, MOST_LETTERS = 256, 200
"""Of one message: it has to fit into a datagram."""
_KINDS = {kind.__struct_config__.tag: kind for kind in get_args(AnyRequest)}

Hear = Callable[[PanelClient, bytes], None]


class Osc(asyncio.DatagramProtocol):
    """The socket that programs of this machine talk to.

    Parameters
    ----------
    hands
        The keys that it holds.
    hear
        Does what is asked for.
    pages
        All who are told the news.
    """

    def __init__(self, hands: Hands, hear: Hear, pages: Pages) -> None:
        self.hands, self._hear, self._pages = hands, hear, pages
        self._allowance = Allowance()
        self._listeners: list[int] = []  # ports
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, _: object) -> None:
        """Do what a datagram asks for; what is none, or comes too fast, is left out."""
        try:
            found = [timed.message for timed in OscPacket(data).messages]
        except Exception:  # python-osc: ParseError, and what is no text or is nested too deeply
            return
        for message in found:
            if self._allowance.may_say_more():
                self._take(message)

    def tell(self, message: Told) -> None:
        """Tell whoever listens one of the news."""
        self.queue(msgspec.json.encode(message).decode())

    def queue(self, text: str) -> None:
        """Tell whoever listens the news, as a page is told."""
        if not self._transport or not self._listeners:
            return
        for address, values in flat(msgspec.json.decode(text)):
            builder = OscMessageBuilder(address)
            for value in values:
                builder.add_arg(value)
            datagram = builder.build().dgram
            for port in self._listeners:
                self._transport.sendto(datagram, (LOOPBACK, port))

    def _take(self, message: OscMessage) -> None:
        name = message.address.removeprefix(ROOT)
        if name == "Listen":
            self._listen(message.params)
        elif message.address.startswith(ROOT):
            self._hear(self, msgspec.json.encode(request_of(name, message.params)))

    def _listen(self, params: list[Any]) -> None:
        port = params[0] if params and isinstance(params[0], int) else 0
        if 1024 <= port <= 65535:
            others = [other for other in self._listeners if other != port]
            self._listeners = [*others, port][-MOST_LISTENERS:]
        elif port < 0:
            self._listeners = [other for other in self._listeners if other != -port]
        (self._pages.open.add if self._listeners else self._pages.open.discard)(self)


def request_of(name: str, params: list[Any]) -> dict[str, Any]:
    """Return the request that an address and its arguments stand for; nobody has checked it.

    A field that is a list takes all that the other fields leave; a whole float is a whole number,
    since many programs send nothing but floats.
    """
    given = [_number(value) for value in params]
    asked: dict[str, Any] = {"type": name}
    kind = _KINDS.get(name)
    fields = msgspec.structs.fields(kind) if kind else ()
    for left, field in zip(range(len(fields) - 1, -1, -1), fields, strict=True):
        if not given:
            break
        if "tuple" in str(field.type):
            asked[field.encode_name] = [given.pop(0) for _ in range(len(given) - left)]
        else:
            asked[field.encode_name] = given.pop(0)
    return asked | ({"too many": given} if given else {})


def flat(news: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield an address and its values for everything that news say."""
    kind = news.pop("type")
    if kind not in LEFT_OUT:
        for name, value in news.items():
            yield from _flat(f"{ROOT}{kind}/{name}", value)


def _flat(address: str, value: Any) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{address}/{name}", inner)
    elif value is not None:
        yield address, [_short(one) for one in _leaves(value)][:MOST_VALUES]


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    elif value is not None:
        yield value


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _short(value: Any) -> Any:
    return value[:MOST_LETTERS] if isinstance(value, str) else value
