"""A small NSynth in each form that it is published in, written from the formats' descriptions.

Records are put together byte by byte (https://protobuf.dev/programming-guides/encoding), so nothing
here is the reader's own; that they are framed as TensorBoard does is a test of its own.
"""

from __future__ import annotations

import gzip
import json
import struct
import tarfile
from pathlib import Path

import google_crc32c
import numpy as np
import soundfile
from numpy.typing import NDArray

from tests.helpers.sounds.tones import sine

SOURCES = ("acoustic", "electronic", "synthetic")
NOTES = {
    "flute_acoustic_002-069-100": 69,
    "flute_acoustic_002-081-025": 81,
    "guitar_acoustic_010-040-127": 40,
    "bass_electronic_018-045-050": 45,
    "flute_synthetic_000-084-075": 84,
    "organ_acoustic_001-021-100": 21,
    "organ_acoustic_001-085-100": 85,
}
"""Four are acoustic with one of GANSynth's pitches, or would be; two are of another source."""
WANTED = ("flute_acoustic_002-069-100", "flute_acoustic_002-081-025", "guitar_acoustic_010-040-127")


def samples(key: str) -> NDArray[np.int16]:
    """Return a note as NSynth has it: 16 bits at 16 kHz, four seconds."""
    return np.round(sine(NOTES[key], 64000, 16000.0) * 32767.0).astype(np.int16)


def entry(key: str) -> dict[str, object]:
    """Return what ``examples.json`` says of a note."""
    instrument, pitch, velocity = key.rsplit("-", 2)
    family, source, _ = instrument.rsplit("_", 2)
    return {
        "note": 201034,
        "note_str": key,
        "instrument": 417,
        "instrument_str": instrument,
        "pitch": int(pitch),
        "velocity": int(velocity),
        "sample_rate": 16000,
        "qualities": [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        "qualities_str": ["dark"],
        "instrument_family": 3,
        "instrument_family_str": family,
        "instrument_source": SOURCES.index(source),
        "instrument_source_str": source,
    }


def write_folder(folder: Path) -> Path:
    """Write ``examples.json`` and ``audio/*.wav``."""
    (folder / "audio").mkdir(parents=True)
    for key in NOTES:
        soundfile.write(folder / "audio" / f"{key}.wav", samples(key), 16000, "PCM_16")
    (folder / "examples.json").write_text(json.dumps({key: entry(key) for key in NOTES}))
    return folder


def write_archive(path: Path, folder: Path, list_first: bool) -> Path:
    """Pack a folder as Magenta does; the list comes before the notes or after."""
    names = [f"audio/{key}.wav" for key in NOTES]
    ordered = ["examples.json", *names] if list_first else [*names, "examples.json"]
    with gzip.open(path, "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        for name in ordered:
            archive.add(folder / name, f"nsynth-test/{name}")
    return path


def write_record_file(path: Path, records: list[bytes]) -> Path:
    """Frame records as TensorFlow's RecordWriter does."""
    path.write_bytes(b"".join(framed(record) for record in records))
    return path


def framed(record: bytes) -> bytes:
    """Return a record with its length and their checksums."""
    length = struct.pack("<Q", len(record))
    return length + checksum(length) + record + checksum(record)


def checksum(content: bytes) -> bytes:
    """Return a CRC-32C, turned right by 15 bits, plus a constant."""
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15) + (crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF)


def note_record(key: str, audio: NDArray[np.float32]) -> bytes:
    """Return a note as Magenta's TFRecord files have it."""
    said = entry(key)
    numbers = ("pitch", "velocity", "instrument_source", "instrument", "sample_rate")
    features = {name: int_feature(int(str(said[name]))) for name in numbers}
    features["note_str"] = bytes_feature(key.encode())
    features["audio"] = float_feature(audio)
    return example(features)


def dataset_record(key: str, audio: NDArray[np.float32]) -> bytes:
    """Return a note as TensorFlow Datasets' files have it."""
    said = entry(key)
    return example(
        {
            "id": bytes_feature(key.encode()),
            "audio": float_feature(audio),
            "pitch": int_feature(int(str(said["pitch"]))),
            "velocity": int_feature(int(str(said["velocity"]))),
            "instrument/source": int_feature(int(str(said["instrument_source"]))),
        }
    )


def example(features: dict[str, bytes]) -> bytes:
    """Return a tf.train.Example: features (1) of a map (1) of key (1) and value (2)."""
    entries = (field(1, field(1, name.encode()) + field(2, f)) for name, f in features.items())
    return field(1, b"".join(entries))


def bytes_feature(value: bytes) -> bytes:
    """Return a feature with a list of bytes (1)."""
    return field(1, field(1, value))


def float_feature(values: NDArray[np.float32]) -> bytes:
    """Return a feature with a packed list of floats (2)."""
    return field(2, field(1, values.astype("<f4").tobytes()))


def int_feature(value: int) -> bytes:
    """Return a feature with a packed list of integers (3)."""
    return field(3, field(1, varint(value)))


def field(number: int, content: bytes) -> bytes:
    """Return a field of wire type 2: tag, length, content."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """Return seven bits a byte, the lowest first; the top bit says that more come."""
    groups = [value >> shift & 127 for shift in range(0, max(value.bit_length(), 1), 7)]
    return struct.pack(f"{len(groups)}B", *(g | 128 for g in groups[:-1]), groups[-1])
