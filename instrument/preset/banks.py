"""Which preset lies in which bank of the engine, and which one comes when hands ask for another.

Held notes read their bank for as long as they sound, so a bank may only be filled again when no
voice reads it. Three banks hold presets, beside those of the built-in tone and the drum kit: the
preset that plays, and the last ones before it, to which going back costs nothing. Where four sounds
play at once there is a fourth one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from instrument.errors import PresetError
from instrument.preset.preset import (
    DEFAULT_PRESET,
    Preset,
    PresetEntry,
    file_stem,
    find_preset,
    list_presets,
    load_preset,
    save_preset,
)
from instrument.preset.voice_parameters import write_sound
from instrument.realtime.memory.constants import (
    ALL_CHANNELS,
    BUILT_IN_BANK,
    CHANNEL_COUNT,
    FADE_BANK,
    FOURTH_BANK,
    KIT_BANK,
    PRESET_BANKS,
    USE_BANK,
)
from instrument.realtime.memory.state import EngineState


def program_table(entries: list[PresetEntry]) -> dict[int, PresetEntry]:
    """Say which program change selects which preset.

    A preset's own ``program`` number counts; presets without one take the numbers that are left,
    in the order of the list. Broken presets have none.
    """
    playable = [entry for entry in entries if entry.preset]
    table: dict[int, PresetEntry] = {}
    for entry in playable:
        if entry.preset and entry.preset.program is not None:
            table.setdefault(entry.preset.program, entry)
    left = iter(number for number in range(128) if number not in table)
    for entry in playable:
        if entry not in table.values() and (number := next(left, None)) is not None:
            table[number] = entry
    return dict(sorted(table.items()))


def with_program(preset: Preset, path: Path) -> Preset:
    """Give a preset that is about to be written a program number which stays its own.

    Without one in its file it would have one that moves whenever presets come and go. It keeps the
    number that `path` has by now; with all 128 taken it has none.
    """
    table = program_table(list_presets())
    own = next((number for number, entry in table.items() if entry.path == path), None)
    free = next((number for number in range(128) if number not in table), None)
    return replace(preset, program=free if own is None else own)


def chosen_preset(name: str | None) -> Path:
    """Find the preset asked for, or the one that plays when none is.

    Parameters
    ----------
    name
        What the player typed; None for no choice.

    Raises
    ------
    PresetError
        There is no such preset, or no preset at all.
    """
    if name:
        return find_preset(name)
    playable = [entry for entry in list_presets() if entry.preset]
    if not playable:
        raise PresetError("there is no preset to play", "Make one: latentkeys presets new --help")
    by_name = {entry.name: entry.path for entry in playable}
    return by_name.get(DEFAULT_PRESET, playable[0].path)


def preset_file(preset: Preset | Path | str | None, folder: Path) -> Path:
    """Return the file of a preset that a program names, or has made itself.

    Parameters
    ----------
    preset
        As `chosen_preset` takes it; a `Preset` is written into `folder` and checked when it is
        read, as any other file.

    Raises
    ------
    PresetError
        There is no such preset.
    """
    if not isinstance(preset, Preset):
        return chosen_preset(str(preset) if preset else None)
    number = len(list(folder.glob("*.toml"))) + 1  # a preset may come again, changed
    path = folder / f"{file_stem(preset.name)}_{number}.toml"
    save_preset(preset, path)
    return path


@dataclass(frozen=True, slots=True)
class LoadedPreset:
    """A preset and the bank it lies in."""

    path: Path
    preset: Preset
    bank: int


class PresetBanks:
    """The engine's banks, seen by control, which is the only one to use this.

    Parameters
    ----------
    state
        The engine block.
    own_channels
        MIDI channels, 0-15, that have a preset of their own, or none yet: the partner's, and those
        of parts beyond the first.
    """

    def __init__(self, state: EngineState, own_channels: tuple[int, ...] = ()) -> None:
        self._state = state
        self._banks = (*PRESET_BANKS, FOURTH_BANK)[: int(state.fields["preset_banks"])]
        self._own_channels = own_channels
        self._drum_channels: frozenset[int] = frozenset()
        self._loaded: list[LoadedPreset] = []  # the least recently used first
        self.current: LoadedPreset | None = None  # what new notes play
        self._others: dict[int, LoadedPreset] = {}  # what channels play that have their own

    @property
    def loaded(self) -> list[LoadedPreset]:
        """Every preset that lies in a bank, the most recently used last."""
        return list(self._loaded)

    def find(self, path: Path) -> LoadedPreset | None:
        """Return a preset that is in a bank already."""
        return next((loaded for loaded in self._loaded if loaded.path == path), None)

    def prepare(self, path: Path) -> LoadedPreset:
        """Give the first preset a bank, before the engine plays: no key ever sounds without it.

        Raises
        ------
        PresetError
            The file is wrong.
        """
        assert not self._loaded
        first = LoadedPreset(path, load_preset(path), BUILT_IN_BANK + 1)
        write_sound(self._state, first.bank, first.preset)
        self._state.channels["bank"] = first.bank  # nobody else writes it yet
        self._loaded.append(first)
        return first

    def place(self, path: Path) -> LoadedPreset | None:
        """Give a preset a bank; the models process has to fill it then.

        None means that every bank sounds: the one that was used longest ago has been told to fade
        (30 ms). Ask again.

        Raises
        ------
        PresetError
            The file is wrong.
        """
        if found := self.find(path):
            return found
        preset = load_preset(path)
        bank = self._free_bank()
        if bank is None:
            for oldest in self._replaceable()[:1]:
                self._state.command(FADE_BANK, oldest)
            return None
        self._loaded = [loaded for loaded in self._loaded if loaded.bank != bank]
        self._state.clear_bank(bank)
        write_sound(self._state, bank, preset)
        placed = LoadedPreset(path, preset, bank)
        self._loaded.append(placed)
        return placed

    def use(self, loaded: LoadedPreset) -> None:
        """Let new notes on every channel play this preset; held ones keep what they have."""
        self._loaded.remove(loaded)
        self._loaded.append(loaded)
        self.current = loaded
        others = {*self._own_channels, *self._drum_channels}
        hands = [channel for channel in range(CHANNEL_COUNT) if channel not in others]
        for channel in hands if others else [ALL_CHANNELS]:
            self._state.command(USE_BANK, loaded.bank, channel)

    def reshape(self, path: Path) -> bool:
        """Let what plays have another preset's knobs, if its tones are the same; else False.

        Parameters
        ----------
        path
            The other preset's file.

        Raises
        ------
        PresetError
            The file is wrong.
        """
        old = self.current
        if old is None or self.find(path) is not None:
            return False
        preset = load_preset(path)
        if _tones_of(preset) != _tones_of(old.preset):
            return False
        write_sound(self._state, old.bank, preset)
        self.current = LoadedPreset(path, preset, old.bank)
        self._loaded[self._loaded.index(old)] = self.current
        for channel, loaded in self._others.items():
            if loaded == old:
                self._others[channel] = self.current
        return True

    def use_kit(self, channels: frozenset[int]) -> None:
        """Let channels play drums, whatever presets come; what played drums before plays keys.

        `rendering.drum_kit.fill_drum_kit` fills the kit's bank.
        """
        given_back = self._drum_channels - channels
        self._drum_channels = channels
        for channel in channels:
            self._state.command(USE_BANK, KIT_BANK, channel)
        for channel in given_back:
            plays = self._others.get(channel, self.current)
            if plays:
                self._state.command(USE_BANK, plays.bank, channel)

    def played_on(self, channel: int) -> LoadedPreset | None:
        """Return the preset of a channel that has its own; None before it was given one."""
        return self._others.get(channel)

    def use_on(self, channels: tuple[int, ...], loaded: LoadedPreset) -> None:
        """Let new notes of some of the own channels play this preset."""
        for channel in channels:
            self._others[channel] = loaded
            self._state.command(USE_BANK, loaded.bank, channel)

    @property
    def has_room(self) -> bool:
        """Whether another preset can come: not every bank is played by some channel."""
        return len(self._loaded) < len(self._banks) or bool(self._replaceable())

    def _free_bank(self) -> int | None:
        taken = [loaded.bank for loaded in self._loaded]
        empty = [bank for bank in self._banks if bank not in taken]
        candidates = [*empty, *self._replaceable()]
        return next((bank for bank in candidates if self._state.bank_is_free(bank)), None)

    def _replaceable(self) -> list[int]:
        """Return the banks of presets that nobody plays, the least recently used first.

        A partner without a preset stays on the first one.
        """
        played = {loaded.bank for loaded in (self.current, *self._others.values()) if loaded}
        played.update(int(bank) for bank in self._state.channels["bank"])
        return [loaded.bank for loaded in self._loaded if loaded.bank not in played]


def _tones_of(preset: Preset) -> tuple[object, ...]:
    """Return what of a preset its tones depend on."""
    sound = preset.sound
    tones = preset.model, sound.latent, sound.note_seconds, sound.sustain, sound.manner
    return *tones, preset.soft, preset.slide
