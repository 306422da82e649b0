"""What all peers share: how one that is missing says so, and peers in processes of their own.

A child peer speaks lines of JSON: first ``{"facts": {...}}`` or ``{"missing": "reason"}``, then for
every line ``{"amount": N}`` that it reads one line of named numbers, such as ``{"seconds": S}``. It
ends when its standard input closes, so that no child outlives the bench.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).parents[3]


class PeerMissing(Exception):  # noqa: N818 - a state of the machine, not an error
    """A peer cannot be measured on this machine; the text says why."""


class ChildPeer:
    """A contestant that runs as ``python -m module arguments`` and is measured over a pipe.

    Parameters
    ----------
    module, arguments
        What is run.
    environment
        Variables beside our own.
    python
        The interpreter of another virtual environment, which finds our packages beside its own;
        the running one without it.

    Raises
    ------
    PeerMissing
        The child says that it cannot run here, or dies.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        python: Path | None = None,
    ) -> None:
        self._words = tempfile.TemporaryFile("w+")  # noqa: SIM115 - a pipe would fill and block
        ours = {"PYTHONPATH": str(_ROOT)} if python else {}
        self._process = subprocess.Popen(
            [str(python or sys.executable), "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            text=True,
            env={**os.environ, **ours, **(environment or {})},
        )
        try:
            answer = self._answer()
            if "missing" in answer:
                raise PeerMissing(str(answer["missing"]))
        except BaseException:  # Ctrl-C too: the child would stay
            self.close()
            raise
        facts = answer.get("facts")
        self.facts: dict[str, object] = facts if isinstance(facts, dict) else {}

    def ask(self, amount: float = 0) -> dict[str, float]:
        """Let the child do `amount` of its work; return what it measured, by name."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"amount": amount}) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise PeerMissing(self._last_words()) from error
        return {name: float(str(value)) for name, value in self._answer().items()}

    def measure(self, amount: int) -> float:
        """Let the child do `amount` units of work; return its seconds per unit."""
        return self.ask(amount)["seconds"]

    def close(self) -> None:
        """End the child: politely, then firmly."""
        if self._process.stdin is not None:
            with suppress(OSError):  # of a child that died with a question unread
                self._process.stdin.close()
        try:
            self._process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._words.close()

    def __enter__(self) -> ChildPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self) -> dict[str, object]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # pyo prints a banner first
                answer: dict[str, object] = json.loads(line)
                return answer
        raise PeerMissing(self._last_words())

    def _last_words(self) -> str:
        self._words.seek(0)
        lines = self._words.read().strip().splitlines()
        return f"its process ended: {lines[-1] if lines else 'no message'}"


def serve(facts: Mapping[str, object], work: Callable[[float], Mapping[str, float]]) -> None:
    """Be the child: announce `facts`, then answer every request until standard input ends.

    Parameters
    ----------
    work
        Answers one request; both are plain JSON values.
    """
    _say({"facts": dict(facts)})
    for line in sys.stdin:
        _say(dict(work(float(json.loads(line)["amount"]))))


def serve_missing(reason: str) -> None:
    """Be a child that cannot run here, and say why."""
    _say({"missing": reason})


def _say(answer: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
