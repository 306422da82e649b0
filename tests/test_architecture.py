"""The dependency rules of docs/architecture.md, read from the import statements themselves."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANDARD_LIBRARY = set(sys.stdlib_module_names)

FORBIDDEN = {
    "instrument": {"torch", "training", "export", "onnx", "onnxscript", "tensorboard", "music21"},
    "training": {"export", "onnx", "onnxscript"},
}
VERB_MODULE = Path("instrument/cli/main.py")
HALLS = {"training.data", "training.metrics"}
"""Folders whose folders are rooms of their own."""
ROOMS_OF_ROOMS = [
    "instrument.bench",
    "instrument.cli",
    "instrument.composers",
    "instrument.panel",
    "instrument.partner",
    "instrument.plugin",
    "instrument.realtime",
    "instrument.rendering",
    "instrument.session",
    "training.gansynth",
]
"""Rooms that have rooms themselves, beside files for all of these."""
MOST_FILES = 20
"""Python files in one folder, its ``__init__`` among them."""
GROUND = {
    *("errors", "files", "schema", "installation", "import_names", "progress"),
    *("music", "realtime"),
}
"""What every room of `instrument` above them may import."""
FLOORS = {
    # From the ground up: what each further room may import beside the `GROUND`.
    "first_start": "",
    "wav_files": "",
    "midi": "",
    "bundle": "",
    "processes": "",
    "unfinished": "processes wav_files",
    "engine": "midi processes unfinished wav_files",
    "rack": "engine midi processes wav_files",
    "composers": "bundle",
    "preset": "bundle midi rack",
    "partner": "bundle composers engine midi preset processes",
    "remote": "bundle",
    "rendering": "bundle preset processes remote",
    "latents": "bundle preset processes rendering",
    "offline": "bundle first_start latents midi preset rack remote rendering wav_files",
    "labelled": "bundle latents midi offline preset processes rendering",
    "panel": "bundle latents midi partner preset processes rack",
    "plugin": "bundle composers latents panel partner preset processes rendering",
    "session": "engine first_start midi offline panel partner preset processes rack rendering "
    "unfinished wav_files",
    "bench": "bundle composers engine latents midi partner plugin preset processes rendering "
    "session",
    "cli": "bundle composers engine first_start labelled latents midi offline partner plugin "
    "preset rack remote rendering session unfinished wav_files",
    "__main__": "cli",
}


def python_files(folder: str) -> list[Path]:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files, f"{folder} has no Python files"
    return [file.relative_to(ROOT) for file in files]


def imported_packages(file: Path, *, at_import_only: bool = False) -> Iterator[tuple[str, str]]:
    """Yield (top-level package, full module) of every absolute import in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    nodes = tree.body if at_import_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0], alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where a name comes from"
            yield str(node.module).split(".")[0], str(node.module)


@pytest.mark.parametrize("folder", sorted(FORBIDDEN))
def test_packages_import_only_downwards(folder: str) -> None:
    for file in python_files(folder):
        # The command line names the verbs of training and export, and imports them on use.
        only_top = file == VERB_MODULE
        found = {package for package, _ in imported_packages(file, at_import_only=only_top)}
        assert not found & FORBIDDEN[folder], f"{file} imports {found & FORBIDDEN[folder]}"


def room_of(module: str) -> str:
    """Return the room that a module is in: a folder of the package, or of one of the `HALLS`."""
    parts = module.removesuffix(".__init__").split(".")
    return ".".join(parts[: 3 if ".".join(parts[:2]) in HALLS else 2])


def room_imports(package: str) -> dict[str, set[str]]:
    """Return which rooms of a package each of its rooms imports; the package itself is none."""
    imports: dict[str, set[str]] = {}
    for file in python_files(package):
        room = room_of(".".join(file.with_suffix("").parts))
        found = {room_of(module) for top, module in imported_packages(file) if top == package}
        imports.setdefault(room, set()).update(found - {room, package})
    imports.pop(package, None)
    return imports


@pytest.mark.parametrize("package", ["export", "instrument", "tests", "training"])
def test_no_folder_has_more_files_than_one_can_look_over(package: str) -> None:
    files = Counter(file.parent for file in python_files(package))
    full = {str(folder): count for folder, count in files.items() if count > MOST_FILES}
    assert full == {}


@pytest.mark.parametrize("package", ["export", "instrument", "training"])
def test_rooms_import_each_other_without_circles(package: str) -> None:
    try:
        TopologicalSorter(room_imports(package)).prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " <- ".join(error.args[1]))


def imports_within(room: str) -> dict[str, set[str]]:
    """Return which of a room's files and folders import which others of it."""
    depth = len(room.split(".")) + 1
    imports: dict[str, set[str]] = {}
    for file in python_files(room.replace(".", "/")):
        own = ".".join(file.with_suffix("").parts[:depth])
        modules = [module for _, module in imported_packages(file) if module.startswith(room + ".")]
        found = {".".join(module.split(".")[:depth]) for module in modules}
        imports.setdefault(own, set()).update(found - {own})
    return imports


@pytest.mark.parametrize("room", ROOMS_OF_ROOMS)
def test_the_rooms_of_a_room_import_each_other_without_circles(room: str) -> None:
    try:
        TopologicalSorter(imports_within(room)).prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " <- ".join(error.args[1]))


def test_every_room_of_the_instrument_imports_only_what_is_below_it() -> None:
    below: set[str] = set()  # the ground is below them all
    for room, allowed in FLOORS.items():
        assert set(allowed.split()) <= below, f"the table has {room} below what it may import"
        below.add(room)
    for name, found in room_imports("instrument").items():
        room = name.removeprefix("instrument.")
        assert room in {*FLOORS, *GROUND}, f"{room} has no floor"
        foreign = {entry.removeprefix("instrument.") for entry in found}
        foreign -= {*FLOORS.get(room, "").split(), *GROUND}
        assert not foreign, f"{room} imports {foreign}"


def test_realtime_imports_only_numpy_numba_and_itself() -> None:
    allowed = STANDARD_LIBRARY | {"numpy", "numba", "llvmlite"}  # llvmlite is half of numba
    for file in python_files("instrument/realtime"):
        for package, module in imported_packages(file):
            is_itself = module == "instrument" or module.startswith("instrument.realtime")
            assert package in allowed or is_itself, f"{file} imports {module}"


@pytest.mark.parametrize(
    "module",
    [
        "instrument.cli.main",
        "instrument.session.control",
        "instrument.rendering.process",
        "instrument.engine.process",
    ],
)
def test_none_of_the_three_processes_loads_torch(module: str) -> None:
    script = f"import sys, {module}; sys.exit('torch' in sys.modules or 'onnx' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr or f"{module} loads torch or onnx"


@pytest.mark.parametrize(
    "begin",
    [
        "instrument.cli.main.run(['--help'])",
        "instrument.cli.main.run(['presets', 'list'])",
        "instrument.session.play.compile_once()",  # control's own start, to where the engine begins
    ],
)
def test_control_starts_without_the_heavy_packages(begin: str) -> None:
    heavy = ["numba", "llvmlite", "onnxruntime", "sounddevice", "rtmidi", "soundfile", "starlette"]
    script = f"import sys, instrument.cli.main, instrument.session.play as _; {begin}\n"
    script += f"print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.splitlines()[-1] == "[]", run.stderr


def test_a_start_reads_nothing_that_only_songs_takes_and_notices_need() -> None:
    later = ["rich", "difflib", "instrument.midi.song", "instrument.partner.takes.take"]
    script = f"import sys, instrument.session.play\nprint([m for m in {later} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr


def test_no_class_name_has_two_meanings() -> None:
    homes: dict[str, list[str]] = {}
    for file in [
        file for room in ("instrument", "training", "export") for file in python_files(room)
    ]:
        for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(str(file))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}
