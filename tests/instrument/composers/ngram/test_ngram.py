"""The counting composer: what it expects, what it learns, what it plays."""

import numpy as np
import pytest

from instrument.composers.continuer import PhraseContinuer
from instrument.composers.ngram.contexts import Glance, duration_prior, pitch_prior, shift_prior
from instrument.composers.ngram.ngram import NgramModel
from instrument.composers.note_history import History
from instrument.music.constraints import Constraints, Key
from instrument.music.note import Note, Phrase
from instrument.music.sampling import NoteRandom

TUNE = (62, 64, 65, 67, 69, 67, 65, 64, 62, 69, 74, 69, 67, 65, 64, 62)


def tune(times: int = 1, transposed: int = 0, length: float = 0.5) -> Phrase:
    pitches = [pitch + transposed for pitch in TUNE] * times
    return Phrase.of(Note(index * length, pitch, length) for index, pitch in enumerate(pitches))


def surprise(model: NgramModel, phrase: Phrase) -> float:
    return float(-model.log_probabilities(phrase).sum(axis=1).mean())


def test_priors_are_distributions_before_and_after_notes() -> None:
    history = History.begin(4.0, 0.0)
    for note in ((0, 60), (12, 127), (12, 0)):
        history = history.follow(history.onset(note[0]), note[1], 12, 5)
        glance = Glance.at(history)
        for prior in (shift_prior(history), pitch_prior(history, glance), duration_prior(glance)):
            assert prior.min() >= 0 and prior.sum() == pytest.approx(1.0)


def test_an_empty_model_expects_melodies_more_than_noise() -> None:
    random = np.random.default_rng(0)
    noise = Phrase.of(
        Note(float(start), int(pitch), float(length))
        for start, pitch, length in zip(
            np.cumsum(random.integers(1, 60, 64)) / 24,
            random.integers(30, 100, 64),
            random.integers(1, 60, 64) / 24,
            strict=True,
        )
    )
    assert surprise(NgramModel(), tune()) + 5 < surprise(NgramModel(), noise)


def test_the_key_does_not_matter() -> None:
    model = NgramModel()
    model.learn(tune(transposed=3))
    here, there = (model.log_probabilities(tune(transposed=t)) for t in (0, 5))
    # Only the first pitch has none before it.
    np.testing.assert_allclose(here[1:], there[1:], rtol=1e-6)


def test_what_was_learned_is_expected() -> None:
    model = NgramModel()
    before = surprise(model, tune(transposed=2))
    model.learn(tune(transposed=-3))
    assert surprise(model, tune(transposed=2)) < before - 0.5


def test_the_player_teaches_while_playing() -> None:
    surprises = -NgramModel().log_probabilities(tune(times=4)).sum(axis=1).reshape(4, -1)
    assert surprises[3].mean() < 0.5 * surprises[0].mean()
    deaf = -NgramModel(heard_weight=0.0).log_probabilities(tune(times=4)).sum(axis=1)
    assert surprises[3].mean() < 0.5 * deaf.reshape(4, -1)[3].mean()


def test_each_piece_learns_for_itself() -> None:
    model = NgramModel()
    first = model.log_probabilities(tune(times=2))
    np.testing.assert_array_equal(model.log_probabilities(tune(times=2)), first)


def test_likelihood_is_what_the_phrase_is_drawn_with() -> None:
    model = NgramModel()
    model.learn(tune(times=3))
    random, counts, draws = NoteRandom(3), 0, 600
    state = model.begin(4.0, 0.0)
    for note in tune().notes[:8]:
        state = model.feed(state, note)
    expected = float(np.exp(model.log_probabilities(Phrase.of(tune().notes[:9]))[8].sum()))
    for index in range(draws):
        note, _ = model.draw(state, Constraints(top_p=1.0), random.at(index))
        counts += note == tune().notes[8]
    assert counts / draws == pytest.approx(expected, abs=4 * np.sqrt(expected / draws))


def test_an_old_state_still_draws_the_same() -> None:
    model, random = NgramModel(), NoteRandom(1)
    state = model.feed(model.begin(4.0, 0.0), Note(0.0, 60, 0.5))
    first = model.draw(state, Constraints(), random.at(0))[0]
    _, after = model.draw(state, Constraints(), random.at(1))
    model.draw(after, Constraints(), random.at(2))
    assert model.draw(state, Constraints(), random.at(0))[0] == first


def test_controls_are_kept() -> None:
    model, random = NgramModel(), NoteRandom(7)
    controls = Constraints(
        key=Key.named("D"), register=(60, 72), max_length_beats=0.25, velocity=33, temperature=2.0
    )
    state = model.begin(4.0, 0.0)
    for index in range(60):
        note, state = model.draw(state, controls, random.at(index))
        assert note.pitch % 12 in {2, 4, 6, 7, 9, 11, 1} and 60 <= note.pitch <= 72
        assert note.length_beats <= 0.25 and note.velocity == 33


def test_a_note_starts_no_earlier_than_asked() -> None:
    model = NgramModel()
    state = model.feed(model.begin(4.0, 0.0), Note(0.0, 60, 0.5))
    for earliest in (1.0, 7.5, 30.0):
        note, _ = model.draw(state, Constraints(earliest_beats=earliest), NoteRandom(0).at(0))
        assert note.start_beats >= earliest


def test_it_plays_as_loud_as_the_player() -> None:
    model = NgramModel()
    state = model.begin(4.0, 0.0)
    for index in range(20):
        state = model.feed(state, Note(index * 0.5, 60, 0.5, 30))
    note, _ = model.draw(state, Constraints(), NoteRandom(0).at(0))
    assert 28 <= note.velocity <= 33


def test_it_continues_a_phrase_and_the_same_seed_gives_the_same_notes() -> None:
    continuer = PhraseContinuer(NgramModel())
    prompt = tune(times=2)
    first, again, other = (
        continuer.continue_phrase(prompt, 16.0, Constraints(), seed) for seed in (4, 4, 5)
    )
    assert first == again != other
    assert len(first.notes) >= 8 and first.length_beats == 16.0
    scale = {2, 4, 5, 7, 9, 10, 11, 0}  # the tune's five pitch classes, and C or B or B flat
    assert np.mean([note.pitch % 12 in scale for note in first.notes]) > 0.8


def test_chords_and_drums_are_read_too() -> None:
    chords = Phrase.of(
        Note(float(beat), pitch + beat % 2, 1.0) for beat in range(8) for pitch in (60, 64, 67)
    )
    found = NgramModel().log_probabilities(chords)
    assert found.shape == (24, 3) and np.isfinite(found).all()
    assert surprise(NgramModel(), Phrase.of(chords.notes * 1)) == pytest.approx(-found.sum() / 24)


def test_an_empty_phrase_has_no_likelihoods() -> None:
    assert NgramModel().log_probabilities(Phrase.of([], 4.0)).shape == (0, 3)
