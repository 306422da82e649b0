"""Make the parts of a labelled set on a Ray cluster, each as a task.

In: what a set is made of, and the numbers of its missing parts. Out: the parts' files in the set's
folder, which only this machine has to reach: the voice and the presets travel to the workers, the
notes come back. A worker or a machine that is lost costs its tasks, which are done again elsewhere.
The machines need latentkeys, and processors of one sort if bytes shall be the same to the last bit.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instrument.bundle.bundle import Bundle, load_sound
from instrument.errors import EngineError, MissingExtraError, first_line
from instrument.files import cannot_write, flush_to_disk, replacing_file
from instrument.labelled.part import PARTS, PartWriter
from instrument.labelled.plan import NotePlan
from instrument.processes.held_folder import HeldFolder, sweep_folders

FOLDER_PREFIX = "latentkeys-ray-"
"""Of folders in which workers keep a voice and presets."""
_RETRIES = 8
_AHEAD = 2
"""Tasks for each worker that are waiting or done: notes lie in memory until they are written."""
_STORE_BYTES = 2**28
"""Of a cluster of this machine alone; a part of 64 notes at 16 kHz has 8 MB."""

_Files = list[tuple[str, bytes]]
_writers: dict[str, tuple[PartWriter, Path]] = {}  # of a worker process


@dataclass(frozen=True, slots=True)
class _Shipped:
    """What a worker needs, wherever it is."""

    plan: NotePlan
    model: str
    key: str
    files: tuple[tuple[str, bytes], ...]  #: of the bundle
    presets: tuple[tuple[str, bytes], ...]


def make_on_ray(
    plan: NotePlan,
    folder: Path,
    bundle: Bundle,
    presets: Sequence[Path],
    missing: Sequence[int],
    workers: int | None,
    done: Callable[[int], None],
) -> None:
    """Make parts on the cluster that ``RAY_ADDRESS`` names, or on one of this machine alone.

    Parameters
    ----------
    workers
        How many tasks are made at once; one for each processor of the cluster when not given.
    done
        Told of each part how many notes it has.

    Raises
    ------
    MissingExtraError
        Ray is not installed.
    EngineError
        There is no such cluster, or tasks are lost again and again.
    FileError
        The folder cannot be written.
    """
    ray = _connected(workers)
    try:
        shipped = ray.put(_ship(plan, bundle, presets))
        task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_make)
        most = _AHEAD * (workers or int(ray.cluster_resources().get("CPU", 1)))
        left: list[int] = list(missing)
        running: list[Any] = []
        while left or running:
            while left and len(running) < most:
                running.append(task.remote(shipped, left.pop(0)))
            (ready, *_), running = ray.wait(running)
            notes, files = ray.get(ready)
            del ready
            _put(folder, files)
            done(notes)
    except ray.exceptions.RayTaskError as problem:
        raise problem.as_instanceof_cause() from problem
    except ray.exceptions.RayError as problem:
        raise EngineError(
            f"Ray gives up: {first_line(problem, 200)}",
            "Repeat the command: it goes on with what is missing.",
        ) from problem
    finally:
        ray.shutdown()


def _connected(workers: int | None) -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # it would report to its maker
    try:
        import ray
    except ImportError as missing:
        raise MissingExtraError("--engine ray", "ray", "scale") from missing
    here = {} if os.environ.get("RAY_ADDRESS") else _cluster_of_this_machine(workers)
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **here)
    except (ConnectionError, RuntimeError) as problem:
        raise EngineError(
            f"there is no Ray cluster: {first_line(problem, 200)}",
            "Look at RAY_ADDRESS, or unset it to use this machine alone.",
        ) from problem
    return ray


def _cluster_of_this_machine(workers: int | None) -> dict[str, Any]:
    return {
        "address": "local",
        "num_cpus": workers or os.cpu_count() or 1,
        "object_store_memory": _STORE_BYTES,
        "include_dashboard": False,
    }


def _ship(plan: NotePlan, bundle: Bundle, presets: Sequence[Path]) -> _Shipped:
    names = sorted(path.name for path in bundle.path.iterdir() if path.is_file())
    return _Shipped(
        plan,
        bundle.path.name,
        f"{bundle.sha256} {plan}",
        tuple((name, (bundle.path / name).read_bytes()) for name in names),
        tuple((path.name, path.read_bytes()) for path in presets),
    )


def _make(shipped: _Shipped, part: int) -> tuple[int, _Files]:
    """Make a part; runs in a worker process, maybe on another machine."""
    if shipped.key not in _writers:
        _writers[shipped.key] = _open(shipped)
    writer, folder = _writers[shipped.key]
    shutil.rmtree(folder, ignore_errors=True)  # of a task that failed here
    (folder / PARTS).mkdir(parents=True)
    notes = writer.write(part)
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return notes, [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in found]


def _open(shipped: _Shipped) -> tuple[PartWriter, Path]:
    """Lay out what was shipped, as a preset looks for its model: ``models/NAME`` beside it."""
    sweep_folders(FOLDER_PREFIX)  # Ray kills its workers: nothing of theirs runs at the end
    place = HeldFolder(FOLDER_PREFIX).path
    model = place / "models" / shipped.model
    model.mkdir(parents=True)
    for name, content in shipped.files:
        (model / name).write_bytes(content)
    for name, content in shipped.presets:
        (place / name).write_bytes(content)
    presets = [place / name for name, _ in shipped.presets]
    notes = place / "notes"
    return PartWriter(shipped.plan, notes, load_sound(model), presets), notes


def _put(folder: Path, files: _Files) -> None:
    """Write a part's files; its labels come last: then it is whole."""
    labels = [(name, content) for name, content in files if name.startswith(PARTS)]
    try:
        for name, content in files:
            if not name.startswith(PARTS):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
                flush_to_disk(folder / name)
        for name, content in labels:
            with replacing_file(folder / name) as building:
                building.write_bytes(content)
    except OSError as problem:
        raise cannot_write(folder, problem) from problem
