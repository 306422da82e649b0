"""The rows beside Notochord say how to have them; a Python without it is no peer."""

import sys
from pathlib import Path

import pytest

from instrument.bench.harness import Verdict
from instrument.bench.music.notochord import notochord_rows
from instrument.bench.peers.child import ChildPeer
from instrument.bench.report import Report


def test_without_its_python_the_rows_say_how_to_install_it() -> None:
    rows = notochord_rows(Report("partner"), None)
    assert len(rows) == 2
    assert {row.verdict for row in rows} == {Verdict.NOT_MEASURED}
    assert all("pip install notochord" in row.note for row in rows)


@pytest.mark.slow
def test_a_python_without_notochord_says_so() -> None:
    rows = notochord_rows(Report("partner"), Path(sys.executable))
    assert {row.verdict for row in rows} == {Verdict.NOT_MEASURED}
    assert all("no Notochord" in row.note for row in rows)


def test_a_child_of_another_python_finds_our_packages(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text(
        "from instrument.bench.peers.child import serve\n"
        "import sys\n"
        "serve({'python': sys.executable}, lambda amount: {'seconds': amount})\n"
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncd "{tmp_path}"\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    with ChildPeer("elsewhere", python=python) as child:
        assert child.measure(3) == 3.0
