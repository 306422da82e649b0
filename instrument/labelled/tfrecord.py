"""Notes as records of ``tf.train.Example``, as TensorFlow Datasets keeps NSynth; no TensorFlow.

In: a note's labels and samples. Out: the bytes of one record of a TFRecord file: its length (8
bytes), the length's masked CRC-32C (4), the example, the example's masked CRC-32C (4),
little-endian (tensorflow/core/lib/io/record_writer.h).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instrument.errors import MissingExtraError

QUALITIES = (
    *("bright", "dark", "distortion", "fast_decay", "long_release"),
    *("multiphonic", "nonlinear_env", "percussive", "reverb", "tempo-synced"),
)
"""NSynth's, in its order."""
_CRC_MASK = 0xA282EAD8  # tensorflow/core/lib/hash/crc32c.h
_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3  # tensorflow/core/example/feature.proto


def note_record(entry: Mapping[str, Any], samples: NDArray[np.float32]) -> bytes:
    """Return a note as a record, with the keys of TensorFlow Datasets' ``nsynth/full``.

    Parameters
    ----------
    entry
        Its labels, as ``examples.json`` has them; all of them, as JSON, are in ``labels``, too.
    samples
        float32, shape (frames,), full scale ±1.

    Raises
    ------
    MissingExtraError
        google-crc32c is not installed.
    """
    features = {
        "id": _text(entry["note_str"]),
        "audio": _feature(_FLOAT_LIST, samples.astype("<f4").tobytes()),
        "sample_rate": _number(entry["sample_rate"]),
        "pitch": _number(entry["pitch"]),
        "velocity": _number(entry["velocity"]),
        "instrument/label": _number(entry["instrument"]),
        "instrument/family": _number(entry["instrument_family"]),
        "instrument/source": _number(entry["instrument_source"]),
        **{
            f"qualities/{name}": _number(value)
            for name, value in zip(QUALITIES, entry["qualities"], strict=True)
        },
        "labels": _text(json.dumps(dict(entry))),
    }
    entries = (_field(1, name.encode()) + _field(2, value) for name, value in features.items())
    return framed(_field(1, b"".join(_field(1, each) for each in entries)))


def framed(content: bytes) -> bytes:
    """Return a record: content with its length and the checksums of both."""
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)


def _checksum(content: bytes) -> bytes:
    """Return a CRC-32C as TensorFlow stores it: turned right by 15 bits, plus a constant."""
    try:
        import google_crc32c
    except ImportError as missing:
        raise MissingExtraError("--layout tfrecord", "google_crc32c", "tfrecord") from missing
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _CRC_MASK) & 0xFFFFFFFF)


def _text(value: str) -> bytes:
    return _feature(_BYTES_LIST, value.encode())


def _number(value: int) -> bytes:
    return _feature(_INT64_LIST, _varint(value))


def _feature(kind: int, values: bytes) -> bytes:
    """Return a feature that holds one list: of one run of bytes, or of packed numbers."""
    return _field(kind, _field(1, values))


def _field(number: int, content: bytes) -> bytes:
    """Return a field of a protocol buffer that has a length."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*parts, value))
