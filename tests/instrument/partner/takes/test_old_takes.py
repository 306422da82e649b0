"""Takes of older formats: they are still made again, every message and every byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from instrument.partner.takes.replay import replay, replay_into
from instrument.partner.takes.take import FORMAT, NOTES_FILE, read_take

HERE = Path(__file__).parent
TAKES = sorted(folder for folder in HERE.glob("takes_of_format_*/*"))


def test_there_are_takes_of_every_older_format() -> None:
    assert {read_take(folder).format for folder in TAKES} == set(range(1, FORMAT))


@pytest.mark.slow
@pytest.mark.parametrize("folder", TAKES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_an_old_take_gives_the_messages_and_the_bytes_that_were_kept(
    folder: Path, tmp_path: Path
) -> None:
    sent = replay(read_take(folder))
    text = "".join(f"{m.frame} {m.data.hex()} {m.to}\n" for m in sent)
    kept = (folder / "messages.sha256").read_text(encoding="ascii")
    assert hashlib.sha256(text.encode()).hexdigest() == kept
    replay_into(folder, tmp_path / "again.mid", lambda _: None)
    assert (tmp_path / "again.mid").read_bytes() == (folder / NOTES_FILE).read_bytes()
