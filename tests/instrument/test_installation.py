"""Install hints name what this copy was installed from."""

from __future__ import annotations

import importlib.metadata
import json
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from instrument import installation


@pytest.mark.parametrize(
    ("recorded", "target"),
    [
        ({"url": "file:///home/mi/my%20keys", "dir_info": {"editable": True}}, "/home/mi/my keys"),
        ({"url": "file:///home/mi/keys", "dir_info": {}}, "/home/mi/keys"),
    ],
)
def test_a_source_folder_is_named(
    monkeypatch: pytest.MonkeyPatch, recorded: object, target: str
) -> None:
    monkeypatch.setattr(importlib.metadata, "distribution", _with(recorded))
    assert shlex.split(installation.how_to_install("link"))[-1] == f"{target}[link]"


def test_an_archive_is_named_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = {"url": "file:///tmp/latentkeys-0.2.0-py3-none-any.whl", "archive_info": {}}
    monkeypatch.setattr(importlib.metadata, "distribution", _with(recorded))
    expected = "latentkeys[link] @ file:///tmp/latentkeys-0.2.0-py3-none-any.whl"
    assert shlex.split(installation.how_to_install("link"))[-1] == expected


def test_torch_comes_in_its_small_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "distribution", _with(None))
    line = installation.how_to_install("training")
    assert "install torch --index-url https://download.pytorch.org/whl/cpu && " in line
    assert shlex.split(line)[-1] == "latentkeys[training]"
    assert "torch" not in installation.how_to_install("link")


def test_the_line_for_this_checkout_names_a_folder_that_is_one() -> None:
    target = shlex.split(installation.how_to_install("link"))[-1]
    assert (Path(target.removesuffix("[link]")) / "pyproject.toml").is_file()


def test_a_copy_is_mended_from_where_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = {"url": "file:///home/mi/keys", "dir_info": {}}
    monkeypatch.setattr(importlib.metadata, "distribution", _with(recorded))
    assert shlex.split(installation.how_to_mend())[-2:] == ["--no-deps", "/home/mi/keys"]
    removal, again = installation.how_to_mend(["export", "instrument"]).split(" && ")
    assert removal.endswith("pip uninstall export instrument")
    assert again == installation.how_to_mend()


def _with(recorded: object) -> object:
    text = None if recorded is None else json.dumps(recorded)
    return lambda name: SimpleNamespace(read_text=lambda file: text)
