"""Every mistake a user can make ends in one message with a remedy, exit code 2, and no debris."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from instrument.cli.main import SECTIONS, latentkeys, run
from instrument.cli.play import play_command
from instrument.music.tuning import KeyTuning
from instrument.preset.partner_options import PartnerOptions
from instrument.session.settings import PlaySettings
from tests.helpers.live.home import users_home
from tests.helpers.live.play import COMMAND


def song_bytes() -> bytes:
    events = bytes.fromhex("00903c648360803c4000ff2f00")
    header = bytes.fromhex("4d546864000000060000000101e0")
    return header + b"MTrk" + len(events).to_bytes(4, "big") + events


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's folders, for this process and those it starts."""
    with users_home(tmp_path_factory) as folder:
        yield folder / "latentkeys"


@pytest.fixture
def place(user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a song, and with a preset and a bundle to break."""
    (tmp_path / "song.mid").write_bytes(song_bytes())
    (tmp_path / "broken.mid").write_bytes(b"MThd, but nothing else of a song")
    (tmp_path / "not.mid").write_bytes(b"not a MIDI file")
    reed = (user / "presets" / "reed.toml").read_text()
    (tmp_path / "range.toml").write_text(
        reed.replace("release_seconds = 0.3", "release_seconds = -1")
    )
    (tmp_path / "key.toml").write_text(reed.replace("rate_hz = ", "rate_hertz = "))
    (tmp_path / "model.toml").write_text(reed.replace('name = "tiny"', 'name = "tinny"'))
    (tmp_path / "text.toml").write_text("this is = not [toml")
    for name in ("swapped", "future"):
        shutil.copytree(user / "models" / "tiny", tmp_path / name)
    graph = next((tmp_path / "swapped").glob("*.onnx"))
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    card = json.loads((tmp_path / "future" / "card.json").read_text())
    (tmp_path / "future" / "card.json").write_text(json.dumps({**card, "format": 99}))
    (tmp_path / "taken.wav").write_bytes(b"somebody's only take")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "none")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    return tmp_path


MISTAKES = [
    ("plya", "(Did you mean one of: 'play', 'replay'?)"),
    ("play --prest x", "--preset"),
    ("play --channel 17", "1<=x<=16"),
    ("play --preset reeed", "there is no preset 'reeed'\nDid you mean 'reed'?"),
    ("play --preset range.toml", "release_seconds must be in 0..10 s, got -1"),
    ("play --preset key.toml", "[vibrato] rate_hertz is not a known key\nDid you mean 'rate_hz'?"),
    ("play --preset text.toml", "is not a TOML text file"),
    ("play --preset reed --audio nonsense", "nonsense"),
    ("play --preset reed --audio jack", "no JACK server answers"),
    ("play --preset reed --record take.mp3", "must end in .wav"),
    ("play --preset reed --record taken.wav", "exists\nAdd --force to replace it"),
    ("play --preset reed --audio taken.wav", "exists\nAdd --force to replace it"),
    ("play --preset reed --midi broken.mid", "is truncated"),
    ("play --preset reed --midi song.mid --demo", "exclude each other"),
    ("play --preset reed --no-drums", "--no-drums belongs to --midi"),
    ("play --preset reed --part-outputs", "--part-outputs belongs to --part"),
    ("play --preset reed --part reed --part-outputs --audio null", "--part-outputs needs JACK"),
    (
        "render song.mid out.wav --preset model.toml",
        "there is no model 'tinny'\nDid you mean 'tiny'",
    ),
    ("render song.mid out.mp3 --preset reed", "must end in .wav"),
    ("render song.mid taken.wav --preset reed", "Add --force"),
    ("render song.mid no/such/folder/out.wav --preset reed", "its folder does not exist"),
    ("render broken.mid out.wav --preset reed", "is truncated"),
    ("render not.mid out.wav --preset reed", "is not a MIDI file"),
    ("render missing.mid out.wav --preset reed", "No such file"),
    ("render . out.wav --preset reed", "cannot read"),
    ("presets show nothing", "there is no preset"),
    ("presets check range.toml", "1 of 1 presets cannot be played"),
    ("presets new x --blend Reed:much", "must be a number, got 'much'"),
    ("presets new x", "starts from exactly one of"),
    ("presets new x --seed 1 --amount 0.2", "--amount does nothing without --between"),
    ("presets new x --from reed --model tiny", "--model does nothing without --blend, --seed"),
    ("presets new x --seed 1 --pitch 60", "--pitch does nothing without --like"),
    ("presets new x --seed 1 --model tinny", "there is no model 'tinny'\nDid you mean 'tiny'?"),
    ("play --preset reed --clock midi", "--clock does nothing without --partner"),
    ("play --preset reed --metronome --tempo 90", "--metronome and --tempo do nothing without"),
    ("play --preset reed --force", "--force does nothing without --record"),
    ("presets list --tag plukced", "no preset has 'plukced'"),
    ("presets list --model tinny", "no preset has 'tinny'\nDid you mean 'tiny'?"),
    (
        "render song.mid out.wav --seed 3",
        "--seed, --truncation and --sharpness belong to random timbres",
    ),
    ("compose out.mid --model ngrm", "there is no composer 'ngrm'\nDid you mean 'ngram'?"),
    ("play --preset reed --partner dueet", "Did you mean 'duet'?"),
    ("play --preset reed --partner duet --model ngrm", "no composer 'ngrm'\nDid you mean 'ngram'"),
    ("play --preset reed --partner duet --partner-preset reeed", "Did you mean 'reed'?"),
    ("play --preset reed --audio nul", "Did you mean 'null'?"),
    ("play --preset reed --no-panel --panel-port 99", "--panel-port does nothing without"),
    ("render song.mid out.wav --preset reed --touch papr", "Did you mean 'paper'?"),
    ("train note-lstm run --recipe chorales", "Did you mean 'chorale'?"),
    ("render song.mid . --preset reed", "must end in .wav"),
    (f"compose {'a' * 300}.mid --model ngram", "the name is too long"),
    (f"continue song.mid {'a' * 300}.mid --model ngram", "the name is too long"),
    ("play --preset reed --audio \udcff", "is no text"),
    ("bundle check tinny", "there is no bundle 'tinny'\nDid you mean 'tiny'?"),
    ("bundle check swapped", "damaged or swapped"),
    ("bundle check future", "has format 99"),
]


@pytest.mark.parametrize(("line", "message"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_ends_in_one_message(
    place: Path, capfd: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    before = snapshot(place)
    assert run(line.split()) == 2
    said = capfd.readouterr()
    assert message in said.err
    assert said.err.count("Error:") == 1
    assert "Traceback" not in said.err + said.out
    assert snapshot(place) == before


def snapshot(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_full_disk_is_told_and_leaves_nothing(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    disk = place / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.name != "posix" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        assert run(["render", "song.mid", "disk/out.wav", "--preset", "reed"]) == 2
        assert "the disk is full" in capfd.readouterr().err
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_force_replaces_and_a_render_leaves_only_its_file(place: Path) -> None:
    assert run(["render", "song.mid", "taken.wav", "--preset", "reed", "--force"]) == 0
    assert (place / "taken.wav").read_bytes()[:4] == b"RIFF"
    assert not [path for path in place.iterdir() if path.name.startswith(".")]


def test_presets_are_listed_shown_and_made(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["presets", "new", "Half Way", "--between", "reed", "choir"]) == 0
    assert run(["presets", "check", "half_way", "reed"]) == 0
    assert run(["presets", "list"]) == 0
    assert run(["bundle", "check", "tiny"]) == 0
    said = capfd.readouterr().out
    assert "half_way" in said
    assert "largest difference" in said


VERBS = [name for verbs in SECTIONS.values() for name in verbs]


def test_help_lists_every_verb_in_its_section_and_imports_none(place: Path) -> None:
    heavy = ("torch", "numpy", "msgspec", "rich", "training", "export", "instrument.session")
    script = (
        "import sys; from instrument.cli.main import run; run(['--help']);"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    run_ = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    lines = run_.stdout.splitlines()
    assert lines[-1] == "[]"
    assert max(map(len, lines)) <= 80
    places = [lines.index(f"{heading}:") for heading in SECTIONS]
    ends = [*places[1:], len(lines)]
    for verbs, begin, end in zip(SECTIONS.values(), places, ends, strict=True):
        listed = [line.split()[0] for line in lines[begin + 1 : end] if line.startswith("  ")]
        assert listed == list(verbs)


EXTRAS = ("torch", "onnx", "onnxruntime", "scipy", "music21", "matplotlib", "psutil", "pyo")


def without_extras(script: str) -> subprocess.CompletedProcess[str]:
    hidden = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS}))\n"
    return subprocess.run([sys.executable, "-c", hidden + script], capture_output=True, text=True)


def test_every_verb_has_a_help_text_where_no_extra_is_installed(place: Path) -> None:
    run_ = without_extras(
        "from instrument.cli.main import run\n"
        f"print([verb for verb in {VERBS} if run([verb, '--help']) != 0])"
    )
    assert run_.stdout.splitlines()[-1] == "[]", run_.stderr
    for verb in VERBS:
        assert f"Usage: latentkeys {verb} " in run_.stdout
    assert "latentkeys train needs the package 'torch', which is not installed" in run_.stdout


@pytest.mark.parametrize("line", ["train frame-voice run", "export run", "bench engine"])
def test_a_missing_extra_names_the_command_that_installs_it(place: Path, line: str) -> None:
    run_ = without_extras(f"from instrument.cli.main import run\nsys.exit(run({line.split()}))")
    assert run_.returncode == 2
    assert "-m pip install" in run_.stderr and "[" in run_.stderr


def commands(group: click.Group) -> Iterator[click.Command]:
    """Yield every command below a group."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command
        yield from commands(command) if isinstance(command, click.Group) else [command]


def test_every_option_of_play_is_a_field_of_its_settings() -> None:
    own = {field.name for field in dataclasses.fields(PlaySettings)}
    own = own - {"partner", "tuning", "parts"} | {"keys", "part"}
    partner = {f"partner_{field.name}" for field in dataclasses.fields(PartnerOptions)}
    own |= {f"tuning_{field.name}" for field in dataclasses.fields(KeyTuning)}
    names = {option.name for option in play_command.params}
    assert own <= names <= own | partner


def test_every_option_says_what_it_does_in_a_sentence() -> None:
    for command in commands(latentkeys):
        assert command.help, command.name
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                what = f"{command.name} {option.opts[-1]}: {option.help}"
                assert option.help and option.help[0].isupper(), what
                assert option.help.endswith("."), what


def test_a_closed_pipe_ends_quietly(place: Path) -> None:
    line = f"{' '.join(COMMAND)} presets list | head -c 1"
    said = subprocess.run(["sh", "-c", line], capture_output=True, text=True)
    assert said.stderr == ""


@pytest.mark.slow
def test_devices_and_doctor_work_without_any_device(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["devices"]) == 0
    assert "no server answers" in capfd.readouterr().out
    assert run(["doctor", "--seconds", "0.5"]) == 0
    said = capfd.readouterr().out
    assert "real-time priority" in said
    assert "missed" in said
