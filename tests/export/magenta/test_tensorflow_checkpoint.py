"""TensorFlow's checkpoints, on one that TensorFlow wrote."""

import ast
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.magenta.tensorflow_checkpoint import _FOOTER_BYTES, TensorBundle, _varint
from instrument.errors import FileError
from tests.helpers.models.tensorflow_checkpoint_writer import MAGIC, block, sealed, varint
from tests.helpers.places import GOLDEN

CHECKPOINT = GOLDEN / "tiny" / "stage_00012"
PREFIX = CHECKPOINT / "model.ckpt-128"
INDEX = PREFIX.with_name(f"{PREFIX.name}.index").read_bytes()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return the prefix of a checkpoint that may be damaged."""
    for path in CHECKPOINT.glob("model.ckpt-128.*"):
        shutil.copy(path, tmp_path)
    return tmp_path / PREFIX.name


def test_every_variable_has_the_name_and_shape_that_tensorflow_lists() -> None:
    listed = {}
    for line in (CHECKPOINT / "variables.txt").read_text().splitlines():
        name, shape = line.split("\t")
        listed[name] = tuple(ast.literal_eval(shape))
    found = TensorBundle.open(PREFIX).variables
    assert {name: variable.shape for name, variable in found.items()} == listed


def test_values_are_read_with_their_checksums() -> None:
    bundle = TensorBundle.open(PREFIX)
    assert int(bundle.read("global_step")) == 128
    for name in bundle.variables:
        assert np.isfinite(bundle.read(name)).all()


def test_a_damaged_value_is_named(copied: Path) -> None:
    data = copied.with_name(f"{copied.name}.data-00000-of-00001")
    content = bytearray(data.read_bytes())
    bundle = TensorBundle.open(copied)
    content[bundle.variables["global_step"].offset] ^= 1
    data.write_bytes(content)
    with pytest.raises(FileError, match="global_step are damaged"):
        bundle.read("global_step")


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(FileError, match="no variable 'nothing'"):
        TensorBundle.open(PREFIX).read("nothing")


def test_a_truncated_data_file_is_refused(copied: Path) -> None:
    data = copied.with_name(f"{copied.name}.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(FileError, match="truncated"):
        TensorBundle.open(copied)


def test_a_missing_half_is_named(copied: Path) -> None:
    copied.with_name(f"{copied.name}.data-00000-of-00001").unlink()
    with pytest.raises(FileError, match="data-00000-of-00001 is missing"):
        TensorBundle.open(copied)
    with pytest.raises(FileError, match="cannot read"):
        TensorBundle.open(copied.with_name("nothing"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" * 40, INDEX[:-1], INDEX[:1000], INDEX[8:]])
def test_what_is_no_index_is_refused(copied: Path, content: bytes) -> None:
    copied.with_name(f"{copied.name}.index").write_bytes(content)
    with pytest.raises(FileError, match="not a TensorFlow checkpoint index"):
        TensorBundle.open(copied)


def _unchecked(index: bytes) -> frozenset[int]:
    """Return the places that no checksum covers: the metaindex with its trailer, the footer."""
    offset, at = _varint(index[-_FOOTER_BYTES:], 0)
    size, _ = _varint(index[-_FOOTER_BYTES:], at)
    end = offset + size + 5
    return frozenset({*range(offset, end), *range(len(index) - _FOOTER_BYTES, len(index))})


_UNCHECKED = _unchecked(INDEX)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(INDEX) - 1), st.integers(1, 255))
def test_any_changed_byte_of_the_index_is_noticed(place: int, change: int) -> None:
    content = bytearray(INDEX)
    content[place] ^= change
    with tempfile.TemporaryDirectory() as scratch:
        prefix = Path(scratch) / PREFIX.name
        prefix.with_name(f"{PREFIX.name}.index").write_bytes(content)
        data = f"{PREFIX.name}.data-00000-of-00001"
        prefix.with_name(data).symlink_to(PREFIX.with_name(data))
        try:
            bundle = TensorBundle.open(prefix)
        except FileError:
            return
        # The footer's padding and the unused metaindex are covered by no checksum.
        assert place in _UNCHECKED
        assert len(bundle.variables) == 312


def an_index(tmp_path: Path, content: bytes) -> Path:
    (tmp_path / "model.index").write_bytes(content)
    return tmp_path / "model"


def test_names_that_grow_without_end_are_refused(tmp_path: Path) -> None:
    body, length = bytearray(), 0
    for _ in range(5000):  # each name is the one before, 100 bytes longer
        body += varint(length) + varint(100) + varint(0) + b"n" * 100
        length += 100
    grown = bytes(body) + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    prefix = an_index(tmp_path, sealed_table(grown, repeats=1))
    with pytest.raises(FileError, match="a name has 1100 bytes"):
        TensorBundle.open(prefix)


def test_a_block_that_is_named_again_and_again_is_refused(tmp_path: Path) -> None:
    body = varint(0) + varint(1) + varint(20_000) + b"n" + bytes(20_000)
    again = body + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    prefix = an_index(tmp_path, sealed_table(again, repeats=1000))
    with pytest.raises(FileError, match="larger together than the file"):
        TensorBundle.open(prefix)


def sealed_table(data: bytes, repeats: int) -> bytes:
    """Put a table together whose index names one block several times."""
    handle = varint(0) + varint(len(data))
    index = block([(b"k%06d" % number, handle) for number in range(repeats)])
    start = len(data) + 5
    handles = varint(0) + varint(0) + varint(start) + varint(len(index))
    return sealed(data) + sealed(index) + handles.ljust(40, b"\0") + MAGIC.to_bytes(8, "little")
