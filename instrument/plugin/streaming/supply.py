"""What one instance says of its held notes, and which sounds they go on with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from instrument.plugin.streaming.messages import StreamBank
from instrument.plugin.streaming.supervisor import StreamedInstance, Streaming
from instrument.preset.preset import Preset


class StreamSupply:
    """Let one instance's held notes go on.

    Parameters
    ----------
    streaming
        Of all instances.
    folder
        For copies of its presets: what is played may be changed or gone when it is needed.
    say
        Takes lines for the plug-in, on any thread.
    """

    def __init__(self, streaming: Streaming, folder: Path, say: Callable[[str], None]) -> None:
        self._streaming, self._folder, self._say = streaming, folder, say
        self._instance: StreamedInstance | None = None
        self._banks: dict[int, str] = {}  # the recipes of what they play
        self._before: set[str] = set()  # those whose notes have gone over to what plays now

    def know(self, recipe: str, path: Path, preset: Preset) -> None:
        """Keep the sound that the plug-in is going to play, by the recipe of its tones."""
        if preset.sound.is_streamed:
            with suppress(OSError):
                shutil.copyfile(path, self._copy(recipe))

    def share(self, name: str) -> None:
        """Serve the memory of a name from now on, and say whether that can be done."""
        self.leave()
        self._instance = self._streaming.share(name, self._say)
        self._say(f"STREAMS {int(self._instance is not None)}")

    def play(self, bank: int, number: int, recipe: str, tables: tuple[str, ...]) -> None:
        """Serve what a bank plays."""
        if self._instance:
            self._banks[bank] = recipe
            preset = self._known(recipe)
            order = StreamBank(self._instance.key, bank, number, preset, tables)
            self._streaming.play(self._instance, order)

    def begin(self) -> None:
        """Leave notes that are held as they are: what comes is another preset."""
        self._before.clear()

    def go_over(self, before: str, after: str) -> None:
        """Let notes that are held with one sound go over to another one of its model at once."""
        self._before.add(before)
        for bank, recipe in self._banks.items():
            is_held = recipe in self._before and recipe != after
            if self._instance and is_held and (preset := self._known(after)):
                self._streaming.morph(self._instance, bank, preset)

    def leave(self) -> None:
        """Serve nothing any more."""
        if self._instance:
            self._streaming.leave(self._instance)
        self._instance = None

    def _known(self, recipe: str) -> str:
        path = self._copy(recipe)
        return str(path) if path.is_file() else ""

    def _copy(self, recipe: str) -> Path:
        return self._folder / f"streamed_{recipe}.toml"
