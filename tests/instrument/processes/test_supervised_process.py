"""A process that is kept going: small scripts stand in for engine, models and partner."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from instrument.processes.json_lines import Failed, Notice
from instrument.processes.supervised_process import Program, RestartPolicy, SupervisedProcess
from instrument.realtime.memory.constants import MODELS_BEATS
from instrument.realtime.memory.state import EngineState
from tests.helpers.live.patience import wait_for

pytestmark = pytest.mark.serial


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
BEATING = """
heart = Heartbeat(EngineState.attach(Path(sys.argv[1])), MODELS_BEATS).start()
numbers = listen(NUMBERS)
say(Number(0))
while (heard := numbers.get()) is not None:
    heart.work(1.5)
    time.sleep(heard.value)
    heart.rest()
    say(heard)
"""
CHATTING = "print('a library says hello', flush=True); say(Number(1)); listen(NUMBERS).get()"

PREAMBLE = """
import sys, time
from pathlib import Path
import msgspec
from instrument.processes.heartbeat import Heartbeat
from instrument.processes.json_lines import Failed, Notice, listen, say
from instrument.realtime.memory.constants import MODELS_BEATS
from instrument.realtime.memory.state import EngineState

class Number(msgspec.Struct, frozen=True, tag=True):
    value: int

NUMBERS = msgspec.json.Decoder(Number)
"""


class Counted(SupervisedProcess[Report]):
    """Writes down what its hooks are called for."""

    def __init__(self, folder: Path, policy: RestartPolicy) -> None:
        self.calls: list[str] = []
        program = Program("the counter", "stand_in", MODELS_BEATS, policy)
        super().__init__(program, REPORTS, EngineState.create(folder), folder)

    def _hear(self, report: Report) -> None:
        self.calls.append(f"hear {type(report).__name__}")

    def _clean_up(self) -> None:
        self.calls.append("clean up")

    def _resume(self, *, was_stuck: bool) -> Notice | None:
        self.calls.append("resume after being stuck" if was_stuck else "resume")
        return Notice("a remark") if was_stuck else None


Start = Callable[..., Counted]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(sys.path)}")

    def make(script: str, *, most: int = 2) -> Counted:
        (tmp_path / "stand_in.py").write_text(PREAMBLE + script)
        return Counted(tmp_path, RestartPolicy(most, 60.0, "Play on without."))

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
    assert last.message.startswith("the counter ended (exit code 1), 3 times within 60 s")
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


def test_a_process_that_stands_still_is_seen_within_a_second(start: Start) -> None:
    process = start(BEATING)
    all_reports(process, 1)
    time.sleep(1.0)
    assert process.follow() == []
    psutil.Process(process.pid).suspend()
    stopped = time.monotonic()
    notice = all_reports(process, 1)[0]
    assert time.monotonic() - stopped < 1.0
    assert notice == Notice("the counter does not answer: started it again")
    assert all_reports(process, 1) == [Number(0)]
    process.end()


def test_work_that_does_not_come_back_is_said_within_a_second_and_ended(start: Start) -> None:
    process = start(BEATING)
    all_reports(process, 1)
    process.send(Number(60))
    began = time.monotonic()
    [slow] = all_reports(process, 1)
    assert slow == Notice("the counter is slow to answer")
    assert time.monotonic() - began < 1.1
    said = all_reports(process, 2)
    assert 1.4 < time.monotonic() - began < 2.5
    assert said == [Notice("the counter does not answer: started it again"), Notice("a remark")]
    assert process.calls[-1] == "resume after being stuck"
    process.end()


def test_a_supervisor_that_was_stopped_itself_does_not_blame_others(start: Start) -> None:
    process = start(BEATING)
    all_reports(process, 1)
    psutil.Process(process.pid).suspend()
    time.sleep(2.0)  # as if all of the machine had stood still
    assert process.follow() == []
    psutil.Process(process.pid).resume()
    time.sleep(0.15)
    for _ in range(20):
        assert process.follow() == []
        time.sleep(0.05)
    process.end()
