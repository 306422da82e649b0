"""Takes that 0.1.0 kept: they are still made again, every message and every byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from instrument.partner.replay import replay, replay_into
from instrument.partner.take import NOTES_FILE, read_take

TAKES = Path(__file__).parent / "takes_of_format_1"


@pytest.mark.parametrize("name", ["answer", "duet", "link", "loop", "overlaps"])
def test_a_take_of_format_1_gives_the_messages_and_the_bytes_that_were_kept(
    name: str, tmp_path: Path
) -> None:
    folder = TAKES / name
    sent = replay(read_take(folder))
    text = "".join(f"{m.frame} {m.data.hex()} {m.to}\n" for m in sent)
    kept = (folder / "messages.sha256").read_text(encoding="ascii")
    assert hashlib.sha256(text.encode()).hexdigest() == kept
    replay_into(folder, tmp_path / "again.mid", lambda _: None)
    assert (tmp_path / "again.mid").read_bytes() == (folder / NOTES_FILE).read_bytes()
