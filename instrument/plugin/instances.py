"""What the service says to one instance of the plug-in, and does for it: its sounds, its partner.

Each has a connection and a thread of its own::

    HELLO 1 token rate layout   →  OK 5
    PRESET n place, n bytes     →  SOUND: its fields and recipe, then TABLE path, FAILED why;
                                   the first time NAMES too: which program change is which preset
    PROGRAM number              →  PRESET: that preset's file, then as above
    MORPH place                 →  SOUND of that place of the map, with a line that names it, and
                                   TABLE as above. A place is x y, or - where the preset itself
                                   lies, which AT x y says after each preset; AT - without a map
    WANT pitch                     a key that was struck and has no tone yet
    PARTNER 1 or 0              →  PARTNER_READY, once the preset's partner listens; PARTNER_GONE;
                                   PARTNER_SOUND and PARTNER_TABLE as above, PARTNER_FAILED why
    RUN, TEMPO, HEAR, UNTIL, STOP  for the partner, as `instrument.plugin.host_partner` has them;
                                   what it says to them comes back
    SHARED name                 →  STREAMS 1, or 0: memory for held notes (`streaming.memory`)
    STREAM bank number recipe      what a bank plays, once its table is there
    PANEL, SEEN                    for the web panel, as `instrument.plugin.instance_panel` has them
    PING number                 →  PONG number
"""

from __future__ import annotations

import hmac
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from socket import socket
from typing import BinaryIO

import msgspec

from instrument.errors import LatentkeysError
from instrument.panel.messages.link import CallPartner
from instrument.partner.messages import View
from instrument.plugin.morphing import Place, read_place
from instrument.plugin.panel_wishes import PanelWishes
from instrument.plugin.parameters import PARAMETERS
from instrument.plugin.partner_link import PartnerLink
from instrument.plugin.sound_supply import SoundSupply
from instrument.plugin.streaming.supervisor import Streaming
from instrument.plugin.streaming.supply import StreamSupply
from instrument.plugin.tables.rendering import Renderings
from instrument.plugin.tables.table_file import layout_number
from instrument.plugin.tables.table_supply import TableSupply
from instrument.preset.banks import program_table
from instrument.preset.partner_options import PartnerOptions
from instrument.preset.preset import (
    Preset,
    PresetEntry,
    find_preset,
    list_presets,
    load_preset,
    save_preset,
)
from instrument.realtime.memory.constants import BANK_COUNT

VERSION = 5
"""2: partners, and a PING is answered; 3: a panel; 4: places of the map; 5: held notes go on."""
MOST_PRESET_BYTES = 1 << 20
PROGRAM, PARTNER = (
    next(entry.id for entry in PARAMETERS if entry.kind == kind) for kind in ("program", "partner")
)
_VIEWS = msgspec.json.Decoder(View)
FOR_THE_PARTNER = (b"RUN", b"TEMPO", b"HEAR", b"UNTIL", b"STOP")


class Instance:
    """One plug-in instance's connection.

    Parameters
    ----------
    renderings, streaming
        Of all instances.
    connection, stream
        What to write to and read from.
    folder
        Where its presets are put while they are rendered.
    """

    def __init__(
        self,
        renderings: Renderings,
        streaming: Streaming,
        connection: socket,
        stream: BinaryIO,
        folder: Path,
    ) -> None:
        self._connection, self._stream = connection, stream
        self._folder = folder
        self._rate_hz = 0
        self._programs: dict[int, PresetEntry] = {}  # as they were when one was last chosen
        self._has_named = False
        self._tables = TableSupply(renderings, self.say, self.fail)
        self._held_notes = StreamSupply(streaming, folder, self.say)
        self._sound = SoundSupply(
            self, self._tables, self._held_notes, lambda: self._rate_hz, folder
        )
        self._partner: PartnerLink | None = None
        self._number = 0
        self._write = threading.Lock()
        self._turn = threading.RLock()  # the host's wishes and the panel's come one after the other
        self._partner_wish: PartnerOptions | None = None  #: as the panel has it
        self._panel = PanelWishes(self, folder, self.say)

    def attend(self, token: str) -> None:
        """Answer until it is gone."""
        words = self._stream.readline(300).split()
        if (
            len(words) != 5
            or words[0] != b"HELLO"
            or not hmac.compare_digest(words[2], token.encode())
        ):
            return
        if words[1] != b"1" or int(words[4], 16) != layout_number():
            self.say("NO The plug-in is of another version: latentkeys plugin install")
            return
        self._rate_hz = int(words[3])
        if not 8_000 <= self._rate_hz <= 768_000:
            return
        self.say(f"OK {VERSION}")
        while line := self._stream.readline(300):
            with self._turn:
                self._do(line)
            if not self._has_named:  # after what somebody waits for
                self._tell_names(self._programs or program_table(list_presets()))

    def _do(self, line: bytes) -> None:
        verb, _, rest = line.partition(b" ")
        if verb in FOR_THE_PARTNER:
            if self._partner:
                self._partner.tell(line.decode())
        elif verb == b"PRESET":
            count, *place = rest.split()
            self._take(int(count), read_place(place or [b"-"]))
        elif verb == b"PROGRAM":
            self._choose(int(rest))
        elif verb == b"MORPH":
            self._go_to(read_place(rest.split()))
        elif verb == b"PARTNER":
            self._call_partner(is_wanted=int(rest) > 0)
        elif verb == b"PING":
            self.say(f"PONG {int(rest)}")
        elif verb == b"WANT":
            self._tables.want(int(rest))
        elif verb == b"SHARED":
            self._held_notes.share(rest.decode().rstrip("\n"))
        elif verb == b"STREAM":
            self._play_on(*rest.split())
        elif verb == b"PANEL":
            self._open_panel(*rest.decode().split())
        elif verb == b"SEEN":
            self._panel.see(rest.split())
        else:
            raise ValueError(f"what is {line[:80]!r}?")

    def _play_on(self, bank: bytes, number: bytes, recipe: bytes) -> None:
        name = bytes.fromhex(recipe.decode()).hex()  # nothing else becomes a part of a path
        tables = self._tables.places_of(name, self._rate_hz)
        self._held_notes.play(int(bank) % BANK_COUNT, int(number), name, tables)

    def _open_panel(self, shows: str, port: str, token: str) -> None:
        address = (int(port), "" if token == "-" else token)  # noqa: S105 - there is none yet
        try:
            self._panel.open(self._rate_hz, address, shows=shows == "1")
        except OSError as problem:
            self.fail(f"the panel cannot be opened: {problem.strerror}. Free some space")
            return
        if self._sound.preset:
            self._panel.show_song(self._sound.on_map.playing or self._sound.preset)
        if self._partner:
            self._partner.look()

    def _tell_names(self, programs: dict[int, PresetEntry]) -> None:
        self._has_named = True
        named = ((n, entry.preset) for n, entry in programs.items() if entry.preset)
        self.send("NAMES", "".join(f"{n} {preset.name}\n" for n, preset in named))

    def _take(self, count: int, place: Place | None) -> None:
        if not 0 <= count <= MOST_PRESET_BYTES:
            raise ValueError(f"a preset of {count} bytes")
        self._number += 1
        path, content = self._folder / f"song_{self._number}.toml", self._stream.read(count)
        try:
            path.write_bytes(content)
        except OSError as problem:
            self.fail(f"the song's preset cannot be kept: {problem.strerror}. Free some space")
            return
        self._partner_wish = None
        self._sound.begin(path, place)
        if self._panel.is_open:
            self._panel.show_song(self._sound.on_map.playing or path)

    def _go_to(self, place: Place | None) -> None:
        """Let the preset sound as another place of its map does."""
        self._sound.on_map.place = place
        if self._sound.preset:
            self._sound.go_over(self._sound.preset)
            if self._panel.is_open and self._sound.on_map.playing:
                self._panel.show(self._sound.on_map.playing)

    def _choose(self, number: int) -> None:
        self._programs = program_table(list_presets())
        entry = self._programs.get(number)
        if entry is None:
            self.fail(f"there is no preset {number}. Choose another one")
            return
        try:
            text = entry.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            self.fail(f'"{entry.path}" cannot be read: {problem}')
            return
        self._partner_wish = None
        self.send("PRESET", text)
        self._sound.begin(entry.path)
        self._panel.show(entry.path)

    def choose(self, path: Path) -> None:
        """Let it play another preset: its panel asks for it."""
        with self._turn:
            entries = list_presets()
            programs = program_table(entries)
            number = next((n for n, entry in programs.items() if entry.path == path), None)
            self._partner_wish = None
            if number is not None:
                self.say(f"TURN {PROGRAM} {number / 127!r}")
            self.send("PRESET", path.read_text(encoding="utf-8"))
            self._sound.begin(path)

    def shape(self, path: Path, *, carries: bool) -> None:
        """Let what it plays become another preset: its panel asks for it.

        Raises
        ------
        OSError
            The file cannot be kept.
        """
        with self._turn:
            kept = self._folder / "shaped.toml"
            if self._partner_wish:
                save_preset(replace(load_preset(path), partner=self._partner_wish), kept)
            else:
                shutil.copyfile(path, kept)
            is_there = self._sound.on_map.place and not self.needs_tones(load_preset(kept))
            self._sound.on_map.shape(has_new_tones=not is_there)
            self.send("SHAPED", kept.read_text(encoding="utf-8"), f" {int(carries)}")
            if carries:
                self._sound.go_over(kept, is_shaped=True)
            else:
                self._sound.supply(kept, is_shaped=True)

    def needs_tones(self, preset: Preset) -> bool:
        """Tell whether a preset has other tones than what plays."""
        return self._sound.needs_tones(preset)

    def call_partner(self, request: CallPartner | None) -> None:
        """Let such a partner play along, or none: its panel asks for it."""
        with self._turn:
            if request is None or self._sound.preset is None:
                self.say(f"TURN {PARTNER} 0")
                return
            usual = load_preset(self._sound.preset).partner or PartnerOptions()
            self._partner_wish = replace(usual, mode=request.mode, model=request.model)
            self.shape(self._sound.preset, carries=False)
            if self._partner:
                self._call_partner(is_wanted=True)
            else:
                self.say(f"TURN {PARTNER} 1")

    def ask_partner(self, command: msgspec.Struct) -> None:
        """Ask the partner for something: its panel does."""
        with self._turn:
            if self._partner:
                self._partner.tell(f"DO {msgspec.json.encode(command).decode()}\n")

    def silence(self) -> None:
        """End every sound at once: its panel asks for it."""
        self.say("PANIC")

    def _call_partner(self, *, is_wanted: bool) -> None:
        """Let the preset's partner play, or the usual one if it brings none; or none at all."""
        self._dismiss_partner()
        if not is_wanted or self._sound.preset is None:
            return
        try:
            options = load_preset(self._sound.preset).partner or PartnerOptions()
            path = find_preset(options.preset) if options.preset else None
        except LatentkeysError as problem:
            self.fail(f"{problem.message}. {problem.remedy}", "PARTNER_")
            return
        channels = sum(1 << channel for channel in set(options.voice_channels))
        if path and channels:
            self._sound.supply_partner(path, channels)
        else:
            self.send("PARTNER_SOUND", f"{channels}\n")  # with the player's sound
        self._partner = PartnerLink(self._sound.preset, self._rate_hz, self.say, self._show_view)
        self._panel.show_partner(tuple(sorted(set(options.voice_channels))))
        if self._panel.is_open:
            self._partner.look()

    def _show_view(self, text: str) -> None:
        self._panel.show_view(_VIEWS.decode(text))

    def _dismiss_partner(self) -> None:
        self._tables.leave("PARTNER_")
        if self._partner:
            self._partner.close()
            self._panel.show_partner(None)
        self._partner = None

    def leave(self) -> None:
        """Follow no rendering any more, and let the partner go."""
        self._panel.close()
        self._dismiss_partner()
        self._tables.leave("")
        self._held_notes.leave()

    def fail(self, why: str, whose: str = "") -> None:
        """Say what the player reads as the plug-in's status."""
        why = why.replace("\n", " ")
        if not whose:
            self._sound.forget_tones()
        self._panel.notice(f"{why[:1].upper()}{why[1:]}")
        self.say(f"{whose}FAILED {why[:1].upper()}{why[1:]}")

    def say(self, line: str) -> None:
        """Say a line to the plug-in; on any thread."""
        with self._write:
            self._connection.sendall(f"{line[:900]}\n".encode())

    def send(self, verb: str, text: str, more: str = "") -> None:
        """Say a verb with its text, as many bytes as the line tells; on any thread."""
        content = text.encode()
        with self._write:
            self._connection.sendall(f"{verb} {len(content)}{more}\n".encode() + content)
