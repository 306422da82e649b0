"""The dependency rules of docs/architecture.md, read from the import statements themselves."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANDARD_LIBRARY = set(sys.stdlib_module_names)

FORBIDDEN = {
    "instrument": {"torch", "training", "export", "onnx", "onnxscript", "tensorboard", "music21"},
    "training": {"export", "onnx", "onnxscript"},
}
VERB_MODULE = Path("instrument/cli/main.py")


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


def test_command_line_starts_without_the_heavy_packages() -> None:
    heavy = ["numba", "onnxruntime", "sounddevice", "rtmidi", "soundfile"]
    script = f"import sys, instrument.cli.main; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr
