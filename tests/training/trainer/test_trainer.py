"""The loop that trains every composer, on the smallest learner there is: a line through points."""

import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from instrument.errors import FileError, SettingError
from instrument.music.note import Note, Phrase
from tests.helpers.music.corpora import scales
from training.data.symbolic.corpus import Corpus
from training.pictures.samples import PhraseSamples
from training.trainer.distributed import average_gradients
from training.trainer.run_card import BEST, Length, load_learner, read_run
from training.trainer.system import Course, RunPosition, System, rate
from training.trainer.trainer import Run, _pause_after, new_run, resumed_run

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class LineConfig:
    learning_rate: float = 0.1
    batch_size: int = 8


class LineLearner:
    """Fits y = 3x + 1 with noise from torch's generator, so that both sources of chance count."""

    def __init__(self, config: LineConfig, device: torch.device) -> None:
        self.config = config
        self.line = nn.Linear(1, 1).to(device)
        self.networks: dict[str, nn.Module] = {"line": self.line}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "line": torch.optim.Adam(self.line.parameters(), lr=config.learning_rate)
        }

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        x = torch.from_numpy(at.random.normal(size=(self.config.batch_size, 1))).float()
        y = 3.0 * x + 1.0 + 0.1 * torch.randn_like(x)
        for group in self.optimizers["line"].param_groups:
            group["lr"] = self.config.learning_rate * rate(at, warm_up_steps=1)
        loss = (self.line(x) - y).square().mean()
        self.optimizers["line"].zero_grad()
        torch.autograd.backward(loss)
        average_gradients(self.line.parameters())
        self.optimizers["line"].step()
        return {"loss": loss.detach()}

    def validate(self) -> dict[str, float]:
        with torch.no_grad():
            x = torch.linspace(-1.0, 1.0, 5)[:, None]
            return {"loss": float((self.line(x) - 3.0 * x - 1.0).square().mean())}

    def samples(self) -> PhraseSamples:
        return PhraseSamples({"a note": Phrase.of((Note(0.0, 60, 1.0),))})


LINE = System(
    name="line",
    what="A line.",
    config=LineConfig,
    recipes={"line": LineConfig(), "wild": LineConfig(learning_rate=1e30)},
    data=("scales",),
    open_data=lambda _: scales(),
    open=lambda config, _, device: LineLearner(config, device),
)


@pytest.fixture
def corpus() -> Corpus:
    return scales()


def begin(corpus: Corpus, folder: Path, steps: int = 120, seed: int = 1) -> Run:
    return new_run(LINE, "line", corpus, Length(steps, 0.0, seed), folder, CPU)


def train(run: Run, until: float = 1.0) -> bool:
    return run.run(lambda *_: None, lambda: run.fraction >= until)


def weights(run: Run) -> tuple[float, ...]:
    return tuple(float(p.detach()) for p in run.learner.networks["line"].parameters())


def test_a_line_is_learned_and_its_best_weights_are_loaded(corpus: Corpus, tmp_path: Path) -> None:
    assert train(begin(corpus, tmp_path))
    card, learner = load_learner(tmp_path, LINE, corpus)
    assert (tmp_path / BEST).is_file()
    assert card.validation["loss"] < 0.01
    slope, offset = (float(p) for p in learner.networks["line"].parameters())
    assert (slope, offset) == pytest.approx((3.0, 1.0), abs=0.1)


@pytest.mark.slow
def test_an_interrupted_run_ends_with_the_same_bits(corpus: Corpus, tmp_path: Path) -> None:
    whole = begin(corpus, tmp_path / "whole")
    train(whole)
    halved = begin(corpus, tmp_path / "halved")
    assert not train(halved, until=0.4)
    resumed = resumed_run(LINE, corpus, tmp_path / "halved", CPU, None)
    assert resumed.card.step == halved.card.step > 0
    assert train(resumed)
    assert weights(resumed) == weights(whole)


def test_another_seed_gives_other_weights(corpus: Corpus, tmp_path: Path) -> None:
    runs = [begin(corpus, tmp_path / str(seed), seed=seed) for seed in (1, 2)]
    assert weights(runs[0]) != weights(runs[1])


def test_a_run_by_the_clock_ends_on_time_and_validates(corpus: Corpus, tmp_path: Path) -> None:
    run = new_run(LINE, "line", corpus, Length(0, 0.02, 1), tmp_path, CPU)
    assert train(run)
    assert 1.2 <= run.card.seconds < 3.0
    assert math.isfinite(run.card.validation["loss"])


def test_samples_are_written_as_midi_and_pictures(corpus: Corpus, tmp_path: Path) -> None:
    train(begin(corpus, tmp_path))
    assert len(list((tmp_path / "samples").glob("*a note.mid"))) == 8
    assert list((tmp_path / "tensorboard").glob("events*"))
    pictures = list((tmp_path / "samples").glob("*.png"))
    assert len(pictures) == 8
    for picture in (*pictures, tmp_path / "losses.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_table_of_losses_goes_on_where_the_run_does(corpus: Corpus, tmp_path: Path) -> None:
    train(begin(corpus, tmp_path), until=0.5)
    with (tmp_path / "losses.tsv").open("a") as table:
        table.write("100\tloss\t9.9\n60\tlo")  # later, and cut off
    train(resumed_run(LINE, corpus, tmp_path, CPU, None))
    rows = [line.split("\t") for line in (tmp_path / "losses.tsv").read_text().splitlines()]
    assert rows[0] == ["step", "figure", "value"]
    steps = [int(step) for step, name, _ in rows[1:] if name == "loss"]
    assert steps == sorted(steps) == list(range(20, 121, 20))
    assert ["100", "loss", "9.9"] not in rows
    assert {name for _, name, _ in rows[1:]} == {"loss", "held-out loss"}


def test_a_diverged_run_says_so_and_keeps_its_checkpoint(corpus: Corpus, tmp_path: Path) -> None:
    run = new_run(LINE, "wild", corpus, Length(200, 0.0, 1), tmp_path, CPU)
    run.save()
    with pytest.raises(SettingError, match="diverged"):
        train(run)
    card, _ = read_run(tmp_path)
    assert card.step == 0


def test_a_run_of_another_system_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    begin(corpus, tmp_path).save()
    with pytest.raises(FileError, match="is a run of line, not of musegan"):
        read_run(tmp_path, "musegan")


def test_a_changed_corpus_is_refused_on_resuming(corpus: Corpus, tmp_path: Path) -> None:
    begin(corpus, tmp_path).save()
    with pytest.raises(SettingError, match="another version of scales"):
        resumed_run(LINE, scales(transposed=1), tmp_path, CPU, None)


def test_the_card_says_what_was_trained(corpus: Corpus, tmp_path: Path) -> None:
    run = begin(corpus, tmp_path)
    run.save()
    card, _ = read_run(tmp_path)
    assert card == run.card
    assert msgspec.convert(card.config, LineConfig) == LineConfig()


@pytest.mark.slow
def test_two_processes_average_their_gradients(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(
        "import torch\n"
        "from training.trainer.distributed import agree, average_gradients, processes\n"
        "rank = processes().process_index\n"
        "weight = torch.nn.Parameter(torch.ones(3))\n"
        "(weight * (1.0 + rank)).sum().backward()\n"
        "average_gradients([weight])\n"
        "line = f'{rank} {weight.grad.tolist()} {agree((float(rank), 7.0))}\\n'\n"
        "print(line, end='', flush=True)\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    lines = sorted(line for line in run.stdout.splitlines() if line[:1] in "01")
    expected = f"{[1.5] * 3} (0.0, 7.0)"
    assert lines == [f"0 {expected}", f"1 {expected}"]


def test_batches_depend_on_seed_step_and_process(corpus: Corpus, tmp_path: Path) -> None:
    run = begin(corpus, tmp_path)
    at, seed = run._moment()
    again, same_seed = run._moment()
    assert seed == same_seed
    assert np.array_equal(at.random.random(4), again.random.random(4))
    train(run, until=0.01)
    later, other_seed = run._moment()
    assert seed != other_seed
    assert later.step > at.step


def test_a_course_of_images_takes_whole_steps() -> None:
    course = Course(batch=8, images=100)
    assert [course.steps(images) for images in (1, 8, 9, 100)] == [1, 1, 2, 13]


@pytest.mark.parametrize(("saving", "pause"), [(0.1, 60.0), (2.0, 100.0), (60.0, 240.0)])
def test_saving_takes_little_of_the_time_and_never_waits_five_minutes(
    saving: float, pause: float
) -> None:
    assert _pause_after(saving) == pytest.approx(pause)
