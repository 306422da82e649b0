"""What programs may use: it is listed, it is light, and every example of it runs."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import instrument
from tests.helpers.places import ROOT

PAGE = ROOT / "docs" / "api-python.md"
HEAVY = ["numba", "numpy", "onnxruntime", "msgspec", "click", "rich", "importlib.metadata"]
WITH_EXAMPLES = ["instrument", "instrument.offline.render", "instrument.session.live"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, with empty folders of a user."""
    for name in ("DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    monkeypatch.chdir(tmp_path)


def test_the_public_names_are_these() -> None:
    assert instrument.__all__ == [
        *("Composer", "Constraints", "Key", "LatentkeysError", "Meter", "Note", "PartnerOptions"),
        *(
            "Phrase",
            "Preset",
            "RendererInfo",
            "Session",
            "SineRenderer",
            "Tempo",
            "ToneRenderer",
            "Track",
        ),
        *("__version__", "errors", "list_composers", "list_presets", "load_preset"),
        *("open_composer", "read_phrase", "render", "save_preset", "write_phrase", "write_wav"),
    ]


def test_every_public_name_is_there_documented_and_the_one_that_type_checkers_see() -> None:
    tree = ast.parse((ROOT / "instrument" / "__init__.py").read_text())
    typed = {
        alias.name: f"{node.module}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("instrument")
        for alias in node.names
    }
    assert sorted([*typed, "__version__"]) == instrument.__all__ == dir(instrument)
    for name, home in typed.items():
        found = getattr(instrument, name)
        assert found is getattr(importlib.import_module(home), name)
        assert found.__doc__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Sesion'"):
        _ = instrument.Sesion


def test_importing_the_door_loads_nothing_behind_it() -> None:
    script = f"import sys, instrument; print([m for m in {HEAVY} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr


@pytest.mark.slow
def test_the_page_is_one_program_that_runs() -> None:
    blocks = list(re.finditer(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S))
    assert len(blocks) == 7
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks:
        line = PAGE.read_text()[: block.start()].count("\n") + 1
        exec(compile("\n" * line + block[1], str(PAGE), "exec"), names)
    assert Path("middle_c.wav").stat().st_size > 8 * 48_000


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings_run(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module), raise_on_error=True)
    assert found.attempted > 0
