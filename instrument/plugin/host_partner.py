"""The partner of one plug-in instance, in the host's time.

In: what the audio thread has heard, as lines. Out: what the partner plays, as lines. Frames count
from the beginning of a run: a song that starts, or jumps, begins another one. So the same notes at
the same place in the song, with the same seed, give the same music, whatever was played before and
however the host cuts its blocks::

    RUN number beats bpm bar    the song is here, at frame 0; a bar of 0 is not known
    TEMPO frame beats bpm       it goes on in another tempo
    HEAR frame status d1 d2     the player's message
    UNTIL frame                 all of that has been said      →  LIVED number frame
    STOP 0                      the song stands still
    LOOK 1                      somebody watches            →  VIEW and JSON, ten times a second
    DO and JSON                 what the player asks for: `instrument.partner.commands`
                                PLAY number frame to status d1 d2
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from instrument.composers.continuer import NoteModel
from instrument.composers.protocols import BarGenerator
from instrument.composers.registry import open_composer
from instrument.music.transport import Transport
from instrument.partner.commands import FollowLink, PartnerCommand
from instrument.partner.modes.accompany import Accompany
from instrument.partner.open_partner import MODES, open_note_model
from instrument.partner.partner import Partner
from instrument.partner.planning.note_composer import NoteComposer
from instrument.partner.sounding_notes import Message
from instrument.partner.views import view_of
from instrument.preset.partner_options import PartnerOptions

DRAWS_PER_BAR = 4096
"""What is drawn depends on the bar in which a run begins, and on no run before it."""
VIEW_SECONDS = 0.1
LONGEST_STEP_SECONDS = 600.0
"""No host's block, and no number of blocks that wait, is so long."""


def in_a_host(options: PartnerOptions | None) -> PartnerOptions:
    """Return how a preset's partner plays where the host has tempo, click and clock."""
    chosen = options or PartnerOptions()
    return replace(
        chosen,
        seed=chosen.seed or 0,
        clock="internal",
        metronome=False,
        count_in_bars=0,
        sends_clock=False,
    )


class HostPartner:
    """Open a partner's composers once, and begin it anew with each run.

    Parameters
    ----------
    options
        As `in_a_host` returns them.
    rate_hz
        The host's.

    Raises
    ------
    LatentkeysError
        There is no such composer, or it is broken.
    """

    def __init__(self, options: PartnerOptions, rate_hz: float) -> None:
        self._options, self._rate_hz = options, rate_hz
        self._network: NoteModel[Any] | None = open_note_model(options.model)
        self._band: BarGenerator | None = (
            open_composer(options.band) if options.mode == "accompany" else None
        )
        self._partner: Partner | None = None
        self._run = 0
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._told: set[str] = set()
        self._is_watched = False
        self._seen_at = 0.0

    def take(self, line: str) -> Iterator[str]:
        """Take one line; yield the answers.

        Raises
        ------
        ValueError
            It is none.
        """
        verb, *words = line.split()
        if verb == "DO":
            if self._partner:
                self._partner.do(msgspec.json.decode(line[3:], type=PartnerCommand))
            return
        match verb, words:
            case "RUN", [run, beats, bpm, bar]:
                self._begin(int(run), float(beats), float(bpm), float(bar))
            case "TEMPO", [frame, beats, bpm]:
                yield from self._live(int(frame))
                self._follow(int(frame), float(beats), float(bpm))
            case "HEAR", [frame, *data]:
                self._waiting.append((int(frame), bytes(int(byte) for byte in data)))
            case "UNTIL", [frame]:
                yield from self._live(int(frame))
                yield f"LIVED {self._run} {int(frame)}"
                yield from self._view()
            case "STOP", [_]:
                self._partner = None
            case "LOOK", [_]:
                self._is_watched = True
            case _:
                raise ValueError(f"what is {line[:80]!r}?")

    def _begin(self, run: int, beats: float, bpm: float, bar: float) -> None:
        options = self._options
        music = Transport.at_tempo(bpm, self._rate_hz, bar_beats=bar or float(options.bar_beats))
        music = replace(music, tie=replace(music.tie, beats=beats))
        composer = NoteComposer(self._network, options.model, options.seed or 0)
        mode = Accompany(self._band, options.seed or 0) if self._band else MODES[options.mode]()
        partner = Partner(options, composer, mode, music)
        partner.begin_anew()  # at this place in the song
        number = max(0, int(beats // music.bar_beats))
        partner.pen.moment = replace(partner.pen.moment, drawn=number * DRAWS_PER_BAR)
        self._partner, self._run = partner, run
        self._waiting.clear()

    def _follow(self, frame: int, beats: float, bpm: float) -> None:
        """Be where the host is, at the partner's own moment, which is up to a step earlier."""
        if self._partner is None:
            return
        early = (frame - self._partner.frame) * bpm / 60.0 / self._rate_hz
        self._partner.do(FollowLink(beats - early, bpm))

    def _live(self, until: int) -> Iterator[str]:
        """Live through everything up to a frame, as far as whole steps go."""
        partner = self._partner
        if partner is None:
            return
        if until - partner.frame > LONGEST_STEP_SECONDS * self._rate_hz:
            raise ValueError(f"frame {until} is far away")
        while partner.frame + partner.step_frames <= until:
            while self._waiting and self._waiting[0][0] <= partner.frame:
                frame, data = self._waiting.popleft()
                if partner.listens_to(data):
                    partner.hear(frame, data)
            for message in partner.step():
                yield self._line(message)
        for problem in partner.problems():
            if problem not in self._told:
                self._told.add(problem)
                yield f"NOTICE {problem}. The music goes on without it"

    def _view(self) -> Iterator[str]:
        """Yield what it does and is going to play, if somebody watches and it is time."""
        now = time.monotonic()
        if self._partner and self._is_watched and now - self._seen_at > VIEW_SECONDS:
            self._seen_at = now
            view = view_of(self._partner, self._options.clock)
            yield f"VIEW {msgspec.json.encode(view).decode()}"

    def _line(self, message: Message) -> str:
        data = " ".join(str(byte) for byte in (*message.data, 0, 0)[:3])
        return f"PLAY {self._run} {message.frame} {message.to} {data}"
