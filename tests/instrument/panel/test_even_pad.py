"""The morph pad's ways are heard by a process beside, and then walked evenly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from instrument.latents.create_preset import check_preset
from instrument.latents.even_way import EvenWay, heard_way
from instrument.panel.desk.library import Shelf
from instrument.panel.desk.workbench import Workbench
from instrument.panel.explore import explorer as room
from instrument.panel.explore.explorer import Explorer
from instrument.panel.messages.requests import MorphTo
from instrument.rendering.open_renderer import open_renderer
from tests.helpers.live.home import users_home
from tests.helpers.live.patience import wait_for


@pytest.fixture
def exploring(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Explorer, Workbench, Shelf]]:
    with users_home(tmp_path_factory):
        bench, shelf = Workbench(tmp_path / "panel"), Shelf()
        bench.open(shelf.find("reed"))
        found = Explorer(tmp_path / "search", bench, shelf, lambda _: None, lambda: None)
        yield found, bench, shelf
        found._evening.stop()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_what_lies_a_quarter_on_is_a_quarter_of_the_change(
    exploring: tuple[Explorer, Workbench, Shelf], monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer, bench, shelf = exploring
    monkeypatch.setattr(room, "CHOOSING_SECONDS", 0.0)
    ends = [check_preset(shelf.find(name)) for name in ("reed", "choir")]
    bundle = ends[0][1]
    way = EvenWay(
        heard_way(open_renderer(bundle), bundle.sound, *(p.sound.latent for p, _ in ends))
    )
    explorer.morph_to(MorphTo(("reed", "choir"), 0.25, 0.0))
    before = bench.needed().sound.latent
    explorer.follow()

    def is_heard() -> bool:
        explorer.follow()
        return explorer._ways[0].amount(0.25) != 0.25

    wait_for(is_heard, "the ways", 250.0)  # half a minute on a machine that is free
    assert explorer._ways[0].amount(0.25) == pytest.approx(way.amount(0.25), abs=1e-6)
    assert explorer._ways[1].amount(0.25) == pytest.approx(0.25)  # two corners are a line
    assert bench.needed().sound.latent == before  # nothing moves by itself
    explorer.morph_to(MorphTo(("reed", "choir"), 0.25, 0.0))
    reed, choir = (preset.sound.latent[0] for preset, _ in ends)
    expected = reed + way.amount(0.25) * (choir - reed)
    assert bench.needed().sound.latent[0] == pytest.approx(expected, abs=2e-4)
