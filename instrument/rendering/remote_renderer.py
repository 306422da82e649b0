"""Tones from a server as long as it answers in time, and from this machine otherwise.

In: a bundle, this machine's renderer of it, and a server that has its graphs. Out: tones. What is
around the graphs (noise, gains, onsets) is done here by the class that plays the bundle
anyway, so that both ways give the same tones but for rounding.
"""

from __future__ import annotations

import copy
import dataclasses
import threading
import time
from collections.abc import Callable

from numpy.typing import ArrayLike

from instrument.bundle.bundle import Bundle
from instrument.errors import BundleError
from instrument.remote.address import Address
from instrument.remote.served_graphs import ANSWER_SECONDS, FIRST_SECONDS, ServedGraphs
from instrument.remote.server import Server, ServerError
from instrument.rendering.open_renderer import RENDERERS, self_test
from instrument.rendering.renderer import Audio, MovingRenderer, RendererInfo, ToneRenderer

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 30.0
STEADY_SECONDS = 60.0
"""A server that is lost sooner than so long after it came is asked less often."""
_AWAY = "{}: this machine renders until it does."
_BACK = "{} renders again."


class ServerLink:
    """Whether a server renders a bundle; a thread of its own tries it until it does.

    A server is used once it has rendered the card's test tones, and then has given what it was
    last lost over within the time of a hand.

    Parameters
    ----------
    bundle
        What it shall render.
    server
        Is asked.
    """

    def __init__(self, bundle: Bundle, server: Server) -> None:
        self._bundle, self._server = bundle, server
        self.far: ToneRenderer | None = None  #: renders there, while the server does
        self.notice = ""  #: what has changed, as a sentence
        self._lengths: set[int] = set()  # in frames, that it was lost over
        self._tried, self._lost = threading.Event(), threading.Event()
        threading.Thread(target=self._watch, name="server link", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Wait until the server has been tried for the first time."""
        self._tried.wait(seconds)

    def lose(self, problem: BundleError | ServerError, frames: int) -> None:
        """Leave the server alone until it can do what it has just failed to do.

        Parameters
        ----------
        frames
            Of the tones that were asked for.
        """
        self._lengths.add(frames)
        self.far = None
        self.notice = _AWAY.format(problem.message)
        self._lost.set()

    def _watch(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            self._lost.clear()
            try:
                self.far = self._open()
            except (ServerError, BundleError) as problem:
                if not self._tried.is_set():
                    self.notice = _AWAY.format(problem.message)
                self._tried.set()
            else:
                if self.notice:
                    self.notice = _BACK.format(self._server.name)
                self._tried.set()
                since = time.monotonic()
                self._lost.wait()
                if time.monotonic() - since > STEADY_SECONDS:
                    pause = _FIRST_PAUSE_SECONDS
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _open(self) -> ToneRenderer:
        tests = self._bundle.sound.self_test
        if not tests:
            raise BundleError(f"{self._bundle.what}: has no test tones to try a server with")
        graphs = ServedGraphs(self._server)
        renderer = RENDERERS[self._bundle.sound.kind](self._bundle, graphs)
        graphs.limit_seconds = FIRST_SECONDS
        self_test(self._bundle, renderer)
        pitch, latent = [tests[0].pitch], [tests[0].latent]
        for frames in (*self._lengths, renderer.info.attack_frames, renderer.info.longest_frames):
            for graphs.limit_seconds in (FIRST_SECONDS, ANSWER_SECONDS):
                renderer.render(pitch, latent, frames=frames)
        return renderer


class RemoteRenderer:
    """Tones from a server, or from here while it is slow or gone; see `ToneRenderer`.

    Belongs to one thread.

    Parameters
    ----------
    bundle
        Of what is rendered.
    near
        Renders it here.
    address
        Where it is rendered otherwise, as `instrument.remote.address` reads it.
    patience_seconds
        So long the first tone waits for the server to be ready.

    Raises
    ------
    SettingError, MissingExtraError
        That is no address, or tritonclient is not installed.
    """

    def __init__(
        self,
        bundle: Bundle,
        near: ToneRenderer,
        address: str,
        patience_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._near = near
        self._link = ServerLink(bundle, Server(Address.parse(address)))
        self._moved: Callable[[ToneRenderer], ToneRenderer] = lambda renderer: renderer
        self._link.wait(patience_seconds)

    @property
    def info(self) -> RendererInfo:
        """What it is; where tones are rendered, and why not there, may change at any time."""
        near = self._near.info
        provider = "remote" if self._link.far else near.provider
        return dataclasses.replace(
            near, provider=provider, notice=self._link.notice or near.notice, tones_at_once=1
        )

    def open(self, frames: int) -> None:
        """Open here what a server that fails would leave to do."""
        self._near.open(frames)

    def keep_awake(self) -> None:
        """Keep this machine's GPU awake; the server looks after its own."""
        self._near.keep_awake()

    def moving(self, share: float) -> RemoteRenderer:
        """Return it with so much motion, where the model has any."""
        return self._with(
            lambda renderer: (
                renderer.moving(share) if isinstance(renderer, MovingRenderer) else renderer
            )
        )

    def as_recorded(self) -> RemoteRenderer:
        """Return it with all the motion that the model has learned."""
        return self._with(
            lambda renderer: (
                renderer.as_recorded() if isinstance(renderer, MovingRenderer) else renderer
            )
        )

    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        """Render held tones; see `ToneRenderer.render`."""
        if far := self._link.far:
            try:
                return self._moved(far).render(pitches, latents, velocities, frames)
            except (ServerError, BundleError) as problem:
                self._link.lose(problem, frames or self._near.info.longest_frames)
        return self._moved(self._near).render(pitches, latents, velocities, frames)

    def _with(self, moved: Callable[[ToneRenderer], ToneRenderer]) -> RemoteRenderer:
        other = copy.copy(self)
        other._moved = moved
        return other
