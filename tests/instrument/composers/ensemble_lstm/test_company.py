"""Whoever accompanies what is known ahead does not move side by side with it in fifths."""

from __future__ import annotations

import pytest

from instrument.composers.ensemble_lstm.company import Company, PartNote


def beside(*melody: tuple[int, int], known: bool = True) -> Company:
    """Return a company that has heard quarter notes of a melody, the first one with our C."""
    strikes = [PartNote(24 * n, pitch, 24 * n + 24) for n, (pitch, _) in enumerate(melody)]
    company = Company(coming=tuple(strikes) if known else ())
    for strike, (_, ours) in zip(strikes, melody, strict=True):
        company = company.heard(strike)
        if ours:
            company = company.played(PartNote(strike.start, ours, strike.end))
    return company


@pytest.mark.parametrize(
    ("melody", "expected"),
    [
        (((67, 60), (69, 0)), 2),  # a fifth above C goes to A: no D, in no octave
        (((72, 60), (74, 0)), 2),  # octaves
        (((55, 60), (57, 0)), None),  # a fourth is no fifth
        (((65, 60), (67, 0)), None),  # nor is one below
        (((67, 60), (67, 0)), None),  # who stays does not move
        (((67, 60), (69, 62)), None),  # our highest voice has moved already
        (((67, 0), (69, 0)), None),
    ],
)
def test_fifths_and_octaves_are_told_apart(
    melody: tuple[tuple[int, int], ...], expected: int | None
) -> None:
    assert beside(*melody).side_by_side(24) == expected


def test_a_rest_between_them_parts_the_voices() -> None:
    heard = beside((67, 60), (69, 0))
    assert heard.side_by_side(48) is None
    late = PartNote(72, 69, 96)
    company = Company(coming=(PartNote(0, 67, 24), late)).heard(PartNote(0, 67, 24))
    company = company.played(PartNote(0, 60, 96)).heard(late)
    assert company.side_by_side(72) is None


def test_who_improvises_with_a_player_minds_none() -> None:
    assert beside((67, 60), (69, 0), known=False).side_by_side(24) is None
