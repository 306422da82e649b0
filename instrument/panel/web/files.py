"""What the panel gives and takes over HTTP: the page, presets, takes, recordings."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Callable
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from instrument.errors import LatentkeysError
from instrument.files import cannot_write
from instrument.panel.explore.searching import MOST_BYTES
from instrument.panel.studio import Studio
from instrument.panel.takes import KINDS, TakeShelf

PAGE_FOLDER = Path(__file__).parents[1] / "page"
UPLOAD_SECONDS = 120.0
_TOO_LARGE, _BUSY, _WRONG, _NO_ROOM = 413, 409, 422, 507


class WebFiles:
    """The panel's routes that are no sockets.

    Parameters
    ----------
    studio
        Knows the presets, and looks for sounds.
    takes
        Knows the takes.
    """

    def __init__(self, studio: Studio, takes: TakeShelf) -> None:
        self._studio, self._takes = studio, takes
        self._receives = False

    def routes(self) -> list[Route]:
        """Return them all."""
        files = [_file_route(path) for path in sorted(PAGE_FOLDER.iterdir()) if path.is_file()]
        return [
            *files,
            Route("/presets/{name}", self._preset),
            Route("/takes/{name}/{file}", self._take),
            Route("/recording", self._recording, methods=["POST"]),
        ]

    def _preset(self, request: Request) -> Response:
        """Give a preset's file away."""
        name = request.path_params["name"].removesuffix(".toml")
        return _given(lambda: self._studio.shelf.find(name), "application/toml")

    def _take(self, request: Request) -> Response:
        """Give a file of a take away."""
        name, file = request.path_params["name"], request.path_params["file"]
        return _given(lambda: self._takes.find(name, file), KINDS.get(file, ""), f"{name} {file}")

    async def _recording(self, request: Request) -> Response:
        """Take a recorded note, and look for the sound that is nearest to it."""
        explorer = self._studio.explorer
        if self._receives or explorer.searching.is_busy:
            return PlainTextResponse("Another sound is looked for at present.", _BUSY)
        self._receives = True
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                if not await _keep(request, explorer.searching.recording):
                    return PlainTextResponse(
                        f"This file has more than {MOST_BYTES >> 20} MiB: cut one note out of it.",
                        _TOO_LARGE,
                    )
            name = request.query_params.get("name", "")[:76].strip() or "Recording"
            explorer.come_near(name, pitch_of(request.query_params.get("pitch", "")))
        except LatentkeysError as problem:
            return PlainTextResponse(f"{problem.message}. {problem.remedy}".strip(), _WRONG)
        except (ClientDisconnect, TimeoutError):
            return PlainTextResponse("It has not arrived whole.", _WRONG)
        except OSError as problem:
            full = cannot_write(explorer.searching.recording, problem)
            return PlainTextResponse(f"{full.message}. {full.remedy}", _NO_ROOM)
        finally:
            self._receives = False
        return PlainTextResponse("It is looked for.")


async def _keep(request: Request, path: Path) -> bool:
    """Write what comes into a file; false if it is too much."""
    size = 0
    with path.open("wb") as file:
        async for part in request.stream():
            size += len(part)
            if size > MOST_BYTES:
                return False
            file.write(part)
    return True


def pitch_of(text: str) -> int | None:
    """Return a MIDI number that was typed, 0-127; None if it is none."""
    is_number = len(text) <= 3 and text.isascii() and text.isdigit()
    return int(text) if is_number and int(text) < 128 else None


def _given(find: Callable[[], Path], kind: str, name: str = "") -> Response:
    try:
        path = find()
    except LatentkeysError as problem:
        return PlainTextResponse(problem.message, status_code=404)
    return FileResponse(path, media_type=kind, filename=name or path.name)


def _file_route(path: Path) -> Route:
    """Serve one of the page's files from memory."""
    content = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = "text/javascript" if path.suffix == ".js" else kind

    async def serve(_: Request) -> Response:
        return Response(content, media_type=kind)

    return Route("/" if path.name == "index.html" else f"/{path.name}", serve)
