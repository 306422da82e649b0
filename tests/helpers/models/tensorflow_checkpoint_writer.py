"""Write checkpoints as TensorFlow does: one block of an uncompressed table, one file of values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

MAGIC = 0xDB4775248B80FB57
DTYPES = {"float32": 1, "int64": 9}


def write_checkpoint(folder: Path, name: str, variables: Mapping[str, NDArray[Any]]) -> None:
    """Write ``NAME.index``, ``NAME.data-00000-of-00001`` and the file that names them."""
    folder.mkdir(parents=True, exist_ok=True)
    entries, content = [(b"", field(1, 1))], bytearray()
    for key in sorted(variables):
        values = variables[key]
        raw = values.tobytes()
        entries.append((key.encode(), entry(values, len(content), raw)))
        content += raw
    (folder / f"{name}.data-00000-of-00001").write_bytes(content)
    (folder / f"{name}.index").write_bytes(table(entries))
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{name}"\n')


def entry(values: NDArray[Any], offset: int, raw: bytes) -> bytes:
    """Encode a BundleEntryProto."""
    sizes = [field(2, packed(field(1, size))) for size in values.shape]
    return (
        field(1, DTYPES[str(values.dtype)])
        + field(2, packed(b"".join(sizes)))
        + field(4, offset)
        + field(5, len(raw))
        + bytes([6 << 3 | 5])
        + masked(raw).to_bytes(4, "little")
    )


def table(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Encode a sorted string table of two blocks: the entries, and where they lie."""
    data = block(entries)
    start = len(data) + 5
    index = block([(entries[-1][0], varint(0) + varint(len(data)))])
    handles = varint(0) + varint(0) + varint(start) + varint(len(index))
    footer = handles.ljust(40, b"\0") + MAGIC.to_bytes(8, "little")
    return sealed(data) + sealed(index) + footer


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Encode entries that share no beginnings, with one restart at the first."""
    body = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in entries
    )
    return body + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")


def sealed(content: bytes) -> bytes:
    """Add the kind of compression, none, and the checksum."""
    return content + b"\0" + masked(content + b"\0").to_bytes(4, "little")


def masked(content: bytes) -> int:
    """Return a CRC-32C as LevelDB stores it."""
    crc: int = google_crc32c.value(content)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def field(number: int, value: int | bytes) -> bytes:
    """Encode a protocol buffer's field: a number, or what `packed` returned."""
    if isinstance(value, bytes):
        return bytes([number << 3 | 2]) + value
    return bytes([number << 3]) + varint(value)


def packed(content: bytes) -> bytes:
    """Put the length before a message."""
    return varint(len(content)) + content


def varint(value: int) -> bytes:
    """Encode seven bits a byte, the lowest first."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def generator_variables(
    start: tuple[int, int], channels: list[int], inputs: int, step: int
) -> dict[str, NDArray[Any]]:
    """Draw the averaged weights of a generator's blocks, as Magenta names them.

    Parameters
    ----------
    channels
        Of each block.
    inputs
        Latent and pitches.
    """
    random = np.random.default_rng(0)
    variables: dict[str, NDArray[Any]] = {"global_step": np.array(step, np.int64)}
    before = inputs
    for number, own in enumerate(channels, start=1):
        shapes = {
            "conv0": (*(start if number == 1 else (3, 3)), before, own),
            "conv1": (3, 3, own, own),
            "to_rgb": (1, 1, own, 2),
        }
        for layer, shape in shapes.items():
            place = f"Generator/progressive_gan_generator/progressive_gan_block_{number}/{layer}"
            for part, of in (("conv2d/kernel", shape), ("bias", shape[-1:])):
                name = f"{place}/{part}/ExponentialMovingAverage"
                variables[name] = random.standard_normal(of, np.float32)
        before = own
    return variables
