"""The panel's web server: the page's files, the presets' files, and two sockets.

Everything runs in one asyncio loop. ``/socket`` carries requests and news, ``/ear`` carries sound.
"""

from __future__ import annotations

import asyncio
import mimetypes
import time
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from instrument import __version__
from instrument.errors import LatentkeysError
from instrument.panel import ear, knobs
from instrument.panel import messages as says
from instrument.panel.hands import Hands
from instrument.panel.link_messages import (
    CallPartner,
    DismissPartner,
    FromControl,
    NowPlaying,
    Panic,
    PartnerCommand,
    Report,
)
from instrument.panel.pages import TOO_MUCH, Page, Pages
from instrument.panel.studio import Studio
from instrument.panel.watcher import Watcher
from instrument.processes.json_lines import Notice
from instrument.realtime.state import HIGHEST_PITCH, LOWEST_PITCH, EngineState
from instrument.schema import NO_JSON

PAGE_FOLDER = Path(__file__).parent / "page"
MOST_PAGES = 16
MOST_LISTENERS = 4
TICK_SECONDS = 0.033
METER_TICKS = 3
QUIET_SECONDS = 0.25
_FULL = 1013


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
        self._pages = Pages()
        self._watcher = Watcher(state)
        self._studio = Studio(folder, self._watcher, self._pages.tell, ask)
        self._situation = NowPlaying()
        self._listeners = 0
        self._keys = says.Keys((), "")

    def application(self) -> Starlette:
        """Return what a web server serves."""
        files = [_file_route(path) for path in sorted(PAGE_FOLDER.iterdir()) if path.is_file()]
        return Starlette(
            routes=[
                *files,
                Route("/presets/{name}", self._preset_file),
                WebSocketRoute("/socket", self._talk),
                WebSocketRoute("/ear", self._listen),
            ]
        )

    def hear_control(self, message: FromControl) -> None:
        """Take what control has said."""
        if isinstance(message, NowPlaying):
            self._situation = message
            self._watcher.partner_channels = frozenset(message.partner_channels)
            try:
                self._studio.follow(message)
            except LatentkeysError as problem:
                message = Notice(problem.message, problem.remedy)
        self._pages.tell(message)

    async def run(self) -> None:
        """Tell the pages what changes, for ever; a panel that nobody looks at hardly wakes up."""
        ticks = 0
        while True:
            await asyncio.sleep(TICK_SECONDS if self._pages else QUIET_SECONDS)
            self._studio.tick()
            ticks += 1
            if self._pages:
                self._tell_what_changes(ticks)
            else:
                self._watcher.heard()  # what nobody has seen is not kept

    def _tell_what_changes(self, ticks: int) -> None:
        keys = self._watcher.keys()
        if keys != self._keys:
            self._keys = keys
            self._pages.tell(keys)
        if ticks % METER_TICKS == 0:
            self._pages.tell(self._watcher.meters(self._listeners, len(self._pages)))
            if heard := self._watcher.heard():
                self._pages.tell(heard)
            if ticks % (10 * METER_TICKS) == 0:
                self._studio.draw_picture()

    async def _talk(self, socket: WebSocket) -> None:
        await socket.accept()
        page = Page(socket, Hands(self._state))
        if len(self._pages) >= MOST_PAGES:
            await page.close(_FULL)
            return
        self._greet(page)
        self._pages.open.add(page)
        sending = asyncio.create_task(page.send_all())
        try:
            await self._hear_page(page)
        except (WebSocketDisconnect, RuntimeError):
            pass  # it has gone
        finally:
            page.hands.let_go()
            self._pages.open.discard(page)
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

    def _greet(self, page: Page) -> None:
        page.tell(
            says.Hello(
                version=__version__,
                groups=knobs.groups(),
                partner_models=self._partner_models,
                lowest_pitch=LOWEST_PITCH,
                highest_pitch=HIGHEST_PITCH,
            )
        )
        page.tell(self._situation)
        page.tell(self._studio.shelf.show())
        for message in (self._studio.desk(), self._studio.map()):
            if message:
                page.tell(message)
        page.tell(self._watcher.keys())

    def hear_page(self, page: Page, text: str | bytes) -> None:
        """Do what a page asks for, or tell it why that cannot be."""
        try:
            request = says.REQUESTS.decode(text)
        except NO_JSON as problem:
            page.tell(says.Refused(f"the panel does not understand this: {problem}"))
            return
        try:
            self._do(page, request)
        except LatentkeysError as problem:
            page.tell(says.Refused(problem.message, problem.remedy))
        except OSError as problem:  # a full disk, a folder that is gone
            page.tell(says.Refused(f"this cannot be: {problem}"))

    def _do(self, page: Page, request: object) -> None:
        if isinstance(request, says.KeyStroke):
            page.hands.note(request)
        elif isinstance(request, says.Bend):
            page.hands.bend(request)
        elif isinstance(request, says.Turn):
            page.hands.turn(request)
        elif isinstance(request, says.LetGo):
            page.hands.let_go()
        elif isinstance(request, says.Request):
            if said := self._studio.hear(request):
                page.tell(said)
        else:
            assert isinstance(request, (CallPartner, DismissPartner, Panic, PartnerCommand))
            self._ask(request)

    async def _listen(self, socket: WebSocket) -> None:
        await socket.accept()
        if self._listeners >= MOST_LISTENERS or not self._state.rate_hz:
            await socket.close(_FULL)
            return
        self._listeners += 1
        began = time.monotonic()
        try:
            await socket.send_text(f"{self._state.rate_hz:g}")
            await ear.stream(socket, self._state)
        except (WebSocketDisconnect, RuntimeError):
            pass  # it went before it had begun
        finally:
            self._listeners -= 1
            if time.monotonic() - began > 0 and socket.client_state.name == "CONNECTED":
                await Page(socket, Hands(self._state)).close(_FULL)

    def _preset_file(self, request: Request) -> Response:
        """Give a preset's file away."""
        name = request.path_params["name"].removesuffix(".toml")
        try:
            path = self._studio.shelf.find(name)
        except LatentkeysError as problem:
            return PlainTextResponse(problem.message, status_code=404)
        disposition = {"content-disposition": f'attachment; filename="{path.name}"'}
        return Response(path.read_bytes(), media_type="application/toml", headers=disposition)


def _file_route(path: Path) -> Route:
    """Serve one of the page's files from memory."""
    content = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = "text/javascript" if path.suffix == ".js" else kind

    async def serve(_: Request) -> Response:
        return Response(content, media_type=kind)

    return Route("/" if path.name == "index.html" else f"/{path.name}", serve)
