"""Make a labelled set: parts in several processes, then the lists; go on where a run was killed.

In: a `NotePlan` and a folder. Out: the set. A part that has its file of labels is whole; all others
are made. Which process makes a part, and in which run, changes no byte.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

from instrument.bundle.bundle import Bundle, load_sound
from instrument.errors import EngineError, FileError, SettingError
from instrument.files import cannot_write, replacing_file
from instrument.labelled.part import PARTS, PartWriter, part_path
from instrument.labelled.plan import NotePlan
from instrument.schema import NO_JSON, read_limited

PLAN, SOUNDS, LIST, LICENCE = "plan.json", "sounds.jsonl", "examples.json", "LICENSE"
_DONE = ".done"
_LIMIT_BYTES = 2**20

_Opening = tuple[NotePlan, Path, Path, Sequence[Path]]
_writer: PartWriter | None = None  # of a worker process
_parent = 0

Engine = Literal["processes", "ray"]
Show = Callable[[int, int], None]
"""Told how many notes are done, and of how many."""


def make_notes(
    plan: NotePlan,
    bundle: Bundle,
    folder: Path,
    workers: int | None,
    show: Show,
    *,
    presets: Sequence[Path] = (),
    engine: Engine = "processes",
) -> int:
    """Make all notes of a plan that are not there yet.

    Parameters
    ----------
    bundle
        The plan's voice.
    folder
        Where the set goes, or is already, in part.
    workers
        Processes, each on one thread; one for each core when not given. One works in this one.
    presets
        Where the plan's presets lie.
    engine
        Processes of this machine, or a Ray cluster's; it changes no byte.

    Returns
    -------
    int
        How many notes were made now.

    Raises
    ------
    SettingError, FileError, EngineError
        The folder has other notes, cannot be written, or a worker was killed.
    """
    plan.check()
    _agree(plan, folder)
    if is_whole(folder):
        return 0
    missing = [part for part in range(plan.parts) if not part_path(folder, part).is_file()]
    made, before = 0, plan.count - _count(plan, missing)
    show(before, plan.count)

    def done(notes: int) -> None:
        nonlocal made
        made += notes
        show(before + made, plan.count)

    if engine == "ray":
        from instrument.labelled.on_ray import make_on_ray

        make_on_ray(plan, folder, bundle, presets, missing, workers, done)
    elif workers == 1:
        writer = PartWriter(plan, folder, bundle, presets)
        for part in missing:
            done(writer.write(part))
    else:
        opening = plan, folder, bundle.path, presets
        _in_processes(opening, missing, workers or os.cpu_count() or 1, done)
    _finish(plan, bundle, folder)
    return made


def is_whole(folder: Path) -> bool:
    """Tell whether a set is complete: its parts' labels have become lists then."""
    return (folder / SOUNDS).is_file() and not (folder / PARTS).exists()


def _agree(plan: NotePlan, folder: Path) -> None:
    """Write down what the folder shall hold, or see that it is the same as before."""
    path = folder / PLAN
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            try:
                before = msgspec.json.decode(
                    read_limited(path, _LIMIT_BYTES, str(path), FileError), type=NotePlan
                )
            except NO_JSON as reason:
                raise FileError(
                    f"{path} cannot be read: {reason}", "Use another --out."
                ) from reason
            if before != plan:
                different = [
                    name
                    for name in NotePlan.__slots__
                    if getattr(before, name) != getattr(plan, name)
                ]
                raise SettingError(
                    f"{folder} has notes of other settings ({', '.join(different)})",
                    "Repeat the command that began it, or use another --out.",
                )
            return
        if any(folder.iterdir()):
            raise SettingError(f"{folder} is not empty", "Use another --out.")
        (folder / PARTS).mkdir()
        with replacing_file(path) as building:
            building.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=1))
    except OSError as problem:
        raise cannot_write(path, problem) from problem


def _in_processes(
    opening: _Opening,
    missing: list[int],
    workers: int,
    done: Callable[[int], None],
) -> None:
    context = multiprocessing.get_context("spawn")
    begin = (*opening, os.getpid())
    with ProcessPoolExecutor(min(workers, max(len(missing), 1)), context, _open, begin) as pool:
        waiting = [pool.submit(_write, part) for part in missing]
        try:
            for finished in as_completed(waiting):
                done(finished.result())
        except BrokenProcessPool as problem:
            raise EngineError(
                "a process that makes notes was ended from outside",
                "Repeat the command: it goes on with what is missing.",
            ) from problem
        except BaseException:  # Ctrl-C too: what waits would be made before the pool is closed
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _open(plan: NotePlan, folder: Path, bundle: Path, presets: Sequence[Path], parent: int) -> None:
    global _writer, _parent
    _writer, _parent = PartWriter(plan, folder, load_sound(bundle), presets), parent


def _write(part: int) -> int:
    assert _writer is not None
    if os.getppid() != _parent:  # it was killed: nobody counts what is made
        os._exit(1)
    return _writer.write(part)


def _finish(plan: NotePlan, bundle: Bundle, folder: Path) -> None:
    """Put the parts' labels together, a line at a time, and take the parts' files away."""
    try:
        with ExitStack() as stack:
            lists: dict[str, IO[str]] = {}
            sounds = _building(stack, folder / SOUNDS)
            for said in _labels(plan, folder):
                if "sound" in said:
                    sounds.write(json.dumps(said["sound"]) + "\n")
                    continue
                split, entry = said["split"], said["note"]
                if split not in lists:
                    lists[split] = _building(stack, folder / split / LIST)
                    lists[split].write("{\n")
                else:
                    lists[split].write(",\n")
                lists[split].write(f"{json.dumps(entry['note_str'])}: {json.dumps(entry)}")
            for file in lists.values():
                file.write("\n}\n")
        if (bundle.path / LICENCE).is_file():
            shutil.copyfile(bundle.path / LICENCE, folder / LICENCE)
        for left in folder.glob("*/.*"):  # of a run that was killed
            left.unlink()
        (folder / PARTS).rename(folder / _DONE)
        shutil.rmtree(folder / _DONE)
    except OSError as problem:
        raise cannot_write(folder, problem) from problem


def _labels(plan: NotePlan, folder: Path) -> Iterator[dict[str, Any]]:
    for part in range(plan.parts):
        with part_path(folder, part).open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


def _building(stack: ExitStack, path: Path) -> IO[str]:
    building = stack.enter_context(replacing_file(path))
    return stack.enter_context(building.open("w", encoding="utf-8"))


def _count(plan: NotePlan, parts: list[int]) -> int:
    each = plan.notes_per_part
    return sum(min(each, plan.count - part * each) for part in parts)
