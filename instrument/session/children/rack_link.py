"""Control's end of the rack: starts and ends its process as presets ask, and turns its knobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from instrument.preset.rack import RackChoice, RackOptions
from instrument.processes.json_lines import Failed, Notice
from instrument.processes.supervised_process import Program, RestartPolicy, SupervisedProcess
from instrument.rack.find import SHIPPED, shipped_rack
from instrument.rack.knob import Knob, knob_values
from instrument.rack.messages import REPORTS, Built, RackSettings, Report
from instrument.realtime.memory.constants import RACK_BEATS
from instrument.realtime.memory.state import EngineState

PROGRAM = Program(
    name="the rack",
    module="instrument.rack.process",
    beats=RACK_BEATS,
    policy=RestartPolicy(
        most=2, window_seconds=60.0, remedy="The dry sound goes on. Choose another rack."
    ),
)


class RackProcess(SupervisedProcess[Report]):
    """Keep one rack going.

    Parameters
    ----------
    state
        The engine block.
    folder
        The session's folder.
    settings
        Which one.
    """

    def __init__(self, state: EngineState, folder: Path, settings: RackSettings) -> None:
        self.settings = settings
        self.knobs: tuple[Knob, ...] = ()  #: once it plays
        self._memory = state.fields["rack"]
        settings.save(folder)
        super().__init__(PROGRAM, REPORTS, state, folder)

    def _hear(self, report: Report) -> None:
        if isinstance(report, Built):
            self.knobs = report.knobs

    def _clean_up(self) -> None:
        """Let the engine fade what it gave; a successor has its knobs where they were."""
        self._memory["is_on"] = 0
        stood = self._memory["knobs"].tolist()
        turned = {knob.name: value for knob, value in zip(self.knobs, stood, strict=False)}
        RackSettings(self.settings.rack, self.settings.impulse, turned).save(self._folder)


class RackLink:
    """The rack of a session; control's loop calls `follow`.

    Parameters
    ----------
    state
        The engine block.
    folder
        The session's folder.
    own
        What was asked for.
    say
        Tells the player what is wrong, and what to do.
    """

    def __init__(
        self, state: EngineState, folder: Path, own: RackChoice, say: Callable[[str, str], None]
    ) -> None:
        self._state, self._folder, self._own, self._say = state, folder, own, say
        self._name, self._options = "", RackOptions()
        self._process: RackProcess | None = None

    @property
    def plays(self) -> str:
        """The name of the rack that plays; empty without one."""
        return Path(self._name).stem if self._process and self._process.is_there else ""

    @property
    def is_asked(self) -> bool:
        """It was asked for by name or file, whatever presets say."""
        return bool(self._own.rack)

    @property
    def own_knobs(self) -> tuple[Knob, ...]:
        """What can be turned of the player's own file, once it plays."""
        return self._process.knobs if self.plays and self._process and self.is_own else ()

    @property
    def is_own(self) -> bool:
        """The rack that plays is a file."""
        return bool(self._name) and self._name not in SHIPPED

    @property
    def process_id(self) -> int | None:
        """The number of the process that runs at present."""
        return self._process.pid if self._process else None

    def follow(self, preset: RackOptions) -> None:
        """Let the rack be as a preset wants it; never waits for it."""
        name, options = self._own.options(preset)
        if name != self._name:
            self.end()
            self._name = name
            self._write(options)
            if name:
                settings = RackSettings(name, self._own.impulse, options.knobs)
                self._process = RackProcess(self._state, self._folder, settings)
        elif options != self._options:
            self._write(options)
        self._options = options
        for report in self._process.follow() if self._process else ():
            if isinstance(report, (Notice, Failed)):
                self._say(report.message, report.remedy)
            else:
                self._say(f"The rack {report.name} plays", "")

    def _write(self, options: RackOptions) -> None:
        memory = self._state.fields["rack"]
        memory["send_level"], memory["return_level"] = options.send, options.level
        memory["dry_level"] = options.direct
        if self._name in SHIPPED:
            values = knob_values(shipped_rack(self._name).knobs, options.knobs, self._name)
            memory["knobs"][: len(values)] = values

    def end(self) -> None:
        """Let the rack go."""
        if self._process:
            self._process.end()
            self._process = None
