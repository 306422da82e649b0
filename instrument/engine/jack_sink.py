"""A native JACK client: named ports, and MIDI with its frame, all inside one machine-code callback.

JACK-Client opens the client and its ports; then its library object is handed our compiled
callbacks. `jack._lib`, `jack._ffi` and `_ptr` are private names, which a test guards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instrument.engine.jack_library import import_jack, playback_latency_frames
from instrument.engine.messages import EngineSettings, input_is_gone, input_is_open, is_asked_for
from instrument.errors import DeviceError
from instrument.processes.json_lines import Notice
from instrument.realtime.compiled.machine_code import load_machine_code
from instrument.realtime.memory.state import EngineState

_KERNEL_FUNCTIONS = (
    "jack_port_get_buffer",
    "jack_midi_get_event_count",
    "jack_midi_event_get",
    "jack_midi_clear_buffer",
    "jack_midi_event_write",
    "jack_port_by_id",
)


class JackSink:
    """`AudioSink` and MIDI in one: ``out_L``, ``out_R``, ``midi_in`` and ``out`` of one client.

    Where parts have outputs of their own, they are ``part_2_L``, ``part_2_R`` and so on. The server
    decides rate and block. Note to audio takes exactly one block; what goes to ``out`` has its very
    frame.

    Parameters
    ----------
    settings
        The client's name, and whether and what to connect to.
    """

    kind = "jack"

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self.name = "JACK"
        self.rate_hz = 0.0
        self.block_frames = 0
        self.latency_seconds = 0.0
        self.is_realtime = False
        self._jack: Any = None
        self._client: Any = None
        self._state: EngineState | None = None
        self._seen_changes = 0
        self._seen_losses = 0
        self._midi_names: tuple[str, ...] = ()

    def open(self, state: EngineState) -> None:
        """Become a client of the running server; never start one."""
        self._jack = import_jack()
        jack, ffi = self._jack, self._jack._ffi
        quiet = ffi.cast("void (*)(const char *)", load_machine_code().jack_message)
        jack._lib.jack_set_error_function(quiet)
        jack._lib.jack_set_info_function(quiet)
        try:
            self._client = jack.Client(self._settings.client_name, no_start_server=True)
        except jack.JackError as error:
            raise DeviceError(
                "no JACK server answers",
                "Start one (jackd, or PipeWire with its JACK library), or choose another --audio.",
            ) from error
        self._state = state
        self.rate_hz = float(self._client.samplerate)
        self.block_frames = int(self._client.blocksize)
        self.is_realtime = bool(self._client.realtime)
        self._register(state)

    def _register(self, state: EngineState) -> None:
        client, ffi, lib = self._client, self._jack._ffi, self._jack._lib
        fields = state.fields
        fields["server_is_gone"] = 0
        for name in _KERNEL_FUNCTIONS:
            fields[name] = int(ffi.cast("uintptr_t", getattr(lib, name)))
        ports = {
            "jack_out_left": client.outports.register("out_L", is_terminal=True),
            "jack_out_right": client.outports.register("out_R", is_terminal=True),
            "jack_midi_in": client.midi_inports.register("midi_in", is_terminal=True),
            "jack_midi_out": client.midi_outports.register("out"),
        }
        for name, port in ports.items():
            fields[name] = int(ffi.cast("uintptr_t", port._ptr))
        for pair in range(self._settings.part_pairs):
            for side, letter in enumerate("LR"):
                port = client.outports.register(f"part_{pair + 2}_{letter}", is_terminal=True)
                fields["jack_part_outs"][pair, side] = int(ffi.cast("uintptr_t", port._ptr))
        fields["part_pairs"] = self._settings.part_pairs
        fields["jack_client"] = int(ffi.cast("uintptr_t", client._ptr))
        fields["jack_bytes"] = 0
        self._seen_losses = int(fields["jack_losses"])
        self._set_callbacks(fields)

    def _set_callbacks(self, fields: NDArray[np.void]) -> None:
        client, ffi, lib = self._client, self._jack._ffi, self._jack._lib
        code = load_machine_code()
        block = ffi.cast("void *", int(fields.ctypes.data))
        lib.jack_set_process_callback(
            client._ptr, ffi.cast("JackProcessCallback", code.jack_process), block
        )
        lib.jack_set_xrun_callback(client._ptr, ffi.cast("JackXRunCallback", code.jack_xrun), block)
        lib.jack_set_port_connect_callback(
            client._ptr, ffi.cast("JackPortConnectCallback", code.jack_connection), block
        )
        lib.jack_set_port_registration_callback(
            client._ptr, ffi.cast("JackPortRegistrationCallback", code.jack_registration), block
        )
        lib.jack_on_info_shutdown(
            client._ptr, ffi.cast("JackInfoShutdownCallback", code.jack_shutdown), block
        )

    def start(self) -> None:
        """Join the graph and, if asked to, connect to the sound card."""
        self._client.activate()
        speakers = self._client.get_ports(is_physical=True, is_input=True, is_audio=True)
        if not speakers:
            return
        self.latency_seconds = playback_latency_frames(self._jack, speakers[0]) / self.rate_hz
        if self._settings.connect:
            self._connect_outputs(speakers)

    def _connect_outputs(self, speakers: list[Any]) -> None:
        both = speakers[0], speakers[1 if len(speakers) > 1 else 0]
        for number, port in enumerate(self._client.outports):  # left and right by turns
            with contextlib.suppress(self._jack.JackError):
                port.connect(both[number % 2])

    def cables(self) -> list[tuple[str, str]]:
        """Return what is plugged into what: (our port's short name, the other port's name)."""
        with contextlib.suppress(self._jack.JackError):
            return [
                (port.shortname, other.name)
                for port in self._our_ports()
                for other in port.connections
            ]
        return []

    def plug(self, cables: Iterable[tuple[str, str]]) -> None:
        """Connect as `cables` has told; what is no longer there is left out."""
        ours = {port.shortname: port for port in self._our_ports()}
        for name, other in cables:
            with contextlib.suppress(self._jack.JackError):
                if other not in {port.name for port in ours[name].connections}:
                    ours[name].connect(other)

    def _our_ports(self) -> list[Any]:
        client = self._client
        return [*client.outports, *client.midi_inports, *client.midi_outports]

    @property
    def midi_port(self) -> str:
        """Name of our MIDI input, as other clients see it."""
        return str(self._client.midi_inports[0].name)

    def has_news(self, let_go: Callable[[], None]) -> bool:
        """Tell whether ports or cables have changed since the last call; main thread.

        Parameters
        ----------
        let_go
            Called if a cable was pulled out of our MIDI input, be it for a moment: nobody can say
            whose notes those were that still sound.
        """
        assert self._state is not None
        losses, changes = (
            int(self._state.fields[f"jack_{what}"]) for what in ("losses", "changes")
        )
        if losses != self._seen_losses:
            self._seen_losses = losses
            let_go()
        has_changed = changes != self._seen_changes
        self._seen_changes = changes
        return has_changed

    @property
    def midi_names(self) -> tuple[str, ...]:
        """Our MIDI input and what is connected to it."""
        return (self.midi_port, *self._midi_names)

    def rescan_midi(self) -> list[Notice]:
        """Connect inputs that have come; say what changed. Main thread."""
        before, self._midi_names = self._midi_names, self.connect_midi()
        gone = [name for name in before if name not in self._midi_names]
        come = [name for name in self._midi_names if name not in before]
        return [*map(input_is_gone, gone), *map(input_is_open, come)]

    def connect_midi(self) -> tuple[str, ...]:
        """Connect our port with the MIDI inputs asked for; return the connected ones. Any thread.

        Without names those are the hardware's; a name finds other programs' ports as well.
        """
        with contextlib.suppress(self._jack.JackError):
            ours = self._client.midi_inports[0]
            connected = {port.name for port in ours.connections}
            for port in self._midi_sources(only_hardware=not self._settings.midi_in):
                if port.name not in connected and self._is_wanted(port):
                    ours.connect(port)
            return tuple(sorted(port.name for port in ours.connections))
        return ()

    def available_midi(self) -> tuple[str, ...]:
        """Return the names of all MIDI ports that could play us."""
        with contextlib.suppress(self._jack.JackError):
            ports = self._midi_sources(only_hardware=False)
            return tuple(" ".join([port.name, *port.aliases]) for port in ports)
        return ()

    def _midi_sources(self, *, only_hardware: bool) -> list[Any]:
        chosen = {"is_physical": True} if only_hardware else {}
        ports = self._client.get_ports(is_midi=True, is_output=True, **chosen)
        return [port for port in ports if not self._client.owns(port.name)]

    def _is_wanted(self, port: Any) -> bool:
        if not self._settings.hardware_midi:
            return False
        return is_asked_for(" ".join([port.name, *port.aliases]), self._settings.midi_in)

    def close(self) -> None:
        """Leave the server."""
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._state is not None:
            self._state.fields["jack_midi_out"] = 0  # the MIDI thread reads `out_ring` now
            self._state.fields["part_pairs"] = 0

    def is_alive(self) -> bool:
        """Tell whether the server still runs."""
        gone = self._state is None or bool(self._state.fields["server_is_gone"])
        return self._client is not None and not gone
