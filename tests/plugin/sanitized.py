"""The tests of the CLAP with every access checked: ``python -m tests.plugin.sanitized``.

gcc builds our C with AddressSanitizer and UndefinedBehaviorSanitizer; the kernel's code is as in
the plug-in. Arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from instrument.plugin.build import NATIVE, SHARED
from instrument.plugin.generated_header import generated_header
from instrument.plugin.kernels.targets import TARGETS, make_objects, object_file
from instrument.plugin.places import Binary, this_target
from tests.helpers.places import ROOT

CHECKS = "-fsanitize=address,undefined"
TESTS = ("test_clap.py", "test_parameters.py")


def main() -> None:
    """Build, and run the tests with it."""
    with tempfile.TemporaryDirectory(prefix="latentkeys-sanitized-") as name:
        folder = Path(name)
        build_checked(folder)
        runtime = subprocess.run(
            ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
        ).stdout.strip()
        environment = {
            **os.environ,
            "LATENTKEYS_TEST_BINARIES": str(folder),
            "LD_PRELOAD": runtime,
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",  # Python's own leaks
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
            "PYTHONMALLOC": "malloc",
        }
        tests = [str(ROOT / "tests" / "instrument" / "plugin" / test) for test in TESTS]
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests, *sys.argv[1:]]
        sys.exit(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)


def build_checked(folder: Path) -> None:
    """Build the CLAP for this machine with gcc's checks."""
    target = this_target()
    (folder / "generated.h").write_text(generated_header())
    make_objects({"plugin": [target]}, folder)
    path = folder / Binary(target, "clap").file
    path.parent.mkdir(parents=True)
    processors = TARGETS[target].processors
    objects = [str(folder / object_file("plugin", target, processor)) for processor in processors]
    defines = [f"-DLK_HAS_{processor.rsplit('-', 1)[-1]}" for processor in processors]
    sources = [str(NATIVE / part) for part in (*SHARED, "clap.c")]
    subprocess.run(
        [
            *("gcc", "-shared", "-fPIC", "-std=gnu11", "-g", "-O1", "-fms-extensions", CHECKS),
            *(f"-I{folder}", f"-I{NATIVE}", *defines, *sources, *objects),
            *("-lpthread", "-lm", "-o", str(path)),
        ],
        check=True,
    )


if __name__ == "__main__":
    main()
