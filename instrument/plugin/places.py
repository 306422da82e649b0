"""Where the plug-in lies: as built, and in a user's folders."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs

BINARIES = Path(__file__).parent / "binaries"
"""What ``make plugin`` builds, and a wheel brings."""


@dataclass(frozen=True, slots=True)
class Binary:
    """One format for one system.

    Attributes
    ----------
    target
        A name of `instrument.plugin.kernels.targets.TARGETS`.
    kind
        "clap" or "vst3".
    """

    target: str
    kind: str

    @property
    def bundle(self) -> Path:
        """What is copied into a host's folder: a file, or a folder with the code inside."""
        return Path(self.target, f"latentkeys.{self.kind}")

    @property
    def file(self) -> Path:
        """The code itself."""
        system, machine = self.target.split("-")
        if system == "macos":
            return self.bundle / "Contents" / "MacOS" / "latentkeys"
        if self.kind == "clap":
            return self.bundle
        if system == "windows":
            return self.bundle / "Contents" / "x86_64-win" / "latentkeys.vst3"
        machine = {"arm64": "aarch64"}.get(machine, machine)
        return self.bundle / "Contents" / f"{machine}-linux" / "latentkeys.so"


def this_target() -> str:
    """Name this machine as `instrument.plugin.kernels.targets.TARGETS` does."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    machine = platform.machine().lower()
    return f"{system}-{'arm64' if machine in ('arm64', 'aarch64') else 'x86_64'}"


def host_folder(kind: str) -> Path:
    """Where hosts look for a user's plug-ins of a format."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Audio" / "Plug-Ins" / kind.upper()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(local) / "Programs" / "Common" / kind.upper()
    return Path.home() / f".{kind}"


def launch_file() -> Path:
    """The command line that starts the service, one word on each line."""
    return platformdirs.user_config_path("latentkeys") / "plugin-launch"


def service_file() -> Path:
    """Where the service says how it is reached: its address, and the token that it asks for."""
    return platformdirs.user_cache_path("latentkeys") / "plugin" / "service"
