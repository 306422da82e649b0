"""Put a bundle's folder together: it appears whole, or not at all.

In: the content of files. Out: a folder with the graphs, the weights that they share, the card, the
licence with its notices. Everything is made in a folder beside the target and then renamed; an
older bundle there is replaced, anything else is left alone.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import onnx

from export.bundle.card_file import WEIGHTS_NAME, to_json
from export.bundle.weights import WeightFile, to_bytes
from instrument.bundle.card import CARD_NAME, Card
from instrument.bundle.installed import user_models_folder
from instrument.errors import FileError, SettingError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")  # as instrument.bundle.reference.ModelName
FREE_MUSIC = ("the corpus of music21", "CC0 scores")
"""How the sources of `latentkeys data jsb`, `music21` and `openscore` begin."""
_MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
_LICENCE = """\
The weights in this folder were learned from {source}:

{notice}

They are offered under the same terms, the MIT licence:

"""
_MUSIC_LICENCE = """\
The weights in this folder were learned from {source}:

{notice}

The music is in the public domain. The weights are offered under the MIT licence:

"""
_FOREIGN_MUSIC = """\
The weights in this folder were learned from {source}:

{notice}

These terms may extend to the weights. Whoever passes them on decides under which terms, and writes
it here.
"""
_NO_LICENCE = """\
The weights in this folder were learned from {source}, which came without a
notice. Whoever owns that material decides who may use them; write it here before you pass them on.
"""


def model_folder(name: str, out: Path | None) -> Path:
    """Return the folder that a model of this name gets.

    Parameters
    ----------
    name
        As cards and presets may call it.
    out
        The folder that holds it; the user's models folder when not given.

    Raises
    ------
    SettingError
        The name is none.
    """
    if not _NAME.fullmatch(name):
        raise SettingError(
            f"--name must be of a-z, 0-9, _ and -, such as frame_voice, got {name[:80]!r}"
        )
    return (out or user_models_folder()) / name


@contextmanager
def new_bundle(target: Path) -> Iterator[Path]:
    """Yield an empty folder of the target's name; put it in the target's place afterwards.

    Its parent is scratch space, and goes when the body ends, well or not.

    Raises
    ------
    FileError
        The target is something else than a bundle, or cannot be written.
    """
    if target.exists() and not (target / CARD_NAME).is_file():
        raise FileError(f"{target} is there and is no bundle", "Choose another --out or --name.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
            built = Path(scratch) / target.name
            built.mkdir()
            yield built
            _replace(built, target)
    except OSError as reason:
        raise FileError(
            f"cannot write the bundle {target}: {reason.strerror or reason}"
        ) from reason


def graph_files(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Share the weights of all exported graphs; return the content of every file.

    Parameters
    ----------
    folder
        Where ``NAME.onnx`` were written.
    names
        Of the graphs.
    """
    weights = WeightFile(WEIGHTS_NAME)
    files = {}
    for name in names:
        model = onnx.load(folder / f"{name}.onnx")
        weights.take_from(model)
        files[f"{name}.onnx"] = to_bytes(model)
    return {**files, WEIGHTS_NAME: bytes(weights.content)}


def licence(source: str, notice: str) -> bytes:
    """Write the notices of the training material; without any, its owner has to decide.

    Parameters
    ----------
    source
        What the weights were learned from.
    notice
        Its terms, which are passed on.
    """
    if not notice:
        return _NO_LICENCE.format(source=source).encode("utf-8")
    wrapped = "\n\n".join(textwrap.fill(part, 100) for part in notice.split("\n\n"))
    return (_LICENCE.format(source=source, notice=wrapped) + _MIT).encode("utf-8")


def music_licence(source: str, notice: str) -> bytes:
    """Write the notices of the music that a composer learned from.

    Parameters
    ----------
    source, notice
        As the corpus has them.
    """
    if not notice:
        return _NO_LICENCE.format(source=source).encode("utf-8")
    wrapped = "\n".join(textwrap.wrap(notice, 100))
    if is_free_music(source):
        return (_MUSIC_LICENCE.format(source=source, notice=wrapped) + _MIT).encode("utf-8")
    return _FOREIGN_MUSIC.format(source=source, notice=wrapped).encode("utf-8")


def is_free_music(source: str) -> bool:
    """Say whether a corpus is one of those that this project makes from public-domain music.

    Parameters
    ----------
    source
        What the corpus says of where it comes from.
    """
    return all(one.startswith(FREE_MUSIC) for one in source.split("; "))


def fill(folder: Path, card: Card, files: Mapping[str, bytes]) -> None:
    """Write all files and the card."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / CARD_NAME).write_bytes(to_json(card))


def _replace(built: Path, target: Path) -> None:
    """Put the new folder in the old one's place; the old one comes back if that fails."""
    if not target.exists():
        built.rename(target)
        return
    old = built.with_name(f"{target.name}.old")
    target.rename(old)
    try:
        built.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old)
