"""The disk cache of tone tables: exact, bounded, and never worse than no cache."""

import os
from pathlib import Path

import numpy as np
import pytest

from instrument.errors import FileError
from instrument.rendering.tone_cache import (
    SAMPLE_STEP,
    Tone,
    ToneCache,
    kept_tones,
    on_the_grid,
    table_key,
)


def a_table(seed: int = 0, frames: int = 500) -> list[Tone]:
    random = np.random.default_rng(seed)
    notes = []
    for pitch in (21, 60, 108):
        samples = on_the_grid(random.normal(0, 0.3, frames + pitch).astype(np.float32))
        notes.append(Tone(1, pitch, samples, 100, 400, 0.99997, 0.5))
    return notes


def test_a_table_comes_back_bit_for_bit(tmp_path: Path) -> None:
    written = a_table()
    ToneCache(tmp_path).save("glass", written)
    read = ToneCache(tmp_path).load("glass", 1000)
    assert read is not None
    for before, after in zip(written, read, strict=True):
        np.testing.assert_array_equal(before.samples, after.samples)
        assert after.samples.dtype == np.float32
        for field in ("layer", "pitch", "loop_start", "loop_end", "loop_decay_per_frame", "gain"):
            assert getattr(before, field) == getattr(after, field)


def test_the_grid_moves_a_sample_by_half_a_step_at_most() -> None:
    samples = np.linspace(-1.99, 1.99, 10_001, dtype=np.float32)
    moved = np.abs(on_the_grid(samples) - samples)
    assert 0 < moved.max() <= SAMPLE_STEP / 2 + 1e-7  # float32 rounding of the linspace itself
    np.testing.assert_array_equal(on_the_grid(on_the_grid(samples)), on_the_grid(samples))


@pytest.mark.parametrize(
    ("sha", "latent", "rate", "frames"),
    [
        ("b" * 64, [0.1, 0.2], 48000, 120000),
        ("a" * 64, [0.1, 0.3], 48000, 120000),
        ("a" * 64, [0.1, 0.2], 44100, 120000),
        ("a" * 64, [0.1, 0.2], 48000, 96000),
    ],
)
def test_everything_that_changes_the_sound_changes_the_key(
    sha: str, latent: list[float], rate: int, frames: int
) -> None:
    assert table_key(sha, latent, rate, frames) != table_key("a" * 64, [0.1, 0.2], 48000, 120000)


def test_an_unknown_key_is_none(tmp_path: Path) -> None:
    assert ToneCache(tmp_path / "not there yet").load("glass", 1000) is None


@pytest.mark.parametrize("cut", ["half", "flipped byte", "empty", "another format"])
def test_a_damaged_file_is_none_and_goes_away(tmp_path: Path, cut: str) -> None:
    cache = ToneCache(tmp_path)
    cache.save("glass", a_table())
    path = tmp_path / "glass.npz"
    content = bytearray(path.read_bytes())
    if cut == "half":
        content = content[: len(content) // 2]
    elif cut == "flipped byte":
        content[len(content) // 2] ^= 0xFF
    elif cut == "empty":
        content = bytearray()
    else:
        content = bytearray(b"not a zip file" * 100)
    path.write_bytes(content)
    assert cache.load("glass", 1000) is None
    assert not path.exists()


def test_the_least_recently_used_table_goes_first(tmp_path: Path) -> None:
    cache = ToneCache(tmp_path)
    cache.save("old", a_table())
    cache.max_bytes = 3 * (tmp_path / "old.npz").stat().st_size
    for age, key in enumerate(["old", "used", "new"]):
        cache.save(key, a_table())
        os.utime(tmp_path / f"{key}.npz", (1000 + age, 1000 + age))
    os.utime(tmp_path / "old.npz", (1000, 1000))
    assert cache.load("old", 1000) is not None  # now it is the most recently used
    cache.save("newest", a_table())
    assert {path.stem for path in tmp_path.glob("*.npz")} == {"old", "new", "newest"}


def test_a_disk_that_takes_only_a_part_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        with pytest.raises(FileError, match="cannot write"):
            ToneCache(tmp_path).save("glass", a_table())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def forge(path: Path, **changes: object) -> None:
    """Write a valid archive whose first tone has other numbers."""
    with np.load(path) as archive:
        shapes, samples = archive["shapes"].copy(), archive["samples"]
    for name, value in changes.items():
        shapes[name][0] = value
    np.savez(path, shapes=shapes, samples=samples)


@pytest.mark.parametrize(
    "changes",
    [
        {"layer": 2},
        {"layer": -1},
        {"pitch": 20},
        {"pitch": 60},  # twice
        {"pitch": 2**31 - 1},
        {"frames": 10**6},
        {"frames": -1},
        {"frames": 0},
        {"loop_start": -5},
        {"loop_start": 400},
        {"loop_end": 600},
        {"loop_end": -1},
        {"loop_decay_per_frame": np.nan},
        {"loop_decay_per_frame": 2.0},
        {"loop_decay_per_frame": 0.0},
        {"gain": np.inf},
        {"gain": -1.0},
        {"gain": np.nan},
    ],
)
def test_numbers_that_the_kernel_would_follow_out_of_its_memory_are_refused(
    changes: dict[str, object], tmp_path: Path
) -> None:
    cache = ToneCache(tmp_path)
    cache.save("glass", a_table())
    forge(tmp_path / "glass.npz", **changes)
    assert cache.load("glass", 1000) is None
    assert not (tmp_path / "glass.npz").exists()


def test_tones_longer_than_a_slot_are_refused(tmp_path: Path) -> None:
    cache = ToneCache(tmp_path)
    cache.save("glass", a_table(frames=500))
    assert cache.load("glass", 607) is None


def test_a_file_that_would_unpack_to_more_than_the_cache_is_refused(tmp_path: Path) -> None:
    cache = ToneCache(tmp_path, max_bytes=10**6)
    zeros = np.zeros(10**7, np.int16)
    np.savez_compressed(tmp_path / "bomb.npz", shapes=zeros, samples=zeros)
    np.savez(tmp_path / "big.npz", shapes=zeros, samples=zeros)
    assert cache.load("bomb", 1000) is None
    assert cache.load("big", 1000) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX only")
def test_what_somebody_else_may_have_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ToneCache(tmp_path)
    os.mkfifo(tmp_path / "pipe.npz")
    assert cache.load("pipe", 1000) is None
    cache.save("open", a_table())
    (tmp_path / "open.npz").chmod(0o666)
    assert cache.load("open", 1000) is None
    cache.save("theirs", a_table())
    stranger = os.getuid() + 1
    if os.getuid() == 0:
        os.chown(tmp_path / "theirs.npz", stranger + 1, -1)
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    assert cache.load("theirs", 1000) is None


def test_the_users_tones_come_along_and_a_note_set_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    old = tmp_path / "latentkeys" / "notes"
    old.mkdir(parents=True)
    for name in ("notes.npz", "notes.json", f"{32 * 'a'}.npz"):
        (old / name).write_text(name)
    assert [path.name for path in kept_tones().iterdir()] == [f"{32 * 'a'}.npz"]
    assert sorted(path.name for path in old.iterdir()) == ["notes.json", "notes.npz"]
    (old / f"{32 * 'b'}.npz").touch()
    assert len(list(kept_tones().iterdir())) == 1  # only once
