"""``latentkeys render --morph`` and its siblings, with a real (tiny, untrained) model."""

from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from instrument.cli.main import run
from instrument.cli.render_morph import MorphRequest, open_path, render_morph
from instrument.errors import PresetError, SettingError
from instrument.latents.create_preset import PresetRequest, new_preset
from instrument.offline.render_song import render_song
from instrument.preset.preset import load_preset
from tests.helpers.live.home import users_home
from tests.helpers.sounds.tones import heard_hz

RATE_HZ = 48_000


@pytest.fixture(scope="module", autouse=True)
def presets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with users_home(tmp_path_factory) as home:
        yield home / "latentkeys" / "presets"


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Two notes, half a second each, and a pedal that holds the second for as long again."""
    song = mido.MidiFile(ticks_per_beat=480)
    song.add_track().extend(
        [
            mido.Message("note_on", note=60, velocity=100, time=0),
            mido.Message("note_off", note=60, time=480),
            mido.Message("note_on", note=67, velocity=80, time=0),
            mido.Message("control_change", control=64, value=127, time=450),
            mido.Message("note_off", note=67, time=30),
            mido.Message("control_change", control=64, value=0, time=480),
        ]
    )
    song.save(tmp_path / "song.mid")
    return tmp_path / "song.mid"


def rendered(song: Path, **request: object) -> np.ndarray:
    out = song.with_name("morph.wav")
    render_morph(song, out, MorphRequest(**request), replace=True)  # type: ignore[arg-type]
    sound, rate_hz = soundfile.read(out, dtype="float32")
    assert rate_hz == RATE_HZ
    assert np.isfinite(sound).all()
    return np.asarray(sound)


@pytest.mark.slow
def test_a_timbre_that_stands_still_is_the_presets_own(song: Path) -> None:
    """The same voice, loops, envelope and velocity; attacks come from another graph."""
    render_song(song, song.with_name("plain.wav"), preset="reed")
    plain, _ = soundfile.read(song.with_name("plain.wav"), dtype="float32")
    np.testing.assert_allclose(rendered(song, morph="reed@0:00"), plain, atol=1e-4)


@pytest.mark.slow
def test_a_morph_begins_with_its_first_preset_and_ends_with_its_last(song: Path) -> None:
    moved = rendered(song, morph="reed@0:00,choir@0:00.5")
    first, last = (rendered(song, morph=f"{name}@0") for name in ("reed", "choir"))
    begin, end = RATE_HZ // 2, RATE_HZ  # the first note's release is over
    np.testing.assert_allclose(moved[:begin], first[:begin], atol=1e-6)
    ring = first[end : 3 * RATE_HZ // 2]
    np.testing.assert_allclose(moved[end : end + len(ring)], last[end : end + len(ring)], atol=1e-4)
    assert np.abs(ring - last[end : end + len(ring)]).max() > 0.003


def test_random_timbres_follow_their_seed(song: Path) -> None:
    first = rendered(song, model="tiny", pace="every=0.5s", seed=3)
    np.testing.assert_array_equal(first, rendered(song, model="tiny", pace="0.5", seed=3))
    other = rendered(song, model="tiny", pace="0.5", seed=4)
    assert len(other) != len(first) or np.abs(other - first).max() > 0.003


def test_the_papers_touch_has_its_level_its_envelope_and_its_velocities(song: Path) -> None:
    sound = rendered(song, morph="reed@0", touch="paper")[:, 0]
    assert sound.max() == pytest.approx(0.5, abs=1e-6)
    first, second = sound[: RATE_HZ // 2], sound[int(0.85 * RATE_HZ) : int(1.4 * RATE_HZ)]
    assert second.max() / first.max() == pytest.approx(80 / 100, rel=0.02)
    # The pedal lets go at 1.5 s; the release is over 0.3 s later.
    assert len(sound) == pytest.approx(1.8 * RATE_HZ, abs=2)
    assert np.abs(sound[-200:]).max() < 0.01


def test_requests_that_contradict_each_other_are_refused() -> None:
    for wrong, said in (
        ({"morph": "reed@0", "pace": "6"}, "exclude each other"),
        ({"morph": "reed@0", "preset": "reed"}, "names its presets itself"),
        ({"preset": "reed", "model": "tiny", "pace": "6"}, "brings its own model"),
        ({"model": "tiny"}, "chooses the model of random timbres"),
        ({"seed": 3}, "belong to random timbres"),
    ):
        with pytest.raises(SettingError, match=said):
            MorphRequest(**wrong)


def test_a_morph_that_cannot_be_says_why(presets: Path) -> None:
    for text, kind, said in (
        ("reed@0,choirr@1", PresetError, "there is no preset 'choirr'\nDid you mean 'choir'"),
        ("reed@0,choir@0:09", SettingError, "Choir@0:09 is later than the end .* lasts 0:08"),
    ):
        with pytest.raises(kind, match=said):
            open_path(MorphRequest(morph=text), 8.0)


def test_a_tuning_moves_every_note_and_a_wrong_one_writes_nothing(
    song: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def render(name: str, *options: str) -> tuple[int, Path]:
        out = song.with_name(f"{name}.wav")
        return run(["render", str(song), str(out), "--preset", "reed", *options]), out

    def hz(out: Path) -> float:
        sound, _ = soundfile.read(out)
        return heard_hz(sound[4_800:20_000, 0].astype(np.float32))

    _, plain = render("plain")
    _, low = render("low", "--a4", "415", "--transpose", "-12")
    assert hz(low) / hz(plain) == pytest.approx(415 / 880, rel=2.5e-3)  # strikes vary
    scale = song.with_name("bad.scl")
    scale.write_text("bad\n3\n100.0\n")
    code, none = render("none", "--tuning", str(scale))
    assert code == 2 and not none.exists()
    assert "announces 3 notes and has 1" in capfd.readouterr().err
    assert run(["render", str(song), str(none), "--morph", "reed@0", "--a4", "432"]) == 2
    assert "Leave --a4" in capfd.readouterr().err


def test_generated_sounds_are_the_same_bytes_again(
    presets: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["generate", "random", "--model", "tiny", "--count", "2", "--seed", "7", "--all"]
    for folder in ("a", "b"):
        assert run([*command, "--out", str(tmp_path / folder)]) == 0
    said = capfd.readouterr().err
    names = ["tiny_7.toml", "tiny_7.wav", "tiny_8.toml", "tiny_8.wav"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert "tiny_8.toml" in said
    sounds = [soundfile.read(tmp_path / "a" / name)[0] for name in names[1::2]]
    assert all(np.abs(sound).max() > 0.01 for sound in sounds)
    again = new_preset("Again", PresetRequest(seed=8), model="tiny", folder=tmp_path / "c")
    assert load_preset(tmp_path / "a" / "tiny_8.toml").sound == load_preset(again).sound


def test_generated_sounds_replace_nothing_unasked(presets: Path, tmp_path: Path) -> None:
    command = ["generate", "random", "--model", "tiny", "--count", "1", "--out", str(tmp_path)]
    (tmp_path / "tiny_0.wav").write_bytes(b"mine")
    command.append("--all")
    assert run(command) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["tiny_0.wav"]
    assert (tmp_path / "tiny_0.wav").read_bytes() == b"mine"
    assert run([*command, "--force", "--truncation", "0.5"]) == 0
    half = load_preset(tmp_path / "tiny_0.toml")
    assert half.recipe is not None
    assert half.recipe.truncation == 0.5
