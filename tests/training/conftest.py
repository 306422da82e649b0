"""One thread for torch: in tiny networks several only wait for each other."""

from __future__ import annotations

import torch


def pytest_collection_finish() -> None:
    torch.set_num_threads(1)
