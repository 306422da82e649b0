"""A user's folders, for tests of what reads them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from instrument.latents.create_preset import PresetRequest, new_preset
from tests.helpers.models.tiny_model import tiny_bundle


def make_home(folder: Path) -> None:
    """Put a model and two presets where a user keeps them: ``XDG_DATA_HOME`` is `folder`."""
    ours = folder / "latentkeys"
    shutil.copytree(tiny_bundle(), ours / "models" / "tiny")
    presets = ours / "presets"
    new_preset("Reed", PresetRequest(blend={"Reed": 1.0}), model="tiny", folder=presets)
    new_preset("Choir", PresetRequest(blend={"Choir": 1.0}), model="tiny", folder=presets)


@contextlib.contextmanager
def users_home(folders: pytest.TempPathFactory) -> Iterator[Path]:
    """Let a user have that, and a cache of tones; yield ``XDG_DATA_HOME``."""
    with pytest.MonkeyPatch.context() as patch:
        data = folders.mktemp("data")
        patch.setenv("XDG_DATA_HOME", str(data))
        patch.setenv("XDG_CACHE_HOME", str(folders.mktemp("cache")))
        make_home(data)
        yield data
