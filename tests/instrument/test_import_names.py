"""Another distribution with one of our packages' names: it is seen, named, and its remedy works."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

import instrument
from instrument.errors import InstallationError
from instrument.import_names import PACKAGES, check_package
from tests.helpers.places import ROOT

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@dataclass(frozen=True)
class Place:
    """A virtual environment with latentkeys in it, and a folder of wheels."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )

    def pip(self, *arguments: str) -> None:
        done = self.run("-m", "pip", "--disable-pip-version-check", *arguments)
        assert done.returncode == 0, done.stderr

    def install(self, wheel: Path) -> None:
        options = ("--no-index", "--no-deps", "--no-compile", "--force-reinstall")
        self.pip("install", *options, str(wheel))

    def doctor(self, name: str) -> str:
        """Return what the doctor says of one name: doctor itself needs all of numpy and numba."""
        script = f"""
from instrument.errors import InstallationError
from instrument.import_names import check_package, other_owners
print(other_owners({name!r}))
check_package({name!r})"""
        return self.run("-c", script).stdout


def a_wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> Path:
    """Write a wheel by hand: a test builds nothing and asks no index."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": METADATA.format(name=name, version=version).encode(),
        f"{info}/WHEEL": WHEEL.encode(),
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for file, content in {**files, f"{info}/RECORD": record.encode()}.items():
            wheel.writestr(file, content)
    return path


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Path]:
    """Make an environment; what latentkeys itself needs comes from the one that runs the tests."""
    place = Place(tmp_path_factory.mktemp("names"))
    venv.create(place.folder / "venv", with_pip=True)
    site = next((place.folder / "venv").rglob("site-packages"))
    (site / "rest.pth").write_text(str(Path(pytest.__file__).parents[1]))
    sources = [file for name in PACKAGES for file in (ROOT / name).rglob("*.py")]
    files = {file.relative_to(ROOT).as_posix(): file.read_bytes() for file in sources}
    return place, a_wheel(place.folder, "latentkeys", instrument.__version__, files)


@pytest.fixture
def place(fresh: tuple[Place, Path]) -> Place:
    place, wheel = fresh
    place.install(wheel)
    assert place.run("-m", "instrument", "--version").stdout.startswith("latentkeys, version")
    return place


@pytest.mark.slow
@pytest.mark.parametrize(("name", "verb"), [("instrument", "--version"), ("export", "export")])
def test_a_package_of_our_name_is_told_with_the_remedy(place: Place, name: str, verb: str) -> None:
    theirs = a_wheel(place.folder, name, "6.0", {f"{name}/__init__.py": b"__version__ = '6.0'"})
    place.install(theirs)
    assert place.doctor(name).strip() == f"['{name}']"

    broken = place.run("-m", "instrument", verb)
    assert broken.returncode == 2
    assert f"Error: the package '{name}' is not latentkeys's any more" in broken.stderr
    assert f"pip uninstall {name} && " in broken.stderr

    place.pip("uninstall", "--yes", name)
    missing = place.run("-m", "instrument", verb)
    assert missing.returncode == 2
    assert f"Error: the package '{name}' " in missing.stderr
    remedy = missing.stderr.partition("Type: ")[2]
    offline = {**os.environ, "PIP_NO_INDEX": "1"}
    subprocess.run(remedy, shell=True, check=True, env=offline, stdout=subprocess.DEVNULL)
    assert place.run("-m", "instrument", verb, "--help").returncode == 0


def test_a_package_of_our_name_that_comes_first_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "training", ModuleType("training"))
    with pytest.raises(InstallationError, match="not latentkeys's any more"):
        check_package("training")


def test_our_packages_are_ours_and_typed() -> None:
    for name in PACKAGES:
        check_package(name)
        assert (ROOT / name / "py.typed").is_file()


def test_the_version_is_the_distributions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert instrument.__version__ == project["version"], "install anew: make setup"
