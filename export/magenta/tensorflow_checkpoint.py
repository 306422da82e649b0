"""Read TensorFlow's checkpoint files (the "V2" format of TF1 savers) without TensorFlow.

In: ``PREFIX.index`` and ``PREFIX.data-00000-of-00001``. Out: shapes and arrays by variable name.

The index is a sorted string table as LevelDB writes them (its doc/table_format.md): blocks of
prefix-compressed keys, an index block, a footer of 48 bytes. Values are protocol buffers, a
``BundleHeaderProto`` under the empty key and a ``BundleEntryProto`` for each variable
(tensorflow/core/protobuf/tensor_bundle.proto). Every number is checked before it is used: the file
may come from anybody.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from instrument.errors import FileError
from instrument.files import open_regular

MAX_INDEX_BYTES = 16 * 2**20
MAX_VARIABLE_BYTES = 2**30
MAX_NAME_BYTES = 1024
_FOOTER_BYTES, _TABLE_MAGIC = 48, 0xDB4775248B80FB57
_MASK_DELTA = 0xA282EAD8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}
"""tensorflow/core/framework/types.proto; what a GANSynth checkpoint has is 1 and 9."""


@dataclass(frozen=True, slots=True)
class Variable:
    """Where a variable lies in the data file."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    size_bytes: int
    masked_crc: int


class _DamagedError(ValueError):
    """The bytes are not what the format says; turned into a `FileError` that names the file."""


@dataclass(frozen=True, slots=True)
class TensorBundle:
    """An open checkpoint."""

    data_path: Path
    variables: dict[str, Variable]

    @staticmethod
    def open(prefix: Path) -> TensorBundle:
        """Read the index of ``prefix.index``.

        Raises
        ------
        FileError
            The index is missing, truncated, compressed, in several shards, or something else.
        """
        index = prefix.with_name(f"{prefix.name}.index")
        data = prefix.with_name(f"{prefix.name}.data-00000-of-00001")
        content = _read(index, MAX_INDEX_BYTES)
        try:
            entries = dict(_table(content))
            _check_header(entries.pop(b"", b""))
            variables = {key.decode(): _variable(value) for key, value in entries.items()}
        except (_DamagedError, UnicodeDecodeError, struct.error, IndexError) as reason:
            raise FileError(
                f"{index} is not a TensorFlow checkpoint index: {reason}",
                "Unpack or download the checkpoint again.",
            ) from reason
        if not data.is_file():
            raise FileError(f"{data} is missing", "A checkpoint needs both of its files.")
        end = max((v.offset + v.size_bytes for v in variables.values()), default=0)
        if data.stat().st_size < end:
            raise FileError(
                f"{data} is truncated: it has {data.stat().st_size} bytes of {end}",
                "Unpack or download the checkpoint again.",
            )
        return TensorBundle(data, variables)

    def read(self, name: str) -> NDArray[Any]:
        """Read one variable and check its CRC-32C.

        Raises
        ------
        FileError
            There is no such variable, or its bytes are damaged.
        """
        if name not in self.variables:
            raise FileError(
                f"{self.data_path.name}: has no variable {name!r}",
                "It is a checkpoint of another model.",
            )
        variable = self.variables[name]
        with self.data_path.open("rb") as file:
            file.seek(variable.offset)
            content = file.read(variable.size_bytes)
        if _masked(google_crc32c.value(content)) != variable.masked_crc:
            raise FileError(
                f"{self.data_path}: the bytes of {name} are damaged (checksum)",
                "Unpack or download the checkpoint again.",
            )
        return np.frombuffer(content, variable.dtype).reshape(variable.shape).copy()


def _read(path: Path, limit: int) -> bytes:
    try:
        with open_regular(path) as file:
            content = file.read(limit + 1)
    except OSError as reason:
        raise FileError(f"cannot read {path}: {reason.strerror}") from reason
    if len(content) > limit:
        raise FileError(f"{path} is larger than {limit // 2**20} MiB, so it is no index")
    return content


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield all keys and values of a sorted string table."""
    if len(content) < _FOOTER_BYTES:
        raise _DamagedError(f"it has {len(content)} bytes, the footer alone needs {_FOOTER_BYTES}")
    footer = content[-_FOOTER_BYTES:]
    if struct.unpack("<Q", footer[-8:])[0] != _TABLE_MAGIC:
        raise _DamagedError("the number that ends every index is not there: truncated, or no index")
    _, at = _handle(footer, 0)
    index, _ = _handle(footer, at)
    read = 0
    for _, value in _block(content, index):
        handle, _ = _handle(value, 0)
        read += handle[1]
        if read > len(content):
            raise _DamagedError("its blocks are larger together than the file")
        yield from _block(content, handle)


def _handle(content: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = _varint(content, at)
    size, at = _varint(content, at)
    return (offset, size), at


def _block(content: bytes, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    """Yield a block's entries; a key shares its beginning with the one before."""
    offset, size = handle
    if offset + size + 5 > len(content):
        raise _DamagedError(f"a block of {size} bytes at {offset} reaches past the end: truncated")
    block, kind = content[offset : offset + size], content[offset + size]
    if kind != 0:
        raise _DamagedError(f"a block is compressed (kind {kind}), which checkpoints never are")
    (masked,) = struct.unpack_from("<I", content, offset + size + 1)
    if _masked(google_crc32c.value(content[offset : offset + size + 1])) != masked:
        raise _DamagedError(f"the block at {offset} is damaged (checksum)")
    restarts = struct.unpack_from("<I", block, size - 4)[0]
    end, at, key = size - 4 * (restarts + 1), 0, b""
    if end < 0:
        raise _DamagedError(f"the block at {offset} says it has {restarts} restarts")
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared > len(key) or at + own + length > end:
            raise _DamagedError(f"an entry of the block at {offset} reaches past its end")
        if shared + own > MAX_NAME_BYTES:
            raise _DamagedError(f"a name has {shared + own} bytes")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + length]
        at += own + length


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise _DamagedError("a number has more than 64 bits")


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield (number, integer value, bytes value) of a protocol buffer's fields."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire, value, content = tag >> 3, tag & 7, 0, b""
        if wire == _VARINT:
            value, at = _varint(message, at)
        elif wire == _BYTES:
            size, at = _varint(message, at)
            content, at = message[at : at + size], at + size
        elif wire in (_FIXED32, _FIXED64):
            width = 4 if wire == _FIXED32 else 8
            value, at = int.from_bytes(message[at : at + width], "little"), at + width
        else:
            raise _DamagedError(f"a field has the unknown wire type {wire}")
        if at > len(message):
            raise _DamagedError("a field reaches past the end of its message")
        yield number, value, content


def _check_header(message: bytes) -> None:
    fields = {number: value for number, value, _ in _fields(message)}
    if fields.get(1, 1) != 1:
        raise _DamagedError(f"the checkpoint is in {fields[1]} shards; one is supported")
    if fields.get(2, 0) != 0:
        raise _DamagedError("the checkpoint is big-endian, which is not supported")


def _variable(message: bytes) -> Variable:
    fields: dict[int, int] = {}
    shape: tuple[int, ...] = ()
    for number, value, content in _fields(message):
        fields[number] = value
        if number == 2:
            shape = tuple(_size(dim) for dimension, _, dim in _fields(content) if dimension == 2)
    dtype = _DTYPES.get(fields.get(1, 0))
    if dtype is None:
        raise _DamagedError(f"a variable has the unsupported type {fields.get(1, 0)}")
    size_bytes, offset = fields.get(5, 0), fields.get(4, 0)
    expected = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=object))
    if size_bytes != expected or size_bytes > MAX_VARIABLE_BYTES or fields.get(3, 0) != 0:
        raise _DamagedError(f"a variable of shape {list(shape)} says it has {size_bytes} bytes")
    return Variable(dtype, shape, offset, size_bytes, fields.get(6, 0))


def _size(dimension: bytes) -> int:
    size = next((value for number, value, _ in _fields(dimension) if number == 1), 0)
    if size >= 2**31:
        raise _DamagedError(f"a dimension has the size {size}")
    return size


def _masked(crc: int) -> int:
    """Mask a CRC as LevelDB stores it (util/crc32c.h): rotated, plus a constant."""
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF
