"""What a `StreamServer` reads and writes of an engine: a block of ours, or what a host shares."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class BankArrays(Protocol):
    """An array for each bank."""

    def __getitem__(self, bank: int, /) -> Any:
        """Return a bank's."""


class StreamState(Protocol):
    """The part of `EngineState` that held notes need; fields are named as there."""

    @property
    def rate_hz(self) -> float:
        """The device's rate."""

    @property
    def fields(self) -> NDArray[np.void]:
        """A record with ``clock_block_frames``."""

    @property
    def streams(self) -> NDArray[np.void]:
        """`STREAM` records, shape (STREAM_COUNT,)."""

    @property
    def rings(self) -> NDArray[np.float32]:
        """float32, shape (STREAM_COUNT, frames of a ring)."""

    @property
    def slots(self) -> BankArrays:
        """`SLOT` records, shape (LAYER_COUNT, PITCH_COUNT) for each bank."""

    @property
    def tones(self) -> BankArrays:
        """float32, shape (LAYER_COUNT, PITCH_COUNT, frames) for each bank."""

    @property
    def voices(self) -> NDArray[np.void]:
        """Records of voices, those that may slide among them."""

    @property
    def channels(self) -> NDArray[np.void]:
        """Records with ``master``, shape (CHANNEL_COUNT,)."""
