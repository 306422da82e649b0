"""Files go in and come out, the same from the same seed; what cannot be is said in plain words."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from instrument.cli.main import latentkeys
from instrument.errors import LatentkeysError, MidiFileError, SettingError
from instrument.midi.phrases import read_phrase, write_phrase
from instrument.music.note import Meter, Note, Phrase, Tempo, Track
from tests.helpers.models.tiny_composers import tiny_composer

TUNE = ((67, 1.0), (69, 0.5), (71, 0.5), (72, 1.0), (71, 1.0), (67, 2.0), (64, 1.0), (62, 1.0))
MODELS = ["ngram", "echo", "tiny_notes", "tiny_attention", "tiny_tones", "tiny_chorale"]


def tune(meter: tuple[int, int] = (4, 4), up: int = 0) -> Phrase:
    notes, now = [], 0.0
    for pitch, length in TUNE:
        notes.append(Note(now, pitch + up, length, 90))
        now += length
    return Phrase(
        (Track(tuple(notes), "tune", 40, channel=0),),
        now,
        (Tempo(0.0, 100.0),),
        (Meter(0.0, *meter),),
    )


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    write_phrase(tmp_path / "in.mid", tune())
    return tmp_path / "in.mid"


def latent(*arguments: object) -> Result:
    return CliRunner().invoke(latentkeys, [str(argument) for argument in arguments])


def refused(*arguments: object) -> LatentkeysError:
    result = latent(*arguments)
    assert isinstance(result.exception, LatentkeysError), result.output
    return result.exception


def model(name: str) -> str:
    return name if name in ("ngram", "echo") else str(tiny_composer(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_continuation_keeps_the_prompt_and_adds_whole_bars(
    prompt: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out.mid"
    result = latent("continue", prompt, out, "--model", model(name), "--bars", 3, "--seed", 5)
    assert result.exit_code == 0, result.exception
    assert "3 bars" in result.output
    assert "from beat 8 on" in result.output
    heard, made = tune(), read_phrase(out)
    assert made.tempos == heard.tempos
    assert made.meters == heard.meters
    assert made.length_beats == 20.0
    assert made.tracks[0].notes[: len(TUNE)] == heard.notes
    added = [note for note in made.notes if note.start_beats >= 8.0]
    assert len(added) == len(made.notes) - len(TUNE)
    assert added


def test_four_voices_are_continued_in_four_tracks(tmp_path: Path) -> None:
    chords = ((72, 67, 64, 48), (71, 67, 62, 55), (72, 67, 64, 48), (72, 69, 65, 53)) * 2
    tracks = tuple(
        Track(tuple(Note(float(beat), chord[voice], 1.1) for beat, chord in enumerate(chords)))
        for voice in range(4)
    )
    write_phrase(tmp_path / "in.mid", Phrase(tracks, 8.0))
    result = latent("continue", tmp_path / "in.mid", tmp_path / "out.mid", "--bars", 2)
    assert result.exit_code == 0, result.exception
    assert "by chorale_lstm" in result.output
    made = read_phrase(tmp_path / "out.mid")
    added = [[n for n in track.notes if n.start_beats >= 8.0] for track in made.tracks]
    assert len(added) == 4
    assert all(added)


@pytest.mark.parametrize("name", ["ngram", "tiny_notes", "tiny_attention"])
def test_one_seed_gives_one_file_and_another_seed_another(
    prompt: Path, tmp_path: Path, name: str
) -> None:
    for file, seed in (("a", 1), ("b", 1), ("c", 2)):
        options = ("--model", model(name), "--bars", 4, "--seed", seed)
        assert latent("continue", prompt, tmp_path / f"{file}.mid", *options).exit_code == 0
    a, b, c = ((tmp_path / f"{file}.mid").read_bytes() for file in "abc")
    assert a == b
    assert a != c


def test_what_is_asked_for_is_kept(prompt: Path, tmp_path: Path) -> None:
    for name in ("tiny_notes", "tiny_attention", "ngram"):
        options = ("--model", model(name), "--key", "D", "--register", 60, 80, "--force")
        assert latent("continue", prompt, tmp_path / "out.mid", *options).exit_code == 0
        added = read_phrase(tmp_path / "out.mid").notes[len(TUNE) :]
        assert added
        assert {note.pitch % 12 for note in added} <= {2, 4, 6, 7, 9, 11, 1}, name
        assert all(60 <= note.pitch <= 80 for note in added), name


def test_requests_that_a_model_cannot_keep_are_named(prompt: Path, tmp_path: Path) -> None:
    options = ("--model", "ngram", "--density", 2, "--key", "C")
    result = latent("continue", prompt, tmp_path / "out.mid", *options)
    assert "ngram leaves --density out" in result.output
    assert "--key out" not in result.output


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny_accompanist", "tiny_chorale"])
def test_accompaniments_stand_beside_the_tune(prompt: Path, tmp_path: Path, name: str) -> None:
    outs = [tmp_path / "a.mid", tmp_path / "b.mid"]
    for out in outs:
        options = ("--model", model(name), "--candidates", 3)
        result = latent("accompany", prompt, out, *options)
        assert result.exit_code == 0, result.exception
    assert outs[0].read_bytes() == outs[1].read_bytes()
    made = read_phrase(outs[0])
    assert made.tracks[0].notes == tune().notes
    assert {track.name for track in made.tracks[1:]} <= {"Alto", "Tenor", "Bass"}
    assert len(made.tracks) > 1
    assert made.length_beats == 8.0


@pytest.mark.slow
def test_phrases_are_written_from_nothing_and_go_on_from_bars(prompt: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mid"
    phrases = ("--model", model("tiny_phrases"), "--mode", "hybrid", "--bars", 6)
    assert latent("compose", out, *phrases).exit_code == 0
    assert read_phrase(out).length_beats == 24.0
    follower = ("--model", model("tiny_follower"), "--bars", 3, "--force")
    assert latent("continue", prompt, out, *follower).exit_code == 0
    assert read_phrase(out).length_beats == 20.0


@pytest.mark.slow
def test_a_musegans_candidates_are_ranked_by_who_is_named(prompt: Path, tmp_path: Path) -> None:
    names = ("none", model("tiny_ensemble"))
    for name in names:
        out = tmp_path / f"{names.index(name)}.mid"
        asked = ("--model", model("tiny_accompanist"), "--judge", name, "--seed", 2)
        result = latent("accompany", prompt, out, *asked)
        assert result.exit_code == 0, result.exception
    first, likeliest = ((tmp_path / f"{number}.mid").read_bytes() for number in range(2))
    assert first != likeliest
    refusal = refused(
        "continue",
        prompt,
        tmp_path / "no.mid",
        "--model",
        "ngram",
        "--judge",
        model("tiny_chorale"),
    )
    assert "cannot say how likely" in refusal.message


def test_a_file_that_exists_is_kept_without_force(prompt: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mid").write_text("mine")
    for verb in (("continue", prompt), ("accompany", prompt), ("compose",)):
        problem = refused(*verb, tmp_path / "out.mid", "--model", "echo")
        assert "exists" in problem.message
        assert "--force" in problem.remedy
    assert (tmp_path / "out.mid").read_text() == "mine"


@pytest.mark.parametrize(
    ("notes", "said"),
    [((), "0 notes"), ((Note(0.0, 60, 1.0),), "1 notes")],
)
def test_files_without_music_are_refused(
    tmp_path: Path, notes: tuple[Note, ...], said: str
) -> None:
    write_phrase(tmp_path / "in.mid", Phrase.of(notes, 4.0))
    problem = refused("continue", tmp_path / "in.mid", tmp_path / "out.mid", "--model", "ngram")
    assert isinstance(problem, MidiFileError)
    assert said in problem.message
    assert not (tmp_path / "out.mid").exists()


def test_drums_alone_and_no_midi_are_refused(tmp_path: Path) -> None:
    drums = Track((Note(0.0, 36, 0.5), Note(1.0, 38, 0.5)), is_drum=True, channel=9)
    write_phrase(tmp_path / "in.mid", Phrase((drums,), 4.0))
    problem = refused("continue", tmp_path / "in.mid", tmp_path / "out.mid", "--model", "ngram")
    assert "no notes but drums" in problem.message
    (tmp_path / "in.mid").write_bytes(b"")
    problem = refused("continue", tmp_path / "in.mid", tmp_path / "out.mid", "--model", "ngram")
    assert isinstance(problem, MidiFileError)


def test_unknown_models_and_sounds_are_refused_with_what_to_use_instead(
    prompt: Path, tmp_path: Path
) -> None:
    problem = refused("continue", prompt, tmp_path / "out.mid", "--model", "ngrams")
    assert "there is no composer 'ngrams'" in problem.message
    assert "Did you mean 'ngram'?" in problem.remedy
    assert "echo" in problem.remedy
    problem = refused("continue", prompt, tmp_path / "out.mid", "--model", "frame_voice")
    assert "is a sound" in problem.message
    assert "latentkeys models list" in problem.remedy


def test_what_a_model_cannot_do_names_one_that_can(prompt: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mid"
    problem = refused("accompany", prompt, out, "--model", "ngram")
    assert "cannot accompany" in problem.message
    problem = refused("continue", prompt, out, "--model", model("tiny_phrases"))
    assert "musegan_continue" in problem.remedy
    problem = refused("compose", out, "--model", model("tiny_accompanist"))
    assert "latentkeys accompany" in problem.remedy
    problem = refused("compose", out, "--model", model("tiny_phrases"), "--mode", "jamming")
    assert "must be hybrid" in problem.message
    assert "--recipe jamming" in problem.remedy
    problem = refused("compose", out, "--model", "ngram", "--mode", "hybrid")
    assert "has no modes" in problem.message
    assert latent("compose", out, "--mode", "free").exit_code == 2


@pytest.mark.parametrize("meter", [(2, 4), (3, 4), (6, 8), (7, 8), (12, 8)])
def test_a_musegan_accompanies_in_every_meter(tmp_path: Path, meter: tuple[int, int]) -> None:
    write_phrase(tmp_path / "in.mid", tune(meter=meter))
    options = ("--model", model("tiny_accompanist"), "--care", "1")
    latent("accompany", tmp_path / "in.mid", tmp_path / "out.mid", *options)
    made = read_phrase(tmp_path / "out.mid")
    assert made.meters[0] == Meter(0.0, *meter)
    assert made.tracks[0].notes == tune(meter=meter).tracks[0].notes
    assert any(track.notes for track in made.tracks[1:])


def test_notes_far_out_of_a_models_range_are_refused_with_the_octave_that_fits(
    tmp_path: Path,
) -> None:
    write_phrase(tmp_path / "in.mid", tune(up=48))
    options = ("--model", model("tiny_notes"))
    problem = refused("continue", tmp_path / "in.mid", tmp_path / "out.mid", *options)
    assert "8 of 8 notes lie outside" in problem.message
    assert "octaves down" in problem.remedy


def test_impossible_requests_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.mid"
    problem = refused("continue", missing, tmp_path / "out.mid", "--key", "H")
    assert isinstance(problem, SettingError)
    problem = refused("continue", missing, tmp_path / "out.mid", "--key", "C", "--register", 61, 61)
    assert "no pitch of the key" in problem.message


def test_the_list_names_voices_and_the_built_in_composers() -> None:
    listed = latent("models", "list").output
    assert "ngram" in listed
    assert "echo" in listed
    assert "frame_voice" in listed
