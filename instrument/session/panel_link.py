"""What pages of the panel ask for, done by control: presets, the partner, silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from instrument.engine.messages import Ready
from instrument.errors import LatentkeysError
from instrument.panel.messages.link import (
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
from instrument.processes.json_lines import Failed, Notice
from instrument.session.band import Band
from instrument.session.children.panel_process import PanelProcess
from instrument.session.children.rack_link import RackLink
from instrument.session.device_choice import DeviceChoice
from instrument.session.preset_changes import PresetChanges
from instrument.session.terminal.status_line import StatusLine


@dataclass(frozen=True, slots=True)
class PanelLink:
    """Between a session and its panel; control's loop calls `follow`.

    Attributes
    ----------
    panel
        The process.
    status
        Says where the panel is, and what is wrong; what it says the pages hear, too.
    presets, band, panic, devices, rack
        Do what pages ask for.
    """

    panel: PanelProcess
    status: StatusLine
    presets: PresetChanges
    band: Band
    panic: Callable[[], None]
    devices: DeviceChoice
    rack: RackLink

    def follow(self, ready: Ready) -> None:
        """Do what the pages ask for, and tell them what goes on; never waits.

        Parameters
        ----------
        ready
            What plays, as the engine has said.
        """
        for report in self.panel.follow():
            self._hear(report)
        if found := self.devices.follow():
            self.panel.tell(Devices(found.audio, found.midi, found.problem))
        self.band.takes.follow()
        channels = self.band.partner_channels
        take, at, length = self.band.takes.playing or ("", 0.0, 0.0)
        more = NowPlaying(
            preset=str(self.presets.plays or ""),
            kind=ready.kind,
            rack=self.rack.plays,
            rack_is_asked=self.rack.is_asked,
            own_rack=self.rack.own_knobs,
            midi=ready.midi,
            has_partner=channels is not None,
            partner_channels=channels or (),
            chosen=self.devices.chosen,
            take=take,
            take_seconds=float(int(at)),
            take_length=length,
        )
        self.panel.show(self.status.situation, more)

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
            self.band.takes.stop()
        elif isinstance(report, LookForDevices):
            self.devices.look()
        elif isinstance(report, UseDevices):
            self._use(report)
        elif isinstance(report, Panic):
            self.band.takes.stop()
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
