"""Pieces are dealt out to a player and to us, and told in the order in which notes become known."""

from dataclasses import replace

import numpy as np
import pytest

from instrument.composers.ensemble_lstm.company import OWN, PLAYER
from tests.helpers.music.corpora import scale_piece
from training.data.symbolic.corpus import Piece
from training.ensemble_lstm.lines import Asking, draw_asking, line_of, nothing_asked
from training.ensemble_lstm.parts import Scene, draw_scene, scene_of

PIECE = scale_piece("a scale", "train", 60, voices=3)


def scenes(piece: Piece, count: int = 60) -> list[Scene]:
    random = np.random.default_rng(1)
    return [scene for _ in range(count) if (scene := draw_scene(piece, random))]


def test_every_note_is_somebodys_and_roles_keep_to_voices_or_bars() -> None:
    kinds = set()
    for scene in scenes(PIECE):
        starts = [event.start for event in scene.events]
        assert starts == sorted(starts)
        own = [event for event in scene.events if event.is_own]
        assert own
        others = [event for event in scene.events if not event.is_own]
        together = {event.start for event in own} & {event.start for event in others}
        kinds.add("beside" if together else "turns" if others else "alone")
    assert kinds == {"beside", "turns", "alone"}


def test_of_notes_together_the_players_are_known_first_or_last() -> None:
    for scene in scenes(PIECE):
        for start in {event.start for event in scene.events}:
            roles = [event.is_own for event in scene.events if event.start == start]
            assert roles == sorted(roles, reverse=not scene.player_first)
        assert scene.player_first or not scene.knows_ahead


def test_our_own_notes_stay_on_the_grid_and_the_players_are_as_an_ear_heard_them() -> None:
    lengths = set()
    for scene in scenes(PIECE):
        assert {event.duration for event in scene.events if event.is_own} == {24}
        assert not any(event.start % 24 for event in scene.events if event.is_own)
        lengths |= {event.duration for event in scene.events if not event.is_own}
    assert len(lengths) > 2


def test_a_scene_for_measuring_is_the_piece() -> None:
    scene = scene_of(PIECE, (1, 2))
    assert len(scene.events) == PIECE.pitch.size
    assert [event.is_own for event in scene.events[:3]] == [False, True, True]
    later = scene_of(PIECE, (1, 2), begin_beats=4.0)
    assert later.events[0].pitch == int(PIECE.pitch[12])
    assert later.events[0].start == 0


def test_lines_wait_for_the_players_notes() -> None:
    line = line_of(scene := scene_of(PIECE, (1, 2)), nothing_asked(scene_of(PIECE, (1, 2))))
    assert len(line) == len(scene.events)
    assert len(line.symbols) == 32
    assert line.least[:4].tolist() == [0, -1, -1, 24]
    assert line.shifts[:4].tolist() == [0, 0, 0, 24]
    assert line.notes[:4, 17].tolist() == [0, PLAYER, OWN, OWN]
    last = replace(scene, player_first=False)
    assert line_of(last, nothing_asked(last)).least[3] == 25
    assert line.symbols[0].tolist() == [53, 23, -1]  # it says nothing of its loudness


def test_what_is_coming_is_told_only_where_it_is_known() -> None:
    known = scene_of(PIECE, (1, 2))
    unknown = scene_of(PIECE, (1, 2), knows_ahead=False)
    columns = slice(-4, None)
    told = line_of(known, nothing_asked(known)).asked[:, columns]
    untold = line_of(unknown, nothing_asked(unknown)).asked[:, columns]
    assert told[0].tolist() == [24, 24 + 62 - 60, 48, 24 + 64 - 60]
    assert np.unique(untold, axis=0).tolist() == [[97, 49, 97, 49]]


def test_what_is_asked_is_what_our_part_is_like() -> None:
    loud = replace(PIECE, velocity=np.where(PIECE.voice == 0, 20, 100).astype(np.uint8))
    scene = scene_of(loud, (1, 2))
    asked = Asking(scene, np.ones(6, np.bool_)).at(0, 60)
    density, key, low, high, loudness, voices = asked
    assert (density, key) == (1 + 6 + 2, 5)  # two notes a beat; C, F and B flat are F major
    assert (low, high) == (24 + 46 - 60, 24 + 65 - 60)
    assert (loudness, voices) == (1 + 100 // 16, 2)


@pytest.mark.parametrize("unconditioned", [0.0, 1.0])
def test_nothing_is_asked_as_often_as_is_wanted(unconditioned: float) -> None:
    scene, random = scene_of(PIECE, (1, 2)), np.random.default_rng(0)
    asked = [draw_asking(scene, random, unconditioned).at(0, 60) for _ in range(40)]
    assert (len(set(asked)) == 1) == (unconditioned == 1.0)
