"""The panel's process: ``python -m instrument.panel.process SESSION_DIR``.

In: JSON lines from control on stdin (`instrument.panel.messages.link`), pages on the web server.
Out: MIDI into the engine block, JSON lines to control. It ends when control does.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
import time
from pathlib import Path
from queue import SimpleQueue

import uvicorn

from instrument.bundle.installed import installed_models
from instrument.panel.messages.link import (
    FROM_CONTROL,
    FromControl,
    PanelSettings,
    Serving,
)
from instrument.panel.messages.requests import LIMIT_BYTES
from instrument.panel.web.access import Guard
from instrument.panel.web.server import Panel
from instrument.processes.heartbeat import Heartbeat
from instrument.processes.json_lines import Failed, Notice, listen, say
from instrument.realtime.memory.constants import PANEL_BEATS
from instrument.realtime.memory.state import EngineState

USUAL_PORT = 8347
LIMIT_SECONDS = 5.0
LIFE_SECONDS = 0.25
PATIENCE_SECONDS = 3.0
_NO_VOICE = ("frame_voice", "gansynth", "convgan")


def open_socket(host: str, port: int, *, any_port: bool = False) -> socket.socket:
    """Listen at the port that was asked for; else at the usual one, or any if that is taken.

    Parameters
    ----------
    any_port
        Another one if the port stays taken that was asked for, and never the usual one.

    Raises
    ------
    OSError
        The port that was asked for is not to be had.
    """
    wanted = [port] if port else [USUAL_PORT, 0]
    if any_port:
        wanted = [port] * round(PATIENCE_SECONDS / LIFE_SECONDS) * bool(port) + [0]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in wanted:
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, number))
            listening.listen()  # whoever comes now waits until it is served
        except OSError:
            listening.close()
            if number == wanted[-1]:
                raise
            if any_port:
                time.sleep(LIFE_SECONDS)  # whoever had it is about to end
            continue
        return listening
    raise AssertionError("a port was bound, or an error raised")


async def open_osc(panel: Panel, port: int) -> None:
    """Let this machine's programs talk over UDP; the panel goes on without if that cannot be."""
    from instrument.panel.web.osc import LOOPBACK, Osc  # of an extra

    loop = asyncio.get_running_loop()
    osc = Osc(panel.new_hands(), panel.hear_page, panel.pages)
    try:
        await loop.create_datagram_endpoint(lambda: osc, local_addr=(LOOPBACK, port))
    except OSError as problem:
        remedy = "Choose another --osc; everything else goes on."
        say(Notice(f"OSC cannot listen at port {port}: {problem.strerror}", remedy))
        return
    say(Notice(f"OSC: {LOOPBACK}, port {port}"))


async def serve(panel: Panel, server: uvicorn.Server, listening: socket.socket) -> None:
    """Serve until `server` is told to end."""
    telling = asyncio.gather(panel.run(), panel.delays.watch())
    try:
        await server.serve(sockets=[listening])
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def follow_control(
    panel: Panel, server: uvicorn.Server, heard: SimpleQueue[FromControl | None]
) -> None:
    """Hear control until it is gone; then the server ends."""
    while (message := await asyncio.to_thread(heard.get)) is not None:
        panel.hear_control(message)
    server.should_exit = server.force_exit = True


async def show_life(heart: Heartbeat) -> None:
    """Show that this loop goes round."""
    while True:
        heart.work(LIMIT_SECONDS)
        await asyncio.sleep(LIFE_SECONDS)


def main() -> None:
    """Serve the session whose folder is the only argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is control's business
    folder = Path(sys.argv[1])
    heard = listen(FROM_CONTROL)
    settings = PanelSettings.load(folder)
    state = EngineState.attach(folder)
    heart = Heartbeat(state, PANEL_BEATS, folder).start()
    try:
        listening = open_socket(settings.host, settings.port, any_port=settings.any_port)
    except OSError as problem:
        say(
            Failed(
                f"the panel cannot listen at {settings.host} port {settings.port}: "
                f"{problem.strerror}",
                "Choose another --panel-port; the music goes on without the panel.",
            )
        )
        return
    models = tuple(name for name in installed_models() if not name.startswith(_NO_VOICE))
    panel = Panel(state, folder, say, models)
    config = uvicorn.Config(
        Guard(panel.application(), settings.token, settings.host),
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=LIMIT_BYTES,
        ws_ping_interval=5.0,
        ws_ping_timeout=5.0,
        limit_concurrency=64,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    port = listening.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    shown = {"0.0.0.0": socket.gethostname(), "[::]": socket.gethostname()}.get(host, host)  # noqa: S104
    say(Serving(f"http://{shown}:{port}/?token={settings.token}", port))

    gc.freeze()  # a look through all modules for what nobody holds any more would take 60 ms

    async def both() -> None:
        if settings.osc_port:
            await open_osc(panel, settings.osc_port)
        living = asyncio.create_task(show_life(heart))
        following = asyncio.create_task(follow_control(panel, server, heard))
        await serve(panel, server, listening)
        heard.put(None)  # whatever ended it: nobody waits for control any more
        living.cancel()
        await asyncio.gather(living, following, return_exceptions=True)

    asyncio.run(both())


if __name__ == "__main__":
    main()
