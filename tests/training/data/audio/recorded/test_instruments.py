"""One set of folders, an SFZ instrument and a SoundFont."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from instrument.cli.main import latentkeys
from instrument.errors import FileError
from tests.helpers.sounds.played_notes import bow, folder_of, pluck
from training.audio.format import SAMPLE_RATE_HZ as RATE_HZ
from training.data.audio.recorded.instruments import collect_instruments, share_strings
from training.data.audio.soundfont import find_soundfont
from training.data.audio.tone_set import (
    HELD,
    TEST,
    TRAIN,
    UNSEEN,
    VALIDATE,
    Instrument,
    TuningTables,
    open_notes,
)

KEYS = range(55, 67)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings")
    horn = {f"horn/{key:03}.wav": bow(key + 0.08, 1.6) for key in KEYS}
    harp = {f"harp/{key:03}.wav": pluck(key) for key in KEYS}
    folder_of(path, horn | harp | {"viol/060.wav": bow(60), "viol/061.wav": bow(61)})
    folder_of(path, {"horn/067.wav": bow(61.0), "horn/068.wav": np.zeros(40_000, np.float32)})
    return path


def test_notes_are_held_as_long_as_the_model_is_asked(source: Path, tmp_path: Path) -> None:
    made = collect_instruments([source], tmp_path / "set", (), (), "free", lambda *_: None)
    tones = made.tones
    names = [instrument.name for instrument in tones.instruments]
    assert names == ["harp", "horn"] and tones.notice == "free"
    assert [instrument.is_struck for instrument in tones.instruments] == [True, False]
    horn = tones.instrument == 1
    held = horn & (tones.hold_frames == HELD)
    assert (tones.frames[held] == 12 * RATE_HZ).all() and held.sum() == len(KEYS)
    let_go = tones.hold_frames[horn & (tones.hold_frames != HELD)]
    assert let_go.size == len(KEYS)
    assert let_go / RATE_HZ == pytest.approx(1.1, abs=0.1)
    assert tones.cents[horn] == pytest.approx(8.0, abs=2.0)
    assert set(tones.split[horn]) == {TRAIN, TEST, VALIDATE}
    reasons = dict(made.skipped)
    assert "its name 67" in reasons["horn/067.wav"] and "silent" in reasons["horn/068.wav"]
    assert reasons["viol"] == "only 2 of its notes can be used"


@pytest.mark.slow
def test_an_instrument_that_is_held_out_comes_last_and_is_not_learned(
    source: Path, tmp_path: Path
) -> None:
    sources = [source, find_soundfont()]
    made = collect_instruments(sources, tmp_path / "set", (2,), ("harp",), "", lambda *_: None)
    names = [instrument.name for instrument in made.tones.instruments]
    assert names == ["horn", "electric-grand", "harp"]
    assert len(made.tones.trained_instruments) == 2
    assert set(made.tones.split[made.tones.instrument == 2]) == {UNSEEN}
    assert "Frank Wen" in made.tones.notice


def test_what_is_not_there_is_said(source: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="has no instrument in it"):
        collect_instruments([tmp_path / "empty"], tmp_path / "a", (), (), "", lambda *_: None)
    with pytest.raises(FileError, match="no instrument 'oboe'"):
        collect_instruments([source], tmp_path / "a", (), ("oboe",), "", lambda *_: None)


def test_the_command_names_what_it_skips(source: Path, tmp_path: Path) -> None:
    command = ["data", "instruments", str(source), "--out", str(tmp_path / "set")]
    result = CliRunner().invoke(latentkeys, command)
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())  # lines break where the folder's name makes them
    assert "horn/068.wav" in said and "2 instruments" in said
    assert open_notes(tmp_path / "set").pitch.size == 3 * len(KEYS)


def test_layers_of_one_instrument_have_its_strings() -> None:
    instruments = [Instrument(name, 0, True, False, 6.0) for name in ("a-v60", "b", "a-v127")]
    tables = TuningTables.harmonic(3)
    tables.log2_inharmonicity[:, 0] = (-12.0, -9.0, -11.5)
    share_strings(instruments, tables)
    assert tables.log2_inharmonicity[:, 0].tolist() == [-11.75, -9.0, -11.75]
    assert (
        tables.log2_inharmonicity[:, 1:] == TuningTables.harmonic(1).log2_inharmonicity[0, 1]
    ).all()
