"""Build the plug-in for every system, on any of them: ``make plugin``.

numba and LLVM make the kernel's objects, zig (pip's ``ziglang``, the extra ``plugin-build``)
compiles the C and links. The same sources give the same bytes: nothing of this machine or of the
time is in them.
"""

from __future__ import annotations

import importlib.util
import plistlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import click

from instrument.errors import EngineError, MissingExtraError
from instrument.import_names import DISTRIBUTION
from instrument.plugin.places import BINARIES, Binary
from instrument.realtime.compiled.machine_code import PREBUILT, prebuilt_name, with_digest

NATIVE = Path(__file__).parent / "native"
SHARED = (
    *("lk.c", "sound.c", "play.c", "service.c", "panel.c", "partner.c", "streams.c"),
    "tables.c",
    "windows_memory.c",
)
FORMATS = ("clap", "vst3")
_NOTHING_IS_THROWN = ("-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
OWN_OPTIONS = {  # of a system, so that little is in the file
    "linux": (
        *("-flto", "-fno-plt", "-Wl,--hash-style=gnu", "-Wno-unused-command-line-argument"),
        *_NOTHING_IS_THROWN,
    ),
    # Without -x the names of all functions stay, 0.7 MB.
    "macos": ("-Wl,-x", "-Wno-unused-command-line-argument", *_NOTHING_IS_THROWN),
    "windows": (),
}


@dataclass(frozen=True, slots=True)
class Target:
    """One system that the plug-in is built for.

    Attributes
    ----------
    processors
        Names of `instrument.plugin.kernel_object.PROCESSORS`; where it runs, the best is chosen.
    triple
        LLVM's name of the system.
    zig
        zig's name, with the oldest version of the system that it shall run on.
    """

    processors: tuple[str, ...]
    triple: str
    zig: str
    libraries: tuple[str, ...] = ()


_X86 = ("x86-64-v3", "x86-64-v2")
TARGETS = {
    "linux-x86_64": Target(
        _X86, "x86_64-unknown-linux-gnu", "x86_64-linux-gnu.2.17", ("-lpthread", "-lm")
    ),
    "linux-arm64": Target(
        ("arm64",), "aarch64-unknown-linux-gnu", "aarch64-linux-gnu.2.17", ("-lpthread", "-lm")
    ),
    "windows-x86_64": Target(_X86, "x86_64-w64-windows-gnu", "x86_64-windows-gnu", ("-lws2_32",)),
    "macos-x86_64": Target(_X86, "x86_64-apple-macosx11.0.0", "x86_64-macos.11.0"),
    "macos-arm64": Target(("arm64",), "arm64-apple-macosx11.0.0", "aarch64-macos.11.0"),
}


def build(
    names: Sequence[str],
    out: Path = BINARIES,
    say: Callable[[str], None] = lambda _: None,
    objects: Path | None = None,
) -> list[Path]:
    """Build the plug-in for some of the `TARGETS`; return the files.

    Parameters
    ----------
    names, out
        Of the targets, and where the files go.
    say
        Told what happens.
    objects
        Where the kernels' objects stay, and those that are there are taken as they are.

    Raises
    ------
    MissingExtraError
        There is no zig.
    EngineError
        A compiler refuses.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise MissingExtraError("make plugin", "ziglang", "plugin-build")
    with tempfile.TemporaryDirectory(prefix="latentkeys-") as scratch:
        work = objects or Path(scratch)
        from instrument.plugin.generated_header import generated_header

        (work / "generated.h").write_text(generated_header(), encoding="utf-8")
        say("the kernel, for each processor")
        make_objects("plugin", names, work)
        files = []
        for name in names:
            for kind in FORMATS:
                files.append(_link(name, kind, work, out))
                say(f"{files[-1]}: {files[-1].stat().st_size / 1000:.0f} kB")
    return files


def prebuild_kernels(
    names: Sequence[str],
    out: Path = PREBUILT,
    say: Callable[[str], None] = lambda _: None,
    objects: Path | None = None,
) -> list[Path]:
    """Compile what ``latentkeys play`` loads, for processors that are not this one; Linux's alone.

    Parameters are those of `build`.

    Raises
    ------
    EngineError
        The compiler refuses.
    """
    systems = [name for name in names if name.startswith("linux")]
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.o"):
        old.unlink()
    files = []
    with tempfile.TemporaryDirectory(prefix="latentkeys-") as scratch:
        work = objects or Path(scratch)
        make_objects("play", systems, work)
        for name in systems:
            for processor in TARGETS[name].processors:
                files.append(out / prebuilt_name(processor))
                files[-1].write_bytes(with_digest((work / f"{name}-{processor}.o").read_bytes()))
                say(f"{files[-1]}: {files[-1].stat().st_size / 1000:.0f} kB")
    return files


def make_objects(purpose: str, names: Sequence[str], work: Path) -> None:
    """Compile each processor's kernel that is not there, each in a process, two at a time."""
    wanted: dict[str, list[str]] = {}
    for name in names:
        for processor in TARGETS[name].processors:
            made = work / f"{name}-{processor}.o"
            if not made.exists():
                wanted.setdefault(processor, []).extend((TARGETS[name].triple, str(made)))
    commands = [
        [sys.executable, "-m", "instrument.plugin.kernel_object", processor, purpose, *pairs]
        for processor, pairs in wanted.items()
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_run, commands))


def _link(name: str, kind: str, work: Path, out: Path) -> Path:
    target = TARGETS[name]
    binary = Binary(name, kind)
    path = out / binary.file
    path.parent.mkdir(parents=True, exist_ok=True)
    built = (
        work / f"{name}-{kind}{path.suffix}"
    )  # not under its own name: zig writes that into the file
    objects = [str(work / f"{name}-{processor}.o") for processor in target.processors]
    defines = [f"-DLK_HAS_{processor.rsplit('-', 1)[-1]}" for processor in target.processors]
    _run(
        [
            *(sys.executable, "-m", "ziglang", "cc", "-target", target.zig, "-shared", "-fPIC"),
            *("-std=gnu11", "-Os", "-Wall", "-Wextra", "-fms-extensions", "-fvisibility=hidden"),
            *("-Wno-microsoft-anon-tag", "-Wno-unused-function", "-Wno-missing-field-initializers"),
            *("-ffp-contract=off", "-fno-sanitize=undefined", "-fomit-frame-pointer", "-g0", "-s"),
            "-Wl,--gc-sections",
            *OWN_OPTIONS[name.partition("-")[0]],
            f"-ffile-prefix-map={NATIVE}=native",
            f"-ffile-prefix-map={work}=build",
            *(f"-I{work}", f"-I{NATIVE}", *defines),
            *(str(NATIVE / part) for part in (*SHARED, f"{kind}.c")),
            *(*objects, *target.libraries, "-o", str(built)),
        ]
    )
    shutil.copyfile(built, path)
    if name.startswith("macos"):
        _write_bundle(path, kind)
    return path


def _write_bundle(path: Path, kind: str) -> None:
    """Put what macOS wants beside a plug-in's code."""
    about = {
        "CFBundleIdentifier": f"org.latentkeys.{kind}",
        "CFBundleName": "latentkeys",
        "CFBundleExecutable": path.name,
        "CFBundlePackageType": "BNDL",
        "CFBundleVersion": version(DISTRIBUTION),
        "CFBundleShortVersionString": version(DISTRIBUTION),
    }
    (path.parent.parent / "Info.plist").write_bytes(plistlib.dumps(about))
    (path.parent.parent / "PkgInfo").write_bytes(b"BNDL????")


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-20:])
        raise EngineError(f"the plug-in cannot be built: {command[-1]}\n{last}")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(TARGETS)))
@click.option("--out", type=click.Path(path_type=Path), default=BINARIES)
def main(names: tuple[str, ...], out: Path) -> None:
    """Build the plug-in for the named systems, or for all, and the kernel for those who play."""
    build(names or tuple(TARGETS), out, click.echo)
    prebuild_kernels(names or tuple(TARGETS), say=click.echo)


if __name__ == "__main__":
    main()
