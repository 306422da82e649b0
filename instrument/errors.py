"""What can go wrong for a user, as one small tree.

::

    LatentkeysError              everything below; the command line prints it and exits with 2
    ├── FileError                a file that is missing, broken, foreign, or cannot be written
    │   ├── PresetError          a preset TOML with a wrong key, value or model
    │   ├── BundleError          a model bundle that fails a check
    │   ├── MidiFileError        a MIDI file that is truncated or not MIDI
    │   └── RackError            a rack that is not there, raises, or has wrong knobs
    ├── PhraseError              a note or a phrase that cannot be: pitch 130, a negative length
    ├── DeviceError              an audio device, MIDI port or server that is missing or refuses
    ├── SettingError             a wrong value on the command line, or in a call
    ├── MissingExtraError        a package that an optional extra installs
    ├── InstallationError        another distribution has overwritten one of our packages
    └── EngineError              one of the instrument's own processes failed
        └── RateChangedError     the audio device has come back at another sample rate

Every message says what, where, what was found, and what to do about it.
"""

from __future__ import annotations

from numbers import Integral, Real


class LatentkeysError(Exception):
    """An error that the user can act on.

    Parameters
    ----------
    message
        What is wrong, where, and what was found: ``preset "glass.toml": release_seconds must be
        in 0..10, got -1``.
    remedy
        What to do about it, as one sentence; empty when the message already says it.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class FileError(LatentkeysError):
    """A file is missing, broken, foreign, or cannot be written."""


class PresetError(FileError):
    """A preset has a wrong key, value or model."""


class BundleError(FileError):
    """A model bundle fails a check."""


class MidiFileError(FileError):
    """A MIDI file is truncated or is not MIDI."""


class RackError(FileError):
    """A rack is not there, raises, or has wrong knobs."""


class PhraseError(LatentkeysError):
    """A note or a phrase has a value that no music has."""


class DeviceError(LatentkeysError):
    """An audio device, MIDI port or server is missing or refuses."""


class SettingError(LatentkeysError):
    """A value on the command line, or in a program's call, is wrong."""


def check_range(name: str, value: object, low: float, high: float) -> None:
    """Refuse what is no number of a range, both ends included.

    Raises
    ------
    SettingError
        It says the name, the range and what was found.
    """
    number = float(value) if isinstance(value, Real) else None
    if number is None or not low <= number <= high:
        found = repr(value) if number is None else f"{number:g}"
        raise SettingError(f"{name} must be in {low:g}..{high:g}, got {found}")


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """Refuse what is no whole number of a range, both ends included; see `check_range`."""
    if not isinstance(value, Integral):
        raise SettingError(f"{name} must be a whole number, got {value!r}")
    check_range(name, value, low, high)


class EngineError(LatentkeysError):
    """One of the instrument's own processes failed."""


class RateChangedError(EngineError):
    """The audio device has come back at another sample rate, for which a session has no tones."""


class InstallationError(LatentkeysError):
    """One of our packages is missing, or another distribution has overwritten it."""


class MissingExtraError(LatentkeysError):
    """A package that an optional extra installs is not there.

    Parameters
    ----------
    verb
        What the user asked for: ``latentkeys train``.
    package
        The import name that is missing.
    extra
        The extra that installs it: ``training``.
    """

    def __init__(self, verb: str, package: str, extra: str) -> None:
        from instrument.installation import how_to_install  # only an error needs it

        super().__init__(
            f"{verb} needs the package {package!r}, which is not installed",
            f"Install it with: {how_to_install(extra)}",
        )


def first_line(reason: BaseException, most: int | None = None) -> str:
    """Return the first line of somebody else's error, or its kind where it says nothing.

    Parameters
    ----------
    most
        How many characters of it; all when None.
    """
    lines = str(reason).splitlines() or [""]
    return lines[0][:most].strip() or type(reason).__name__
