"""``latentkeys data waves``, as a person types it."""

from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner, Result

from instrument.cli.main import latentkeys as command_line
from instrument.errors import LatentkeysError
from tests.helpers.sounds.nsynth_files import write_folder
from tests.helpers.sounds.tones import sine
from training.data.audio.waves import open_waves


def typed(*arguments: object) -> Result:
    words = ["data", "waves", *(str(argument) for argument in arguments)]
    return CliRunner().invoke(command_line, words)


def waves(*arguments: object) -> str:
    """Run the command and return what it says, on one line."""
    result = typed(*arguments)
    assert result.exit_code == 0, result.exception
    return " ".join(result.output.split())


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    folder = tmp_path / "takes"
    folder.mkdir()
    soundfile.write(folder / "bell_A4.wav", sine(69, 5 * 16000, 16000), 16000)
    soundfile.write(folder / "bell_C5.wav", sine(72, 5 * 16000, 16000), 16000)
    (folder / "bell_D5.wav").write_bytes(b"RIFF")
    return folder


def test_a_folder_becomes_a_set_with_its_name(takes: Path, tmp_path: Path) -> None:
    said = waves("folder", takes, "--out", tmp_path / "set")
    assert "skipped bell_D5.wav: it cannot be read" in said
    assert "2 notes, pitches 69 to 72, of 1 instruments" in said
    made = open_waves(tmp_path / "set")
    assert (made.name, made.label_names) == ("takes", ("bell",))


def test_a_set_is_made_anew_only_when_forced(takes: Path, tmp_path: Path) -> None:
    waves("folder", takes, "--out", tmp_path / "set", "--name", "bells")
    again = waves("folder", takes, "--tiles", "--out", tmp_path / "set", "--name", "bells")
    assert "is there already" in again
    assert "2 notes" in again
    forced = waves("folder", takes, "--tiles", "--out", tmp_path / "set", "--force")
    assert "2 tiles, of 2 recordings" in forced


def test_nsynth_is_filtered_by_source(tmp_path: Path) -> None:
    published = write_folder(tmp_path / "nsynth-test")
    said = waves("nsynth", published, "--out", tmp_path / "set", "--sources", "all")
    assert "left out, for it is silent or not wanted: 2" in said
    assert "5 notes, pitches 40 to 84, of 4 instruments" in said
    assert open_waves(tmp_path / "set").name == "nsynth-all"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("folder", "{}", "--tiles", "--estimate"), "have no pitch to --estimate"),
        (("folder", "{}", "--name", "../up"), "--name must be a plain name"),
        (("folder", "{}", "--out", "{}"), "is there and is no wave set"),
        (("soundfont", "--programs", "0,122", "--out", "{}/set"), "122 cannot be used"),
        (
            ("soundfont", "--font", "{}/bell_A4.wav", "--programs", "0", "--out", "{}/set"),
            "is not a SoundFont",
        ),
        (("maestro", "{}", "--out", "{}/set"), "has no maestro-v"),
        (("nsynth", "{}", "--out", "{}/set"), "has no examples.json"),
    ],
)
def test_what_cannot_be_is_said(takes: Path, arguments: tuple[str, ...], words: str) -> None:
    result = typed(*(argument.format(takes) for argument in arguments))
    assert isinstance(result.exception, LatentkeysError)
    assert words in result.exception.message
