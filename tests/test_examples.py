"""Every script of docs/examples runs as a reader would run it, and leaves what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from instrument.midi.phrases import read_phrase
from tests.helpers.places import ROOT

EXAMPLES = ROOT / "docs" / "examples"
PRELUDE = ROOT / "presets" / "pieces" / "cello_prelude.mid"

RUNS = [
    ("one_note.py --seconds 0.5 --preset tine_lantern", ["note.wav"]),
    ("softer_preset.py tine_lantern", ["softer_tine_lantern.toml"]),
    (
        f"song_on_presets.py {PRELUDE} tine_lantern paper_koto --beats 2",
        ["cello_prelude_tine_lantern.wav", "cello_prelude_paper_koto.wav"],
    ),
    ("go_on.py --model ngram --bars 1 --takes 1", ["take_1.mid", "take_1.wav"]),
    ("live_arpeggio.py --audio out.wav --bpm 400 --bars 1", ["out.wav"]),
    ("own_renderer.py --audio out.wav", ["out.wav"]),
]


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A user's empty folders; what is rendered for one example is there for the next."""
    folders = {f"XDG_{name}_HOME": str(tmp_path_factory.mktemp(name)) for name in ("DATA", "CACHE")}
    return {**os.environ, **folders, "JACK_NO_START_SERVER": "1"}


@pytest.mark.slow
@pytest.mark.parametrize(("line", "made"), RUNS, ids=[line.split()[0] for line, _ in RUNS])
def test_an_example_runs(line: str, made: list[str], tmp_path: Path, user: dict[str, str]) -> None:
    script, *arguments = line.split()
    run = subprocess.run(
        [sys.executable, EXAMPLES / script, *arguments],
        cwd=tmp_path,
        env=user,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(made)


def test_every_example_is_run_here_and_shown_on_its_page() -> None:
    scripts = sorted(path.name for path in EXAMPLES.glob("*.py"))
    assert scripts == sorted(line.split()[0] for line, _ in RUNS)
    page = (ROOT / "docs" / "examples.md").read_text()
    assert [name for name in scripts if f'--8<-- "{name}"' not in page] == []


def test_the_piece_of_the_examples_is_there() -> None:
    assert read_phrase(PRELUDE).notes
