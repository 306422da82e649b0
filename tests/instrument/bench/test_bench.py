"""The benches measure what they say, and never call a missing figure a pass."""

import io
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import jack
import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from instrument.bench import engine, render
from instrument.bench.commands import bench_group
from instrument.bench.harness import Canary, Goal, Row, Verdict, compare, interleave, judge
from instrument.bench.held_notes import held_note_rows
from instrument.bench.live import fresh_notes, songs, start
from instrument.bench.live.callbacks import callback_rows
from instrument.bench.live.jack_server import JackServer, private_jack
from instrument.bench.live.latency import latency_rows
from instrument.bench.live.whole_instrument import underrun_rows
from instrument.bench.peers import fluidsynth as fluidsynth_peer
from instrument.bench.peers.child import ChildPeer, PeerMissing
from instrument.bench.peers.fluidsynth import FluidSynth
from instrument.bench.peers.jack_client import open_client
from instrument.bench.peers.kernel_voices import KernelVoices
from instrument.bench.peers.numpy_engine import NumpyVoices
from instrument.bench.peers.part_voices import PartVoices
from instrument.bench.report import Report, show, write_json
from instrument.errors import FileError
from instrument.preset.preset import find_preset, load_preset, save_preset
from instrument.preset.sections import Slide
from tests.helpers.live.home import make_home, users_home

pytestmark = pytest.mark.serial

STEADY = Canary([1.0] * 20)
UNSTEADY = Canary([1.0, 2.0] * 10)


def test_ratios_are_paired_within_a_round() -> None:
    # The machine halves its speed after the first round: a ratio of medians would say 1.
    row = compare("x", "s", [1.0, 2.0, 2.0], "peer", [2.0, 4.0, 2.0])
    assert row.ratio == 0.5
    assert row.best_ratio == 0.5
    assert row.spread == pytest.approx(0.25)


def test_every_contestant_runs_once_per_round_after_another_neighbour() -> None:
    order: list[str] = []

    def run(name: str) -> float:
        order.append(name)
        return 1.0

    contestants = {name: partial(run, name) for name in "abc"}
    results = interleave(contestants, 3, Canary())
    assert "".join(order) == "abcbcacab"
    assert results == {name: [1.0] * 3 for name in "abc"}


@pytest.mark.parametrize(
    ("row", "canary", "verdict"),
    [
        (Row("x", "s", 1.0, ratio=0.5, goal=Goal(0.6)), STEADY, Verdict.MET),
        (Row("x", "s", 1.0, ratio=0.7, goal=Goal(0.6)), STEADY, Verdict.MISSED),
        (Row("x", "s", 1.0, goal=Goal(1.5, is_ratio=False)), STEADY, Verdict.MET),
        (Row("x", "s", 2.0, goal=Goal(1.5, is_ratio=False)), STEADY, Verdict.MISSED),
        (Row("x", "s", 1.0, ratio=0.5, goal=Goal(0.6)), UNSTEADY, Verdict.NOT_JUDGED),
        (Row("x", "s", 1.0, goal=Goal(0.6)), STEADY, Verdict.NOT_MEASURED),
        (
            Row("x", "s", 0.0, goal=Goal(1.0, is_ratio=False), verdict=Verdict.NOT_JUDGED),
            STEADY,
            Verdict.NOT_JUDGED,
        ),
        (Row("x", "s", 1.0), UNSTEADY, Verdict.REPORTED),
    ],
)
def test_only_a_measured_figure_on_a_steady_machine_is_judged(
    row: Row, canary: Canary, verdict: Verdict
) -> None:
    assert judge(row, canary) == verdict


def test_one_interruption_does_not_make_the_machine_unsteady() -> None:
    assert Canary([1.0] * 19 + [9.0]).is_steady
    assert not UNSTEADY.is_steady


def test_kernel_and_fluidsynth_really_sound_the_voices_that_are_timed() -> None:
    kernel = KernelVoices(32, 64, 48_000, is_bent=True)
    assert kernel.measure(10) > 0
    assert kernel.active_voices == 32
    assert kernel.peak > 0.01
    with FluidSynth(32, 64, 48_000, has_effects=False) as synth:
        assert synth.measure(10) > 0
        assert synth.active_voices == 32
        assert synth.peak > 0.01


def test_every_part_really_sounds_on_its_outputs() -> None:
    parts = PartVoices(32, 64, 48_000)
    assert parts.measure(10) > 0
    assert parts.active_voices == 32
    assert parts.quietest_part > 0.01 and parts.peak > 0.01


def test_numpy_voices_play_the_table_at_its_pitch() -> None:
    voices = NumpyVoices(1, 128, 48_000)
    left = np.concatenate([voices.process_block()[0] for _ in range(375)])
    spectrum = np.abs(np.fft.rfft(left * np.hanning(len(left))))
    assert np.argmax(spectrum) == 110  # 110 cycles per second of table, 1-Hz bins, rate 1.003


def test_engine_bench_measures_ours_and_every_peer() -> None:
    report = engine.bench_engine(voice_counts=(8,), block_sizes=(64,), rounds=1)
    compared = {row.peer_name: row for row in report.rows if row.peer_name}
    assert set(compared) == {"FluidSynth", "FluidSynth + effects", "pyo", "numpy", "in one"}
    for row in compared.values():
        assert row.ours is not None and row.peer is not None and row.ratio is not None
        assert row.ratio == pytest.approx(row.ours / row.peer)
        assert 0.1 < row.peer < 100_000  # microseconds


def test_held_notes_are_measured_while_all_of_them_stream(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with users_home(tmp_path_factory):
        reed = load_preset("reed")
        sound = replace(reed.sound, sustain="stream")
        slide = Slide(load_preset("choir").sound.latent)
        save_preset(replace(reed, sound=sound, slide=slide), find_preset("reed"))
        report = Report("engine")
        held, slid, beside = held_note_rows(report, rounds=2, preset="reed")
    assert held.ours is not None and slid.ours is not None and beside.ratio is not None
    assert 0.1 < held.ours < slid.ours, "percent of a core"
    assert beside.peer_name == "FluidSynth" and beside.peer is not None and beside.peer > 0


def test_a_missing_peer_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fluidsynth_peer, "SOUNDFONTS", ())
    monkeypatch.setattr(engine, "JUDGED", (8, 64))
    report = engine.bench_engine(voice_counts=(8,), block_sizes=(64,), rounds=1)
    rows = [row for row in report.judged() if row.peer_name == "FluidSynth"]
    assert [row.verdict for row in rows] == [Verdict.NOT_MEASURED]
    assert "apt-get install" in rows[0].note
    assert rows[0].goal is not None


def test_a_child_that_dies_is_missing_with_its_last_words() -> None:
    with pytest.raises(PeerMissing, match="ValueError"):
        ChildPeer("instrument.bench.peers.pyo_engine", "no number", "64", "48000")


def test_private_server_is_gone_afterwards() -> None:
    with private_jack(256, wants_realtime=False, name="test") as server:
        assert server.block_frames == 256
        open_client(server.name, "visitor").close()
    with pytest.raises(jack.JackOpenError):
        open_client(server.name, "visitor")


def test_silent_client_counts_the_under_runs_of_another() -> None:
    with (
        private_jack(256, wants_realtime=False, name="test") as server,
        ChildPeer("instrument.bench.peers.silent_client", server.name) as silent,
    ):
        before = silent.ask()
        _oversleep(server, times=3)
        after = silent.ask()
    assert after["cycles"] > before["cycles"] + 20
    assert after["xruns"] >= before["xruns"] + 3


def _oversleep(server: JackServer, times: int) -> None:
    """Miss the server's deadline a few times, as a callback that waits for the interpreter does."""
    slept: list[int] = []
    client = open_client(server.name, "sleeper")
    out = client.outports.register("out")
    last = 0

    def process(frames: int) -> None:
        nonlocal last
        out.get_array()[:] = 0
        if len(slept) < times and client.last_frame_time - last > 20 * frames:
            slept.append(frames)
            time.sleep(0.03)
            last = client.last_frame_time

    client.set_process_callback(process)
    with client:
        out.connect("system:playback_1")
        deadline = time.monotonic() + 10
        while len(slept) < times and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.2)
    client.close()


def test_json_holds_machine_rows_and_verdicts(tmp_path: Path) -> None:
    report = Report("engine", canary=STEADY)
    report.rows.append(Row("x", "µs", 1.0, "peer", 2.0, ratio=0.5, goal=Goal(1.0)))
    write_json([report], tmp_path / "figures.json")
    (read,) = json.loads((tmp_path / "figures.json").read_text())["reports"]
    assert read["rows"][0]["verdict"] == "met"
    assert read["rows"][0]["goal"] == "≤ 1 ×"
    assert read["machine"]["cores"] >= 1
    assert read["machine"]["cpu"]
    assert read["canary_variation"] == 0.0


def test_json_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"figures\.json"):
        write_json([Report("engine")], tmp_path / "nowhere" / "figures.json")


def test_table_says_ours_peer_ratio_goal_and_verdict() -> None:
    report = Report("engine", canary=STEADY)
    report.rows.append(compare("8 voices", "µs", [1.0, 1.0], "peer", [2.0, 2.0], Goal(1.0)))
    console = Console(record=True, width=132, file=io.StringIO())
    show(report, console)
    text = console.export_text()
    (line,) = [line for line in text.splitlines() if "8 voices" in line]
    assert " ".join(line.split()) == "8 voices 1 µs peer 2 0.5 ±0 % 0.5 ≤ 1 × met"
    assert "canary varied 0 %" in text


def test_every_bench_has_its_command() -> None:
    result = CliRunner().invoke(bench_group, ["--help"])
    assert result.exit_code == 0
    benches = {"engine", "realtime", "start", "render", "compose", "gansynth", "partner"}
    benches |= {"presets", "panel", "plugin"}
    assert set(bench_group.commands) == {*benches, "all"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's folders with a tiny model and two presets."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    make_home(tmp_path / "data")
    yield tmp_path


ARGUMENTS = ("--audio", "jack", "--preset", "reed")


def figures(rows: list[Row]) -> dict[str, float]:
    """Return what was measured; a row without a figure fails here, with its reason."""
    assert not [row.note for row in rows if row.ours is None]
    return {row.name.strip(): float(row.ours) for row in rows if row.ours is not None}


def test_native_callbacks_survive_what_python_callbacks_do_not() -> None:
    report = Report("realtime")
    native, jack_client = callback_rows(report, rounds=1, seconds=1.0)
    for row in (native, jack_client):
        assert row.peer is not None and row.ours is not None, row.note
        assert row.peer >= 20  # a Python callback beside a busy Python thread
        assert row.ours < row.peer
    assert "real-time" in report.facts["callbacks on"]


def test_note_to_audio_is_one_block_from_outside(home: Path) -> None:
    rows = latency_rows(Report("realtime"), ARGUMENTS, block_frames=256, notes=5)
    found = figures(rows)
    outside = found["note to audio, from outside, mean"]
    assert outside - found["note to audio, within the cycle, mean"] == 256
    assert 256 <= outside <= 257
    assert found["standard deviation"] == 0


def test_start_bench_hears_the_first_note_and_weighs_the_processes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "COLD_ROUNDS", 1)
    found = figures(start.bench_start(rounds=1, preset="reed").rows)
    assert 0.1 < found["first sound, notes cached"] <= found["first true sound, notes cached"] + 0.1
    assert found["first true sound, no cache"] <= found["all 88 keys whole, no cache"]
    assert 20 < found["engine process, resident"] < 1000
    assert found["processes that load torch"] == 0
    assert found["full garbage collection, instrument.engine.process imported"] > 0


def test_render_bench_measures_notes_tables_and_songs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "TABLE_ROUNDS", 1)
    monkeypatch.setattr(fresh_notes, "STARTS", 1)
    monkeypatch.setattr(fresh_notes, "FEWEST_NOTES", 0)
    monkeypatch.setattr(songs, "SONG_SECONDS", 3)
    report = render.bench_render(rounds=2, preset="reed")
    note, attack = (row for row in report.rows if row.peer_name == "torch eager")
    assert note.ratio is not None and attack.ratio is not None, note.note
    assert note.ours is not None and attack.ours is not None and attack.ours < note.ours
    found = figures([row for row in report.rows if not row.peer_name])
    assert found["88 keys × 2 layers, attacks"] < found["88 keys × 2 layers, whole"]
    assert found["new preset, chosen to all 88 keys whole"] > 0
    assert 0 < found["render a 3-s song, notes cached"] < 60


def test_whole_instrument_is_played_while_models_render(home: Path) -> None:
    rows = underrun_rows(Report("realtime"), "reed", seconds=3.0)
    found = figures(rows)
    assert found["whole instrument, 3 s, under-runs"] >= 0
    assert found["invalid samples"] == 0
    assert rows[0].peer is not None
    blocks, voices = (int(word) for word in rows[0].note.replace("up to ", "").split()[0:3:2])
    assert blocks > 0.5 * 3 * 375
    assert voices >= 6


def test_without_jack_nothing_is_measured_and_nothing_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jack", None)  # what `import jack` meets where it is absent
    result = CliRunner().invoke(bench_group, ["start"])
    assert result.exit_code == 0
    assert "not measured" in result.output
    assert "JACK is not installed" in result.output
