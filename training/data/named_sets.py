"""Data that is called by a name: where the user's cache keeps it, and how it comes there whole.

In: what ``--data`` says. Out: a folder that has such a set.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

from instrument.errors import FileError


@dataclass(frozen=True, slots=True)
class NamedSets:
    """All sets of one kind.

    Attributes
    ----------
    what
        The kind, in messages: "corpus".
    cache
        The folder for them in the user's cache.
    description
        The file that every set has, and nothing else.
    remedy
        How to make one.
    """

    what: str
    cache: str
    description: str
    remedy: str

    @property
    def folder(self) -> Path:
        """Where sets with a name are."""
        return Path(platformdirs.user_cache_dir("latentkeys")) / self.cache

    def has(self, folder: Path) -> bool:
        """Say whether a folder is a set of this kind."""
        return (folder / self.description).is_file()

    def find(self, name_or_path: str | Path) -> Path:
        """Return the folder of a set, by its name or its path.

        Raises
        ------
        FileError
            There is none.
        """
        path = Path(name_or_path)
        is_name = str(name_or_path) == path.name and not self.has(path)
        folder = self.folder / path if is_name else path
        if not self.has(folder):
            raise FileError(
                f"there is no {self.what} {str(name_or_path)!r} "
                f"(looked for {folder / self.description})",
                self.remedy,
            )
        return folder


def put_in_place(built: Path, folder: Path, old: Path) -> None:
    """Rename what was built into its place; what was there comes back if that is interrupted.

    Parameters
    ----------
    old
        The name that what is there has meanwhile.
    """
    if folder.exists():
        folder.rename(old)
    try:
        built.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
