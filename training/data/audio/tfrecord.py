"""Read TFRecord files of ``tf.train.Example`` without TensorFlow.

The readers on PyPI were looked at: ``tfrecord`` 1.14.6 reads the checksums but does not compare
them, and makes its buffer as large as a damaged length asks; ``tfrecord-slow`` has had no release
since 2024. The frame around each record is 16 bytes, so it is read here; what is inside is left to
the protobuf library.

A record is its length (8 bytes), the length's masked CRC-32C (4), the content, and the content's
masked CRC-32C (4), little-endian (tensorflow/core/lib/io/record_writer.h).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast

import google_crc32c
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray

from instrument.errors import FileError

Feature = tuple[bytes, ...] | NDArray[np.float32] | NDArray[np.int64]

_LARGEST_RECORD = 1 << 24
_MASK = 0xA282EAD8  # tensorflow/core/lib/hash/crc32c.h
_AGAIN = "Download it again."


def read_records(path: Path) -> Iterator[bytes | None]:
    """Read a file's records one by one; None is one whose content does not fit its checksum.

    Raises
    ------
    FileError
        The file is no TFRecord file, or is cut off: what follows cannot be found.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while head := file.read(12):
                yield _content(file, head, path, number)
                number += 1
    except OSError as reason:
        raise FileError(f"{path} cannot be read: {reason.strerror or reason}") from reason


def read_example(content: bytes) -> dict[str, Feature]:
    """Take an example apart.

    Raises
    ------
    ValueError
        The content is none.
    """
    example = _example_class()()
    try:
        example.ParseFromString(content)
        entries = example.features.feature
        return {entry.key: _feature(entry.value) for entry in entries}
    except DecodeError as reason:
        raise ValueError("it is no tf.train.Example") from reason


def masked_crc(content: bytes) -> int:
    """Return a CRC-32C as TensorFlow stores it: turned right by 15 bits, plus a constant."""
    crc = google_crc32c.value(content)
    return int(((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF)


def _content(file: BinaryIO, head: bytes, path: Path, number: int) -> bytes | None:
    if len(head) < 12:
        raise FileError(f"{path} is cut off in its record {number}", _AGAIN)
    length, checksum = struct.unpack("<QI", head)
    if masked_crc(head[:8]) != checksum:
        what = "is no TFRecord file" if number == 0 else f"is damaged at its record {number}"
        raise FileError(f"{path} {what} (checksum of a length)", _AGAIN if number else "")
    if length > _LARGEST_RECORD:
        raise FileError(f"{path}: its record {number} has {length} bytes, more than any note")
    content, foot = file.read(length), file.read(4)
    if len(content) < length or len(foot) < 4:
        raise FileError(f"{path} is cut off in its record {number}", _AGAIN)
    return content if masked_crc(content) == int.from_bytes(foot, "little") else None


def _feature(feature: object) -> Feature:
    kind = feature.WhichOneof("kind")  # type: ignore[attr-defined]
    if kind is None:
        return ()
    values = getattr(feature, kind).value
    if kind == "bytes_list":
        return tuple(values)
    return np.array(values, np.float32) if kind == "float_list" else np.array(values, np.int64)


@lru_cache
def _example_class() -> type[Message]:
    """Describe tensorflow/core/example/{example,feature}.proto to protobuf.

    A map is written as a repeated entry of key and value.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="latentkeys/example.proto", package="latentkeys", syntax="proto3"
    )
    kinds = {"bytes_list": "TYPE_BYTES", "float_list": "TYPE_FLOAT", "int64_list": "TYPE_INT64"}
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (kind, values) in enumerate(kinds.items(), start=1):
        inner = file.message_type.add(name=kind.title())
        inner.field.add(name="value", number=1, label="LABEL_REPEATED", type=values)
        _add_message(feature, kind, number, "LABEL_OPTIONAL", kind.title())
        feature.field[-1].oneof_index = 0
    entry = file.message_type.add(name="Entry")
    entry.field.add(name="key", number=1, label="LABEL_OPTIONAL", type="TYPE_STRING")
    _add_message(entry, "value", 2, "LABEL_OPTIONAL", "Feature")
    _add_message(file.message_type.add(name="Features"), "feature", 1, "LABEL_REPEATED", "Entry")
    _add_message(file.message_type.add(name="Example"), "features", 1, "LABEL_OPTIONAL", "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    example = pool.FindMessageTypeByName("latentkeys.Example")
    return cast(type[Message], message_factory.GetMessageClass(example))


def _add_message(
    owner: descriptor_pb2.DescriptorProto, name: str, number: int, label: str, kind: str
) -> None:
    owner.field.add(
        name=name, number=number, label=label, type="TYPE_MESSAGE", type_name=f".latentkeys.{kind}"
    )
