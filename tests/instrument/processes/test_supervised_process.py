"""A process that is kept going: small scripts stand in for engine, models and partner."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from instrument.processes.json_lines import Failed, Notice
from instrument.processes.supervised_process import RestartPolicy, SupervisedProcess
from tests.helpers.live_play import wait_for


class Number(msgspec.Struct, frozen=True, tag=True):
    value: int


Report = Number | Notice | Failed
REPORTS: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)

DOUBLING = """
numbers = listen(NUMBERS)
while (heard := numbers.get()) is not None:
    say(Number(2 * heard.value))
"""
DYING = "raise SystemExit('a reason')"
FAILING = "say(Failed('no such thing', 'Take another.'))"
CHATTING = "print('a library says hello', flush=True); say(Number(1)); listen(NUMBERS).get()"

PREAMBLE = """
import msgspec
from instrument.processes.json_lines import Failed, Notice, listen, say

class Number(msgspec.Struct, frozen=True, tag=True):
    value: int

NUMBERS = msgspec.json.Decoder(Number)
"""


class Counted(SupervisedProcess[Report]):
    """Writes down what its hooks are called for."""

    def __init__(self, module: str, folder: Path, policy: RestartPolicy) -> None:
        self.calls: list[str] = []
        super().__init__("the counter", module, folder, REPORTS, policy)

    def _hear(self, report: Report) -> None:
        self.calls.append(f"hear {type(report).__name__}")

    def _clean_up(self) -> None:
        self.calls.append("clean up")

    def _resume(self) -> None:
        self.calls.append("resume")


Start = Callable[..., Counted]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(sys.path)}")

    def make(script: str, *, most: int = 2) -> Counted:
        (tmp_path / "stand_in.py").write_text(PREAMBLE + script)
        return Counted("stand_in", tmp_path, RestartPolicy(most, 60.0, "Play on without."))

    return make


def all_reports(process: Counted, count: int) -> list[Report]:
    said: list[Report] = []

    def are_there() -> bool:
        said.extend(process.follow())
        return len(said) >= count

    wait_for(are_there, f"{count} reports")
    return said


def test_a_message_goes_there_and_its_answer_comes_back(start: Start) -> None:
    process = start(DOUBLING)
    process.send(Number(21))
    assert all_reports(process, 1) == [Number(42)]
    process.end()
    assert process.calls == ["hear Number", "clean up"]


def test_a_process_that_dies_is_started_again_as_often_as_its_policy_says(start: Start) -> None:
    process = start(DYING, most=2)
    first, second, last = all_reports(process, 3)
    assert first == second == Notice("the counter ended (exit code 1): started it again")
    assert isinstance(last, Notice)
    assert last.message.startswith("the counter keeps dying (exit code 1)")
    assert last.message.endswith("a reason")
    assert last.remedy == "Play on without."
    assert process.follow() == []
    assert process.calls == ["clean up", "resume"] * 2 + ["clean up"]


def test_a_process_that_says_that_it_cannot_work_is_not_started_again(start: Start) -> None:
    process = start(FAILING)
    assert all_reports(process, 1) == [Failed("no such thing", "Take another.")]
    assert process.follow() == []
    assert "resume" not in process.calls


def test_a_line_that_is_no_message_is_kept_and_does_no_harm(start: Start, tmp_path: Path) -> None:
    process = start(CHATTING)
    assert all_reports(process, 1) == [Number(1)]
    process.end()
    assert "a library says hello" in (tmp_path / "stand_in.log").read_text()


def test_a_message_that_the_process_does_not_know_is_said(start: Start) -> None:
    process = start(DOUBLING)
    process.send(Notice("nothing to double"))
    [answer] = all_reports(process, 1)
    assert isinstance(answer, Notice) and "does not know" in answer.message
    process.send(Number(1))
    assert all_reports(process, 1) == [Number(2)]
    process.end()
