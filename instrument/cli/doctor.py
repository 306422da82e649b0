"""``latentkeys doctor``: what works here, what does not, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import click
from rich.console import Console

from instrument import __version__
from instrument.cli.options import option
from instrument.cli.stress import (
    BLOCK_SIZES,
    PROGRESS_SECONDS,
    RATE_HZ,
    VOICES,
    Stress,
    measure_stress,
)
from instrument.engine.device_list import audio_outputs, find_jack, midi_systems
from instrument.errors import InstallationError, LatentkeysError
from instrument.first_start import compile_once
from instrument.import_names import DISTRIBUTION, PACKAGES, check_package, other_owners
from instrument.installation import how_to_install, how_to_mend
from instrument.preset.preset import list_presets
from instrument.progress import LongWork
from instrument.realtime.compiled.machine_code import cache_folders, object_name
from instrument.rendering.tone_cache import kept_tones

NEEDED = ("numpy", "numba", "llvmlite", "sounddevice", "python-rtmidi", "JACK-Client")
BOTH_WHEELS = f"pip uninstall onnxruntime onnxruntime-gpu; then {how_to_install('cpu')} or [gpu]"
REALTIME_REMEDY = (
    "Linux: put '@audio - rtprio 95' and '@audio - memlock unlimited' into "
    "/etc/security/limits.d/audio.conf, join the group audio, log in again."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    mark: Literal["good", "note", "bad"]
    what: str
    remedy: str = ""


@click.command("doctor")
@option(
    "--seconds",
    "stress_seconds",
    type=click.FloatRange(0, 600),
    default=10.0,
    show_default=True,
    help="How long to play with every core busy, to find the safe block size; 0 leaves it out.",
)
def doctor_command(stress_seconds: float) -> None:
    """Say what works here, what does not, and which block size is safe."""
    console = Console(highlight=False)
    colours = {"good": "green", "note": "yellow", "bad": "red"}
    for section in (versions, import_names, runtimes, sound, keyboards, rights, caches):
        for finding in section():
            console.print(f"[{colours[finding.mark]}]{finding.mark}[/]  ", end="")
            console.print(finding.what, markup=False, soft_wrap=True)
            if finding.remedy:
                console.print(f"      {finding.remedy}", markup=False, style="dim", soft_wrap=True)
    if stress_seconds > 0:
        _print_stress(console, _stress_with_progress(console, stress_seconds))


def versions() -> Iterator[Finding]:
    """Say which versions of what are installed."""
    yield Finding(
        "good",
        f"latentkeys {__version__}, Python {platform.python_version()}, {platform.platform()}",
    )
    found = {package: _version(package) for package in NEEDED}
    yield Finding("good", ", ".join(f"{name} {number}" for name, number in found.items() if number))
    for name in [name for name, number in found.items() if not number]:
        yield Finding("bad", f"{name} is not installed", f"pip install {name}")


def import_names() -> Iterator[Finding]:
    """Say whether another distribution has our packages' names, and whether it broke them."""
    for name in PACKAGES:
        try:
            check_package(name)
        except InstallationError as problem:
            yield Finding("bad", problem.message, problem.remedy)
            continue
        for other in other_owners(name):
            yield Finding(
                "note",
                f"{other} is installed, too, and has a package {name!r} of its own",
                f"Either overwrites the other's files. To have {DISTRIBUTION} alone, type: "
                f"{how_to_mend([other])}",
            )


def runtimes() -> Iterator[Finding]:
    """Say where notes are really rendered, which onnxruntime's own lists do not tell."""
    wheels = {name: _version(name) for name in ("onnxruntime", "onnxruntime-gpu")}
    installed = [f"{name} {number}" for name, number in wheels.items() if number]
    if len(installed) == 2:
        what = f"{' and '.join(installed)} are both installed: they overwrite each other's files"
        yield Finding("bad", what, BOTH_WHEELS)
    if not installed:
        yield Finding("bad", "onnxruntime is not installed", how_to_install("cpu"))
        return
    names = {entry.preset.model.name: entry.name for entry in list_presets() if entry.preset}
    if not names:
        yield Finding("bad", "there is no preset to play", "latentkeys presets new --help")
    for preset_name in names.values():  # one of each model
        yield from _rendering(preset_name, installed)


def _rendering(preset_name: str, installed: list[str]) -> Iterator[Finding]:
    from instrument.bundle.inference import PROVIDER_OPTIONS
    from instrument.latents.create_preset import check_preset
    from instrument.preset.preset import find_preset
    from instrument.rendering.open_renderer import open_renderer, self_test

    try:
        preset, bundle = check_preset(find_preset(preset_name))
        renderer = open_renderer(bundle)
        difference = self_test(bundle, renderer)
        began = time.perf_counter()
        info = renderer.info
        middle = sum(info.pitch_range) // 2
        renderer.render([middle], [preset.sound.latent])
        took_ms = 1000 * (time.perf_counter() - began)
    except LatentkeysError as problem:
        yield Finding("bad", problem.message, problem.remedy)
        return
    how = ", ".join(f"{key} {value}" for key, value in PROVIDER_OPTIONS[info.provider].items())
    yield Finding(
        "good",
        f"{installed[0]}: {bundle.card.name} {bundle.card.version} renders on {info.provider}"
        f"{how and f' ({how})'}, its longest note in {took_ms:.0f} ms; "
        f"self-test within {difference:.0e}",
    )
    if info.notice:
        yield Finding("note", info.notice, "The CPU renders instead, which is enough to play.")


def sound() -> Iterator[Finding]:
    """Say what can be played on."""
    jack = find_jack()
    if jack:
        kind = "real-time" if jack.is_realtime else "without real-time priority"
        frames = f"{jack.block_frames} frames at {jack.rate_hz} Hz"
        yield Finding("good", f"JACK server: {frames}, {kind}, {len(jack.outputs)} outputs")
    try:
        outputs = audio_outputs()
    except LatentkeysError as problem:
        yield Finding("note" if jack else "bad", problem.message, problem.remedy)
        return
    for output in outputs:
        latency = f"{1000 * output.low_latency_seconds:.1f} ms"
        yield Finding(
            "good", f"{output.name} ({output.system}), {output.rate_hz:.0f} Hz, {latency}"
        )
    if not outputs and not jack:
        remedy = "Connect a sound card or start a JACK server; --audio FILE.wav plays into a file."
        yield Finding("bad", "no sound card and no JACK server", remedy)


def keyboards() -> Iterator[Finding]:
    """Say which MIDI systems work and what they see."""
    systems = midi_systems()
    for system in systems:
        if not system.problem:
            names = ", ".join(system.inputs) or "no keyboard yet"
            yield Finding("good", f"MIDI through {system.name}: {names}")
    if all(system.problem for system in systems):
        reasons = "; ".join(f"{system.name}: {system.problem}" for system in systems)
        remedy = "Linux: modprobe snd-seq, or start a JACK server."
        yield Finding("bad", f"no MIDI system works ({reasons})", remedy)


def rights() -> Iterator[Finding]:
    """Say whether audio threads may run with real-time priority."""
    if sys.platform != "linux":
        yield Finding("good", "the system gives audio threads real-time priority by itself")
    elif _may_be_realtime():
        yield Finding("good", "real-time priority is allowed (SCHED_FIFO)")
    else:
        yield Finding(
            "bad", "real-time priority is not allowed: expect under-runs", REALTIME_REMEDY
        )


def caches() -> Iterator[Finding]:
    """Say whether a start has to compile, and how much is rendered already."""
    files = [folder / object_name() for folder in cache_folders()]
    compiled = next((path for path in files if path.is_file()), None)
    if compiled:
        yield Finding("good", f"the audio thread's machine code is compiled: {compiled}")
    else:
        remedy = "The next start does it, or: python -m instrument.realtime.warm"
        yield Finding("note", "the audio thread's machine code is not compiled yet (10 s)", remedy)
    folder = kept_tones()
    sizes = [path.stat().st_size for path in folder.glob("*.npz")]
    yield Finding("good", f"{len(sizes)} rendered presets, {sum(sizes) / 1e6:.0f} MB: {folder}")


def _stress_with_progress(console: Console, seconds: float) -> Stress:
    compile_once()
    with LongWork(console) as progress:
        task = progress.add_task(f"Stress: {VOICES} voices, every core busy", total=seconds)
        return measure_stress(seconds, lambda: progress.advance(task, PROGRESS_SECONDS))


def _print_stress(console: Console, stress: Stress) -> None:
    late = 1000 * stress.lateness_seconds
    priority = "real-time" if stress.is_realtime else "normal"
    console.print(
        f"\nStress: {len(late)} blocks of {VOICES} voices at {priority} priority, every core busy: "
        f"finished {_quantile(late, 0.5):.2f} ms after they were due (median), "
        f"{_quantile(late, 0.99):.2f} ms (99 %), {late.max():.2f} ms (worst)",
        soft_wrap=True,
    )
    for size in BLOCK_SIZES:
        missed = stress.late_blocks(size)
        console.print(f"  {size:>5} frames = {1000 * size / RATE_HZ:>5.1f} ms: {missed} missed")
    if stress.safe_block_frames:
        console.print(f"Safe here: --block-frames {stress.safe_block_frames}", style="bold")
    else:
        console.print("No block size was safe: end other programs.", style="bold red")
    console.print("The sound card's driver adds its own delays to these figures.", style="dim")


def _quantile(values: object, share: float) -> float:
    import numpy as np

    return float(np.quantile(np.asarray(values, np.float64), share))


def _may_be_realtime() -> bool:
    """Try it on this very thread, and take it back."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
