"""Build the plug-in for every system, on any of them: ``make plugin``.

numba and LLVM make the kernel's objects, zig (pip's ``ziglang``, the extra ``plugin-build``)
compiles the C and links. The same sources give the same bytes: nothing of this machine or of the
time is in them.
"""

from __future__ import annotations

import importlib.util
import plistlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import click

from instrument.errors import MissingExtraError
from instrument.import_names import DISTRIBUTION
from instrument.plugin.kernels.targets import TARGETS, make_objects, object_file, run
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
    # Without -x the names of all functions stay, 0.7 MB; zig leaves 4 kB of room for later headers.
    "macos": (
        "-Wl,-x",
        "-Wl,-headerpad,0x80",
        "-Wno-unused-command-line-argument",
        *_NOTHING_IS_THROWN,
    ),
    "windows": ("-ffunction-sections", "-fdata-sections"),
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
        make_objects({"plugin": names}, work)
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
    systems = _with_prebuilt(names)
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.o"):
        old.unlink()
    files = []
    with tempfile.TemporaryDirectory(prefix="latentkeys-") as scratch:
        work = objects or Path(scratch)
        make_objects({"play": systems}, work)
        for name in systems:
            for processor in TARGETS[name].processors:
                files.append(out / prebuilt_name(processor))
                code = (work / object_file("play", name, processor)).read_bytes()
                files[-1].write_bytes(with_digest(code))
                say(f"{files[-1]}: {files[-1].stat().st_size / 1000:.0f} kB")
    return files


def _with_prebuilt(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.startswith("linux")]


def _link(name: str, kind: str, work: Path, out: Path) -> Path:
    target = TARGETS[name]
    binary = Binary(name, kind)
    path = out / binary.file
    path.parent.mkdir(parents=True, exist_ok=True)
    built = (
        work / f"{name}-{kind}{path.suffix}"
    )  # not under its own name: zig writes that into the file
    objects = [
        str(work / object_file("plugin", name, processor)) for processor in target.processors
    ]
    defines = [f"-DLK_HAS_{processor.rsplit('-', 1)[-1]}" for processor in target.processors]
    run(
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


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(TARGETS)))
@click.option("--out", type=click.Path(path_type=Path), default=BINARIES)
def main(names: tuple[str, ...], out: Path) -> None:
    """Build the plug-in for the named systems, or for all, and the kernel for those who play."""
    wanted = names or tuple(TARGETS)
    with tempfile.TemporaryDirectory(prefix="latentkeys-") as scratch:
        objects = Path(scratch)
        make_objects({"plugin": wanted, "play": _with_prebuilt(wanted)}, objects)
        build(wanted, out, click.echo, objects)
        prebuild_kernels(wanted, say=click.echo, objects=objects)


if __name__ == "__main__":
    main()
