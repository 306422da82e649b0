"""The panel's web server: the page's files, the presets' files, and two sockets.

Everything runs in one asyncio loop. ``/socket`` carries requests and news, ``/ear`` carries sound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from instrument import __version__
from instrument.errors import LatentkeysError
from instrument.panel.desk import knobs
from instrument.panel.engine import ear
from instrument.panel.engine.delays import Delays
from instrument.panel.engine.hands import Hands
from instrument.panel.engine.watcher import Watcher
from instrument.panel.messages import news as says
from instrument.panel.messages import requests as asks
from instrument.panel.messages.link import (
    IN_A_HOST,
    CallPartner,
    DismissPartner,
    FromControl,
    LookForDevices,
    NowPlaying,
    Panic,
    PartnerCommand,
    PlayTake,
    Report,
    StopTake,
    UseDevices,
)
from instrument.panel.studio import Studio
from instrument.panel.takes import TakeShelf
from instrument.panel.web.files import WebFiles
from instrument.panel.web.pages import TOO_MUCH, Page, Pages, PanelClient
from instrument.partner.messages import KnobLearned
from instrument.processes.json_lines import Notice
from instrument.realtime.memory.constants import HIGHEST_PITCH, LOWEST_PITCH
from instrument.realtime.memory.state import EngineState
from instrument.schema import NO_JSON

MOST_PAGES = 16
MOST_LISTENERS = 4
TICK_SECONDS = 0.033
METER_TICKS = 3
QUIET_SECONDS = 0.25
_FULL = 1013
Asked = (
    CallPartner
    | DismissPartner
    | LookForDevices
    | UseDevices
    | Panic
    | PlayTake
    | StopTake
    | PartnerCommand
)


class Panel:
    """The panel of one session.

    Parameters
    ----------
    state
        The engine block.
    folder
        The session's.
    ask
        Asks control for something.
    partner_models
        Composers that can play along.
    """

    def __init__(
        self,
        state: EngineState,
        folder: Path,
        ask: Callable[[Report], None],
        partner_models: tuple[str, ...] = (),
    ) -> None:
        self._state, self._ask, self._partner_models = state, ask, partner_models
        self.pages = Pages()
        self._watcher = Watcher(state)
        self._studio = Studio(folder, state, self._watcher, self.pages.tell, ask)
        self._takes = TakeShelf()
        self.delays = Delays(state)
        self._situation = NowPlaying()
        self._listeners = 0
        self._keys = says.Keys((), "")

    def application(self) -> Starlette:
        """Return what a web server serves."""
        return Starlette(
            routes=[
                *WebFiles(self._studio, self._takes).routes(),
                WebSocketRoute("/socket", self._talk),
                WebSocketRoute("/ear", self._listen),
            ]
        )

    def new_hands(self) -> Hands:
        """Return hands for somebody who plays."""
        return Hands(self._state)

    def hear_control(self, message: FromControl) -> None:
        """Take what control has said."""
        if isinstance(message, KnobLearned):
            self._studio.learning.look()
            self.pages.tell(self._studio.learning.show())
            return
        if isinstance(message, NowPlaying):
            self._situation = message
            self._watcher.partner_channels = frozenset(message.partner_channels)
            if self._studio.take_own_rack(message.own_rack):
                self.pages.tell(self._hello())
            try:
                self._studio.follow(message)
            except LatentkeysError as problem:
                message = Notice(problem.message, problem.remedy)
        self.pages.tell(message)

    async def run(self) -> None:
        """Tell the pages what changes, for ever; a panel that nobody looks at hardly wakes up."""
        ticks = 0
        while True:
            is_awake = self.pages or self._studio.moves
            await asyncio.sleep(TICK_SECONDS if is_awake else QUIET_SECONDS)
            self._studio.tick()
            ticks += 1
            if self.pages:
                self._tell_what_changes(ticks)
            else:
                self._watcher.heard()  # what nobody has seen is not kept

    def _tell_what_changes(self, ticks: int) -> None:
        keys = self._watcher.keys()
        if keys != self._keys:
            self._keys = keys
            self.pages.tell(keys)
        if ticks % METER_TICKS == 0:
            self.pages.tell(
                self._watcher.meters(self._listeners, len(self.pages), self.delays.p99_ms())
            )
            if heard := self._watcher.heard():
                self.pages.tell(heard)
            if ticks % (10 * METER_TICKS) == 0:
                self._studio.draw_picture()
                self._look_for_takes()

    def _look_for_takes(self) -> None:
        if self._takes.look():
            self.pages.tell(self._takes.shown)

    async def _talk(self, socket: WebSocket) -> None:
        await socket.accept()
        page = Page(socket, self.new_hands())
        if len(self.pages) >= MOST_PAGES:
            await page.close(_FULL)
            return
        self.greet(page)
        self.pages.open.add(page)
        sending = asyncio.create_task(page.send_all())
        try:
            await self._hear_page(page)
        except (WebSocketDisconnect, RuntimeError):
            pass  # it has gone
        finally:
            page.hands.let_go()
            self.pages.open.discard(page)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _hear_page(self, page: Page) -> None:
        while True:
            received = await page.socket.receive()
            if received["type"] == "websocket.disconnect":
                return
            if not page.may_say_more():
                await page.close(TOO_MUCH)
                return
            self.hear_page(page, received.get("text") or received.get("bytes") or b"")

    def _hello(self) -> says.Hello:
        return says.Hello(
            version=__version__,
            groups={**knobs.groups(), **self._studio.own_rack.groups()},
            partner_models=self._partner_models,
            lowest_pitch=LOWEST_PITCH,
            highest_pitch=HIGHEST_PITCH,
        )

    def greet(self, page: PanelClient) -> None:
        """Tell a page that has just been opened how everything stands."""
        page.tell(self._hello())
        page.tell(self._situation)
        page.tell(self._studio.shelf.show())
        for message in (self._studio.desk(), self._studio.explorer.map()):
            if message:
                page.tell(message)
        page.tell(self._studio.learning.show())
        page.tell(self._studio.explorer.pad.show())
        page.tell(self._studio.explorer.searching.shown)
        self._look_for_takes()
        page.tell(self._takes.shown)
        page.tell(self._watcher.keys())

    def hear_page(self, page: PanelClient, text: str | bytes) -> None:
        """Do what a page asks for, or tell it why that cannot be."""
        try:
            request = asks.REQUESTS.decode(text)
        except NO_JSON as problem:
            page.tell(says.Refused(f"the panel does not understand this: {problem}"))
            return
        try:
            self._do(page, request)
        except LatentkeysError as problem:
            page.tell(says.Refused(problem.message, problem.remedy))
        except OSError as problem:  # a full disk, a folder that is gone
            page.tell(says.Refused(f"this cannot be: {problem}"))

    def _do(self, page: PanelClient, request: object) -> None:
        if isinstance(request, asks.KeyStroke):
            if request.velocity and self._situation.kind != IN_A_HOST:  # which is not seen here
                self.delays.strike()
            page.hands.note(request)
        elif isinstance(request, asks.Bend):
            page.hands.bend(request)
        elif isinstance(request, asks.Press):
            page.hands.press(request)
        elif isinstance(request, asks.Turn):
            page.hands.turn(request)
        elif isinstance(request, asks.LetGo):
            page.hands.let_go()
        elif isinstance(request, asks.Request):
            if said := self._studio.hear(request):
                page.tell(said)
        else:
            assert isinstance(request, Asked)
            self._ask(request)

    async def _listen(self, socket: WebSocket) -> None:
        await socket.accept()
        if self._listeners >= MOST_LISTENERS or not self._state.rate_hz:
            await socket.close(_FULL)
            return
        self._listeners += 1
        try:
            await socket.send_text(f"{self._state.rate_hz:g}")
            await ear.stream(socket, self._state)
        except (WebSocketDisconnect, RuntimeError):
            pass  # it went before it had begun
        finally:
            self._listeners -= 1
            if socket.client_state.name == "CONNECTED":
                await Page(socket, self.new_hands()).close(_FULL)
