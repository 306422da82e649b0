"""What pages of the panel ask for, done by control: presets, the partner, silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from instrument.engine.messages import Ready
from instrument.errors import LatentkeysError
from instrument.panel.link_messages import (
    CallPartner,
    Devices,
    DismissPartner,
    LookForDevices,
    NowPlaying,
    Panic,
    PlayFile,
    PlayTake,
    Report,
    Serving,
    StopTake,
    UseDevices,
)
from instrument.panel.supervised_panel import open_browser
from instrument.partner.commands import Command
from instrument.partner.messages import KnobLearned, View
from instrument.processes.json_lines import Failed, Notice
from instrument.session.device_choice import DeviceChoice
from instrument.session.panel_process import PanelProcess
from instrument.session.preset_changes import PresetChanges
from instrument.session.rack_link import RackLink
from instrument.session.status_line import StatusLine
from instrument.session.take_player import TakePlayer


class Band(Protocol):
    """Whoever calls the partner and sends it away."""

    def call_partner(self, request: CallPartner) -> None:
        """Let a partner play along, or another one than now."""

    def dismiss_partner(self) -> None:
        """Let the partner go."""

    def ask_partner(self, command: Command) -> None:
        """Ask the partner for something."""

    def play_take(self, name: str) -> None:
        """Play a kept take once more."""


@dataclass(frozen=True, slots=True)
class PanelLink:
    """Between a session and its panel; control's loop calls `follow`.

    Attributes
    ----------
    panel
        The process.
    status
        Says where the panel is, and what is wrong; what it says the pages hear, too.
    presets, band, panic, takes, devices, rack
        Do what pages ask for.
    """

    panel: PanelProcess
    status: StatusLine
    presets: PresetChanges
    band: Band
    panic: Callable[[], None]
    takes: TakePlayer
    devices: DeviceChoice
    rack: RackLink

    def follow(self, ready: Ready, partner_channels: tuple[int, ...] | None) -> None:
        """Do what the pages ask for, and tell them what goes on; never waits.

        Parameters
        ----------
        ready
            What plays, as the engine has said.
        partner_channels
            On which the partner plays; None without one.
        """
        for report in self.panel.follow():
            self._hear(report)
        if found := self.devices.follow():
            self.panel.tell(Devices(found.audio, found.midi, found.problem))
        self.takes.follow()
        take, at, length = self.takes.playing or ("", 0.0, 0.0)
        more = NowPlaying(
            preset=str(self.presets.plays or ""),
            kind=ready.kind,
            rack=self.rack.plays,
            rack_is_asked=self.rack.is_asked,
            own_rack=self.rack.own_knobs,
            midi=ready.midi,
            has_partner=partner_channels is not None,
            partner_channels=partner_channels or (),
            chosen=self.devices.chosen,
            take=take,
            take_seconds=float(int(at)),
            take_length=length,
        )
        self.panel.show(self.status.situation, more)

    def tell(self, message: Notice | View | KnobLearned) -> None:
        """Tell the pages what the player is told."""
        self.panel.tell(message)

    def _hear(self, report: Report | Notice) -> None:
        if isinstance(report, (Notice, Failed)):
            self.status.say(report.message, report.remedy)
        elif isinstance(report, Serving):
            self.status.say(f"Panel: {report.address}")
            open_browser(report.address)
        elif isinstance(report, PlayFile):
            self._play(report)
        elif isinstance(report, CallPartner):
            self.band.call_partner(report)
        elif isinstance(report, DismissPartner):
            self.band.dismiss_partner()
        elif isinstance(report, PlayTake):
            self.band.play_take(report.take)
        elif isinstance(report, StopTake):
            self.takes.stop()
        elif isinstance(report, LookForDevices):
            self.devices.look()
        elif isinstance(report, UseDevices):
            self._use(report)
        elif isinstance(report, Panic):
            self.takes.stop()
            self.panic()
        else:
            self.band.ask_partner(report)

    def _use(self, request: UseDevices) -> None:
        try:
            self.devices.use(request)
        except LatentkeysError as problem:
            self.status.say(problem.message, problem.remedy)

    def _play(self, request: PlayFile) -> None:
        try:
            self.presets.shape(Path(request.path), carries=request.carries)
        except LatentkeysError as problem:
            self.status.say(problem.message, problem.remedy)
