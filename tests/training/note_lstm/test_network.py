"""The tables and heads against their definitions, one symbol at a time."""

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from instrument.composers.note_lstm.features import (
    NO_CONDITIONS,
    NOTHING,
    PITCH_CANDIDATES,
    PITCH_COLUMNS,
    POSITIONS,
)
from training.note_lstm.network import Heads, PitchHead, Tables, TimeHead, copied


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def test_a_vector_is_the_sum_of_the_rows() -> None:
    tables = Tables((3, 5, 2), 7)
    columns = torch.tensor([[2, 0, 1], [0, 4, 0]])
    hot = torch.cat([one_hot(columns[:, i], n) for i, n in enumerate((3, 5, 2))], dim=1)
    assert torch.allclose(tables(columns), hot.float() @ tables.weight, atol=1e-6)


def test_gates_are_added_to_candidates_in_range_only() -> None:
    candidates = torch.tensor([[1, 1, NOTHING, -3], [4, 0, 2, 5]])
    gates = torch.tensor([[1.0, 2.0, 4.0, 8.0], [1.0, 2.0, 4.0, 8.0]])
    logits = copied(torch.zeros(2, 5), candidates, gates)
    assert logits.tolist() == [[0, 3, 0, 0, 0], [2, 0, 4, 0, 1]]


def test_a_time_is_scored_by_the_place_it_leads_to() -> None:
    head = TimeHead(4, 8, (), 1, 20, 2, 0.0).eval()
    past, none = torch.randn(1, 4), torch.tensor([NO_CONDITIONS])
    nothing = torch.full((1, 2), NOTHING)
    with torch.no_grad():
        scores = head.body(past, None, none)
        logits = head(past, None, nothing, torch.tensor([[7, 12]]), none)
    for symbol in range(20):
        place = 20 + (7 + 1 + symbol) % 12
        assert logits[0, symbol] == pytest.approx(
            float(scores[0, symbol] + scores[0, place]), abs=1e-6
        )


def pitch_told(n: int) -> dict[str, torch.Tensor]:
    random = np.random.default_rng(0)
    return {
        "past": torch.randn(n, 4),
        "columns": torch.from_numpy(random.integers(0, PITCH_COLUMNS, (n, len(PITCH_COLUMNS)))),
        "candidates": torch.from_numpy(random.integers(-7, 8, (n, PITCH_CANDIDATES))),
        "anchors": torch.from_numpy(random.integers(50, 70, (n, 2))),
        "pitch_classes": torch.randn(n, 2, 12),
        "conditions": torch.tensor([[0, 14, 40, 49]]).repeat(n, 1),
    }


def test_without_height_pitches_are_the_same_in_every_key() -> None:
    head = PitchHead(4, 8, 0.0).eval()
    torch.nn.init.normal_(head.body.conditions.weight)
    height = slice(2 * 255, 2 * 255 + 128)
    with torch.no_grad():
        head.body.scores.weight[height] = 0.0
        head.body.scores.bias[height] = 0.0
    told = pitch_told(6)
    low = head(**told)
    high = head(**{**told, "anchors": told["anchors"] + 5})
    assert torch.allclose(low[:, :-5], high[:, 5:], atol=1e-5)


def test_a_degree_counts_only_in_a_key() -> None:
    head = PitchHead(4, 8, 0.0).eval()
    told = pitch_told(3)
    keyed = head(**told)
    told["conditions"][:, 1] = NO_CONDITIONS[1]
    difference = keyed - head(**told)  # the conditions' own rows are zero in a new head
    tonic = (told["anchors"][:, 0] + 14) % 12
    scores = head.body(told["past"], told["columns"], None)[:, 2 * 255 + 128 :][:, :12]
    for row in range(3):
        expected = [scores[row, (pitch - tonic[row]) % 12] for pitch in range(128)]
        assert torch.allclose(difference[row], torch.stack(expected), atol=1e-5)


def test_velocity_has_a_head_only_where_there_are_velocities() -> None:
    assert Heads(4, (4, 4, 4), False, 0.0).velocity is None
    assert Heads(4, (4, 4, 4), True, 0.0).velocity is not None


def test_positions_stay_in_their_table() -> None:
    head = TimeHead(4, 8, (), 0, 193, 1, 0.0).eval()
    anchors = torch.tensor([[POSITIONS - 1, POSITIONS]])
    nothing = torch.tensor([[NOTHING]])
    logits = head(torch.randn(1, 4), None, nothing, anchors, torch.tensor([NO_CONDITIONS]))
    assert torch.isfinite(logits).all()
