"""TFRecord files against TensorBoard's writer, and the checksum against its published value."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.record_writer import RecordWriter

from instrument.errors import FileError
from tests.helpers.sounds.nsynth_files import (
    bytes_feature,
    example,
    field,
    float_feature,
    int_feature,
    write_record_file,
)
from training.data.audio.tfrecord import masked_crc, read_example, read_records


def test_the_checksum_is_crc_32c_turned_and_shifted() -> None:
    published = 0xE3069283  # of these nine digits: RFC 3720 and every catalogue of CRCs
    turned = (published >> 15 | published << 17) & 0xFFFFFFFF
    assert masked_crc(b"123456789") == (turned + 0xA282EAD8) & 0xFFFFFFFF
    for content in (b"", b"a", bytes(range(256)) * 9):
        assert masked_crc(content) == int(masked_crc32c(content))


def test_records_of_tensorboards_writer_come_in_order(tmp_path: Path) -> None:
    records = [b"one", b"", bytes(range(256)) * 40]
    content = io.BytesIO()
    writer = RecordWriter(content)
    for record in records:
        writer.write(record)
    path = tmp_path / "a.tfrecord"
    path.write_bytes(content.getvalue())
    assert list(read_records(path)) == records
    assert write_record_file(path, records).read_bytes() == content.getvalue()


def test_an_example_has_its_features() -> None:
    values = np.array([0.5, -1.5, 3e-9], np.float32)
    found = read_example(
        example(
            {
                "text": bytes_feature("é".encode()),
                "numbers": float_feature(values),
                "whole": int_feature(1 << 40),
                "nothing": b"",
            }
        )
    )
    assert found["text"] == ("é".encode(),)
    np.testing.assert_array_equal(found["numbers"], values)
    assert found["whole"] == [1 << 40]
    assert found["nothing"] == ()


def test_floats_may_come_unpacked() -> None:
    one_by_one = b"".join(b"\x0d" + struct.pack("<f", value) for value in (1.0, 2.0))
    found = read_example(example({"numbers": field(2, one_by_one)}))
    np.testing.assert_array_equal(found["numbers"], [1.0, 2.0])


@pytest.mark.parametrize("bytes_left", [5, 11, 14, 20])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, bytes_left: int) -> None:
    path = write_record_file(tmp_path / "a.tfrecord", [b"12345"])
    path.write_bytes(path.read_bytes()[:bytes_left])
    with pytest.raises(FileError, match="is cut off in its record 0"):
        list(read_records(path))


def test_what_is_no_tfrecord_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_text("this is not a TFRecord file, but a text")
    with pytest.raises(FileError, match="is no TFRecord file"):
        list(read_records(path))
    write_record_file(path, [b"12345", b"12345"])
    content = bytearray(path.read_bytes())
    content[21 + 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError, match="is damaged at its record 1"):
        list(read_records(path))
    with pytest.raises(FileError, match="cannot be read"):
        list(read_records(tmp_path / "missing.tfrecord"))


def test_a_length_that_no_note_has_makes_no_buffer(tmp_path: Path) -> None:
    head = struct.pack("<Q", 1 << 50)
    path = tmp_path / "a.tfrecord"
    path.write_bytes(head + struct.pack("<I", masked_crc(head)) + b"12345")
    with pytest.raises(FileError, match="more than any note"):
        list(read_records(path))
