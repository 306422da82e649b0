"""How the texts of a MIDI file are written: the standard says ASCII, the world does not.

In: the bytes of all texts of a file. Out: the name of their encoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_JAPANESE, _WESTERN = "cp932", "latin-1"  # cp932: Shift-JIS as Windows and most sequencers had it
_TAGS = ((b"{@JP", _JAPANESE), (b"{@LATIN", _WESTERN), (b"\xef\xbb\xbf", "utf-8-sig"))  # RP-026
_MOSTLY = 0.5
_NARROW_KATAKANA = re.compile("[\uff66-\uff9f]{4,}")


def text_encoding(texts: Iterable[bytes]) -> str:
    """Guess the encoding that all texts of a file share.

    UTF-8 if they can be it: nothing else looks so by chance. Otherwise Shift-JIS where the bytes
    above ASCII come in rows, as kana and kanji do, and Latin-1 where they stand alone between
    letters, as accents do. A tag of RP-026 decides before.
    """
    texts = [text for text in texts if text]
    for tag, encoding in _TAGS:
        if any(text.startswith(tag) for text in texts):
            return encoding
    if all(_fits(text, "utf-8") for text in texts):
        return "utf-8"
    beyond = [text for text in texts if not text.isascii()]
    if all(_fits(text, _JAPANESE) for text in beyond) and _share(beyond) > _MOSTLY:
        return _JAPANESE
    return _WESTERN


def _fits(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _share(texts: list[bytes]) -> float:
    """Return how much of the words with bytes above ASCII is Japanese.

    Katakana of half width counts in rows alone: its bytes are those of capitals with accents.
    """
    words = [
        word for text in texts for word in text.decode(_JAPANESE).split() if not word.isascii()
    ]
    wide = sum(len(character.encode(_JAPANESE)) == 2 for word in words for character in word)
    narrow = sum(len(row) for word in words for row in _NARROW_KATAKANA.findall(word))
    return (wide + narrow) / max(1, sum(map(len, words)))
