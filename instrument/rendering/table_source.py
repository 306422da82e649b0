"""Where tone tables come from: the disk cache, or else a model that is opened for them.

Used by the models process while people play, and by `instrument.offline.render_song` when a file
is rendered, so that both hear the same tones, to the bit.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

from instrument.bundle.bundle import Bundle
from instrument.bundle.installed import find_bundle
from instrument.bundle.reference import ModelReference
from instrument.errors import PresetError
from instrument.preset.preset import Preset, load_preset
from instrument.realtime.memory.state import EngineState
from instrument.remote.served_graphs import ANSWER_SECONDS
from instrument.rendering.held.stream_server import StreamServer
from instrument.rendering.open_renderer import for_sound, open_renderer
from instrument.rendering.renderer import ToneRenderer
from instrument.rendering.tone_cache import ToneCache, kept_tones, table_key
from instrument.rendering.tone_table import TableFiller, put_tone, read_table, tone_frames

USUAL_RATES_HZ = (44_100, 48_000, 96_000)


def usual_threads() -> int:
    """Return how many cores rendering may use: all but the audio's."""
    return max(1, (os.cpu_count() or 2) - 1)


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A table that is being rendered.

    Attributes
    ----------
    filler
        Call its `step` until it returns None, then `ToneTables.keep`.
    renderer
        Renders it.
    """

    bank: int
    filler: TableFiller
    cache_key: str
    renderer: ToneRenderer

    @property
    def provider(self) -> str:
        """Where the model really runs at this moment."""
        return self.renderer.info.provider

    @property
    def notice(self) -> str:
        """Why it does not run where one would expect; usually empty."""
        return self.renderer.info.notice


class ToneTables:
    """Fill banks of an engine block with the tones of presets.

    Parameters
    ----------
    state
        The engine block; its rate must be known.
    cache
        Where rendered tables are kept; the user's cache folder when not given.
    threads
        Cores that rendering may use; all but one when not given: that one is the audio's.
    renderers
        Those that are open already, by their bundle's sha256.

    Attributes
    ----------
    streams : StreamServer
        Renders held notes on, for the banks whose presets stream.
    """

    def __init__(
        self,
        state: EngineState,
        cache: ToneCache | None = None,
        threads: int | None = None,
        renderers: dict[str, ToneRenderer] | None = None,
    ) -> None:
        self._state = state
        self._cache = cache or ToneCache(kept_tones())
        self._threads = threads or usual_threads()
        self._renderers = renderers or {}
        self._bundles: dict[ModelReference, Bundle] = {}
        self._prepared: dict[Path, tuple[Preset, Bundle]] = {}
        self.streams = StreamServer(state)
        self._address, self._patience_seconds = "", 0.0

    def render_at(self, address: str, patience_seconds: float = ANSWER_SECONDS) -> None:
        """Render at a server from now on, or here where it is empty.

        Parameters
        ----------
        address
            As `instrument.remote.address` reads it.
        patience_seconds
            So long the first tone waits for the server to be ready.
        """
        if address != self._address:
            self._address, self._patience_seconds = address, patience_seconds
            self._renderers.clear()

    def prepare(self, path: Path) -> None:
        """Do what `begin` can do before the rate is known: check the files, open the model.

        The model stays closed if the preset is in the cache at a usual rate.

        Raises
        ------
        PresetError, BundleError, MissingExtraError
            As `begin`.
        """
        self._prepared[path] = preset, bundle = self._read(path)
        keys = [self._keys(preset, bundle, rate_hz) for rate_hz in USUAL_RATES_HZ]
        if not any(self._cache.has(key) for key in itertools.chain(*keys)):
            renderer = self._renderer(bundle, preset)
            renderer.open(tone_frames(preset, renderer.info.sample_rate_hz))

    def morph(self, bank: int, path: Path) -> None:
        """Let the notes that a bank streams sound like another preset at once; `begin` it then.

        Raises
        ------
        PresetError, BundleError
            The preset or its model is wrong.
        """
        self._prepared[path] = preset, bundle = self._read(path)
        self.streams.morph(bank, preset, bundle)

    def begin(self, bank: int, path: Path) -> OpenTable | None:
        """Fill a bank from the cache and return None, or open what has to be rendered.

        Raises
        ------
        PresetError, BundleError, MissingExtraError
            The preset or its model is wrong, or there is no onnxruntime.
        """
        prepared = self._prepared.pop(path, None)
        preset, bundle = prepared if prepared else self._read(path)
        self.streams.play(bank, preset, bundle)
        keys = self._keys(preset, bundle, round(self._state.rate_hz))
        assert self._state.tones is not None
        for key in keys:
            if tones := self._cache.load(key, self._state.tones.shape[-1]):
                for tone in tones:
                    put_tone(self._state, bank, tone)
                return None
        renderer = self._renderer(bundle, preset)
        filler = TableFiller(self._state, bank, preset, renderer)
        return OpenTable(bank, filler, keys[-1], renderer)

    def hold(self, bank: int, path: Path) -> None:
        """Serve the held notes of a bank that another process has filled.

        Raises
        ------
        PresetError, BundleError
            The preset or its model is wrong by now.
        """
        self.streams.play(bank, *self._read(path))

    def _read(self, path: Path) -> tuple[Preset, Bundle]:
        preset = load_preset(path)
        if preset.model not in self._bundles:  # to hash its weights again takes 20 ms
            self._bundles[preset.model] = find_bundle(preset.model, path)
        return preset, self._bundles[preset.model]

    def keep(self, table: OpenTable) -> None:
        """Put a complete table into the cache.

        Raises
        ------
        FileError
            The cache cannot be written; the bank itself is fine.
        """
        self._cache.save(table.cache_key, read_table(self._state, table.bank))

    @property
    def on_gpu(self) -> bool:
        """Whether any model that was opened renders on a GPU."""
        return any(renderer.info.provider == "cuda" for renderer in self._renderers.values())

    @property
    def is_remote(self) -> bool:
        """Whether a server is asked for tones."""
        return bool(self._address)

    def keep_awake(self) -> None:
        """Keep the GPU's clocks up; it takes the first milliseconds of a preset otherwise."""
        for renderer in self._renderers.values():
            renderer.keep_awake()

    def _keys(self, preset: Preset, bundle: Bundle, rate_hz: int) -> list[str]:
        """Name the cache's entries that will do, the one that is written last.

        What a server has rendered never passes for what this machine has.
        """
        sound = preset.sound
        model = f"{bundle.sha256} {sound.table_sustain}{sound.manner}"
        frames = tone_frames(preset, rate_hz)
        models = [model, f"{model} {self._address}"] if self._address else [model]
        latents = [number for latent in preset.layer_latents for number in latent]
        return [table_key(each, latents, rate_hz, frames) for each in models]

    def _renderer(self, bundle: Bundle, preset: Preset) -> ToneRenderer:
        if bundle.sha256 not in self._renderers:
            self._renderers[bundle.sha256] = self._opened(bundle)
        renderer = self._renderers[bundle.sha256]
        return for_sound(renderer, preset.sound, round(self._state.rate_hz))

    def _opened(self, bundle: Bundle) -> ToneRenderer:
        near = open_renderer(bundle, self._threads)
        if not self._address:
            return near
        from instrument.rendering.remote_renderer import RemoteRenderer  # tritonclient: an extra

        return RemoteRenderer(bundle, near, self._address, self._patience_seconds)


class RendererTables(ToneTables):
    """Fill banks with the tones of one renderer, whichever model presets name.

    For renderers that no bundle stands behind, such as one that a program has made itself. Nothing
    is kept on the disk: who knows whether it sounds the same tomorrow?

    Parameters
    ----------
    state
        The engine block; its rate must be known.
    renderer
        Renders every preset; latents must have as many numbers as it says.
    """

    def __init__(self, state: EngineState, renderer: ToneRenderer) -> None:
        super().__init__(state)
        self._renderers = {"": renderer}

    def prepare(self, path: Path) -> None:
        """Check the preset."""
        self._check(path)

    def begin(self, bank: int, path: Path) -> OpenTable:
        """Begin a table; nothing is streamed.

        Raises
        ------
        PresetError
            The preset is wrong, or its latent is not this renderer's.
        """
        preset = self._check(path)
        renderer = for_sound(self._renderers[""], preset.sound, round(self._state.rate_hz))
        filler = TableFiller(self._state, bank, preset, renderer)
        return OpenTable(bank, filler, "", renderer)

    def keep(self, table: OpenTable) -> None:
        """Keep nothing."""

    def _check(self, path: Path) -> Preset:
        preset = load_preset(path)
        size = self._renderers[""].info.latent_size
        if len(preset.sound.latent) != size:
            raise PresetError(
                f'preset "{path.name}": [sound] latent has {len(preset.sound.latent)} numbers, '
                f"the renderer takes {size}"
            )
        return preset
