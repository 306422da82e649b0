"""Composers play what torch would play, keep what they were given, and forget nothing they hold."""

import numpy as np
import pytest
import torch

from export.bundle.weights import round_matrices
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import CARDS, ComposerCard
from instrument.bundle.inference import Runtime
from instrument.composers.chorale_lstm.chorale_lstm import ChoraleLSTM, given_frames
from instrument.composers.continuer import NoteModel, at_bar_line
from instrument.composers.musegan.latents import slerp
from instrument.composers.musegan.musegan import MuseGAN
from instrument.composers.registry import COMPOSERS, NOTE_MODELS, composer_of
from instrument.composers.transposing import scale_of
from instrument.errors import BundleError, SettingError
from instrument.music.constraints import Constraints
from instrument.music.note import Note, Phrase, Track
from instrument.music.sampling import NoteRandom
from tests.helpers.models.tiny_composers import TINY, tiny_composer
from tests.helpers.music.corpora import scales
from tests.helpers.places import ROOT
from training.note_lstm.step_graphs import NoteTupleWriter
from training.note_lstm.system import NoteLearner
from training.systems import SYSTEMS

MELODY = tuple(Note(float(beat), 60 + step, 1.0) for beat, step in enumerate((0, 2, 4, 5, 7, 5, 4)))


def opened(name: str) -> tuple[Bundle, Runtime]:
    return Bundle.load(tiny_composer(name)), Runtime(threads=1, device="cpu")


def note_model(name: str) -> NoteModel[object]:
    bundle, runtime = opened(name)
    return NOTE_MODELS[bundle.card.kind](bundle, runtime)


def test_every_kind_of_music_has_one_host() -> None:
    kinds = {kind for kind, card in CARDS.items() if card is ComposerCard}
    assert set(NOTE_MODELS) | set(COMPOSERS) == kinds
    assert not set(NOTE_MODELS) & set(COMPOSERS)


@pytest.mark.slow
def test_the_note_lstm_plays_the_very_notes_that_torch_plays() -> None:
    torch.manual_seed(1)  # as the tiny run began
    system, corpus = SYSTEMS["note-lstm"], scales(voices=1, per_split=8)
    learner = system.open(system.recipes["tiny"], corpus, torch.device("cpu"))
    assert isinstance(learner, NoteLearner)
    round_matrices(learner.network, with_kernels=True)
    prompt = at_bar_line(Phrase.of(MELODY))
    wanted = NoteTupleWriter(learner.step_module(), 1.0, 0.95).continue_phrase(prompt, 90.0, 3)

    model, random = note_model("tiny_notes"), NoteRandom(3)
    state = model.begin(4.0, 0.0)
    for note in MELODY:
        state = model.feed(state, note)
    found = []
    for index in range(len(wanted.notes)):
        note, state = model.draw(state, Constraints(earliest_beats=8.0), random.at(index))
        found.append(Note(note.start_beats - 8.0, note.pitch, note.length_beats, note.velocity))
    assert len(found) > 2
    assert tuple(sorted(found)) == wanted.notes


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny_notes", "tiny_attention", "tiny_stacked"])
def test_going_back_to_a_state_gives_the_same_notes_again(name: str) -> None:
    model, random = note_model(name), NoteRandom(1)
    state = model.begin(4.0, 0.0)
    for note in MELODY:
        state = model.feed(state, note)
    first = [model.draw(state, Constraints(), random.at(index))[0] for index in range(3)]
    model.draw(model.feed(state, Note(8.0, 40, 1.0)), Constraints(), random.at(9))
    assert [model.draw(state, Constraints(), random.at(index))[0] for index in range(3)] == first


@pytest.mark.slow
def test_a_harmonised_melody_is_the_soprano_and_three_voices_follow() -> None:
    composer = composer_of(opened("tiny_chorale")[0])
    melody = at_bar_line(Phrase.of(MELODY))
    made = composer.generate(2, 4, Constraints(), condition=melody)
    assert [track.name for track in made.tracks] == ["Alto", "Tenor", "Bass"]
    assert made == composer.generate(2, 4, Constraints(), condition=melody)
    assert made != composer.generate(2, 5, Constraints(), condition=melody)


def test_a_chorale_goes_on_in_the_tracks_of_its_voices() -> None:
    composer = composer_of(opened("tiny_chorale")[0])
    low, high = Track((Note(0, 43, 4.0),), "low"), Track((Note(0, 67, 4.0),), "high")
    made = composer.continue_phrase(Phrase((low, high), 4.0), 4.0, Constraints(), 1)
    assert [track.name for track in made.tracks] == ["low", "high", "Alto", "Tenor"]
    assert made.length_beats == 4.0


def test_frames_are_read_from_tracks_and_from_chords() -> None:
    chord = Phrase.of([Note(0.0, pitch, 0.5) for pitch in (48, 55, 64, 72)], 0.5)
    assert given_frames(chord).tolist() == [[72, 64, 55, 48]] * 2
    melody = Phrase.of([Note(0.0, 60, 0.25)], 0.5)
    assert given_frames(melody).tolist() == [[60, -2, -2, -2], [-1, -2, -2, -2]]
    assert isinstance(composer_of(opened("tiny_chorale")[0]), ChoraleLSTM)


def test_a_tune_in_d_major_is_two_semitones_above_the_scale_that_was_learned() -> None:
    d_major = tuple(Note(float(i), 62 + step, 1.0) for i, step in enumerate((0, 2, 4, 5, 7, 9, 11)))
    assert scale_of(d_major) == 2
    assert scale_of(()) == 0


@pytest.mark.slow
def test_tones_move_with_the_prompts_key() -> None:
    composer = composer_of(opened("tiny_tones")[0])
    prompt = at_bar_line(Phrase.of(MELODY))
    made = composer.continue_phrase(prompt, 4.0, Constraints(), 1)
    higher = composer.continue_phrase(prompt.transposed(2), 4.0, Constraints(), 1)
    assert higher == made.transposed(2)


@pytest.mark.slow
def test_the_best_of_eight_candidates_is_the_critics_choice() -> None:
    bundle, runtime = opened("tiny_phrases")
    composer = MuseGAN(bundle, runtime)
    drawn = [composer._draw({}, None, Constraints(), 3, 0, number, 0.0) for number in range(8)]
    best = max(drawn, key=lambda one: one.score)
    assert len({one.score for one in drawn}) > 1
    chosen = composer._best({}, None, Constraints(candidates=8), 3, 0, 0.0)
    assert np.array_equal(chosen, best.classes)


@pytest.mark.slow
def test_an_accompaniment_depends_on_what_is_given_and_leaves_it_out() -> None:
    composer = composer_of(opened("tiny_accompanist")[0])
    melody = at_bar_line(Phrase.of(MELODY))
    made = composer.generate(2, 1, Constraints(), condition=melody)
    assert [track.name for track in made.tracks] == ["Alto", "Tenor", "Bass"]
    other = composer.generate(2, 1, Constraints(), condition=melody.transposed(1))
    assert made != other


def test_a_phrase_with_an_upbeat_is_accompanied_in_its_own_bars() -> None:
    composer = composer_of(opened("tiny_accompanist")[0])
    melody = at_bar_line(Phrase.of(MELODY, 9.0, pickup_beats=1.0))
    made = composer.generate(3, 1, Constraints(), condition=melody)
    assert made.length_beats == melody.length_beats
    assert made.pickup_beats == 1.0
    assert all(note.start_beats < made.length_beats for note in made.notes)


def test_slerp_keeps_the_length_and_meets_both_ends() -> None:
    random = np.random.default_rng(0)
    start, end = (random.standard_normal((3, 8)).astype(np.float32) for _ in range(2))
    end *= np.linalg.norm(start, axis=1, keepdims=True) / np.linalg.norm(end, axis=1, keepdims=True)
    assert np.allclose(slerp(start, end, 0.0), start, atol=1e-6)
    assert np.allclose(slerp(start, end, 1.0), end, atol=1e-5)
    half = np.linalg.norm(slerp(start, end, 0.5), axis=1)
    assert np.allclose(half, np.linalg.norm(start, axis=1), rtol=1e-5)
    assert np.allclose(slerp(start, start, 0.5), start, atol=1e-6)


def test_one_that_cannot_hear_says_so() -> None:
    composer = composer_of(opened("tiny_dense")[0])
    with pytest.raises(SettingError, match="cannot hear"):
        composer.continue_phrase(Phrase.of(MELODY), 4.0, Constraints(), 1)
    assert composer.generate(30, 1, Constraints()).length_beats == 120.0


def test_a_sound_is_no_composer() -> None:
    shipped = ROOT / "presets" / "models" / "frame_voice"
    with pytest.raises(BundleError, match="makes sounds, not notes"):
        composer_of(Bundle.load(shipped))
    composer = Bundle.load(tiny_composer("tiny_attention"))
    with pytest.raises(BundleError, match="makes notes, not sounds") as refused:
        _ = composer.sound
    assert "latentkeys continue" in refused.value.remedy


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_no_composer_makes_no_bars_or_a_thousand(name: str) -> None:
    composer = composer_of(opened(name)[0])
    for bars in (-1, 0, 513):
        with pytest.raises(SettingError, match=rf"bars must be in 1\.\.512, got {bars}"):
            composer.generate(bars, 1, Constraints())
