"""Files are decoded whole, or refused with the place, what was found and what is allowed."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
from msgspec import Meta

from instrument.errors import FileError, PresetError
from instrument.files import open_regular
from instrument.schema import decode, ranged, read_limited

Tag = Annotated[str, Meta(min_length=1, max_length=5)]
Key = Annotated[str, Meta(pattern="^[a-z]+$", extra={"says": "small letters"})]


@dataclass(frozen=True, slots=True)
class Step:
    gain_db: Annotated[float, ranged(-60, 24, "dB")] = 0.0
    bars: Annotated[int, ranged(1, 8)] = 1


@dataclass(frozen=True, slots=True)
class Sheet:
    first: Step
    numbers: tuple[float, ...] = ()
    rows: tuple[tuple[float, ...], ...] = ()
    steps: tuple[Step, ...] = ()
    named: dict[Key, Step] = field(default_factory=dict)
    mode: Literal["loop", "decay"] = "loop"
    tag: Tag | None = None
    is_loud: bool = False


ONE: dict[str, object] = {"first": {}}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "first is missing"),
        ([], "the file must be a table, got []"),
        ({"first": 3}, "first must be a table, got 3"),
        ({"first": {"gain_db": 25}}, "[first] gain_db must be in -60..24 dB, got 25"),
        ({"first": {"gain_db": float("nan")}}, "[first] gain_db must be in -60..24 dB, got nan"),
        ({"first": {"gain_db": 10**400}}, "[first] gain_db must be in -60..24 dB, got 1000"),
        ({"first": {"bars": 1.5}}, "[first] bars must be in 1..8 (a whole number), got 1.5"),
        ({"first": {"bars": True}}, "[first] bars must be in 1..8 (a whole number), got True"),
        ({"first": {"": 1}}, "[first]  is not a known key"),
        ({"first": {"bras": 1}}, "[first] bras is not a known key"),
        (ONE | {"numbers": [0, 1, "x"]}, "numbers, item 3, must be a number, got 'x'"),
        (ONE | {"numbers": [float("inf")]}, "numbers, item 1, must be a number, got inf"),
        (ONE | {"numbers": "many"}, "numbers must be a list, got 'many'"),
        (ONE | {"rows": [[], [0, None]]}, "rows, item 2, item 2, must be a number, got None"),
        (ONE | {"steps": [{}, {"bars": 9}]}, "[steps, item 2] bars must be in 1..8"),
        (ONE | {"steps": [{}, {"bar": 9}]}, "[steps, item 2] bar is not a known key"),
        (
            ONE | {"named": {"good": {}, "bad": {"bars": 0}}},
            "[named.bad] bars must be in 1..8 (a whole number), got 0",
        ),
        (ONE | {"named": {"a": {}, "B 2": {}}}, "named: the key 'B 2' must be small letters"),
        (ONE | {"named": [1]}, "named must be a table, got [1]"),
        (ONE | {"mode": "lop - at `$.tag`"}, "mode must be one of loop, decay, got 'lop"),
        (ONE | {"tag": "too long"}, "tag must be text of 1 to 5 characters, got 'too long'"),
        (ONE | {"tag": 3}, "tag must be text of 1 to 5 characters, got 3"),
        (ONE | {"is_loud": 1}, "is_loud must be true or false, got 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_place_and_what_is_allowed(
    raw: object, message: str
) -> None:
    with pytest.raises(PresetError) as refusal:
        decode(raw, Sheet, 'preset "x.toml"', PresetError)
    assert refusal.value.message.startswith(f'preset "x.toml": {message}'), refusal.value.message


def test_a_misspelt_key_asks_for_the_nearest() -> None:
    with pytest.raises(FileError) as refusal:
        decode({"frist": {}}, Sheet, "it", FileError)
    assert refusal.value.remedy == "Did you mean 'first'?"


def test_what_is_right_is_decoded() -> None:
    raw = {"first": {"gain_db": -3}, "steps": [{"bars": 2}], "tag": None, "rows": [[1], []]}
    assert decode(raw, Sheet, "it", FileError) == Sheet(
        Step(-3.0), steps=(Step(bars=2),), rows=((1.0,), ())
    )


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path, tmp_path / ("n" * 300)):
        with pytest.raises(FileError, match="it: cannot be read: "):
            read_limited(path, 100, "it", FileError)
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(pipe)


def test_threads_that_decode_the_same_class_first_do_not_end_the_process() -> None:
    # In a process of its own: what goes wrong there ends it. Without the lock every run did, within
    # two seconds; as many instances of the plug-in at once would end their service.
    program = """
import dataclasses, sys, threading
from typing import Annotated
from msgspec import Meta
from instrument.errors import FileError
from instrument.schema import decode

sys.setswitchinterval(1e-6)
number, field = Annotated[float, Meta(ge=0, le=9)], dataclasses.field
for turn in range(400):
    fields = [(f"f{j}", number, field(default=1.0)) for j in range(8)]
    inner = [dataclasses.make_dataclass(f"I{k}", fields) for k in range(6)]
    outer = dataclasses.make_dataclass(
        "O", [(f"x{k}", one, field(default_factory=one)) for k, one in enumerate(inner)]
    )
    raw = {f"x{k}": {f"f{j}": 2.0 for j in range(8)} for k in range(6)}
    start = threading.Barrier(4)
    def go():
        start.wait()
        decode(raw, outer, "a file", FileError)
    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
