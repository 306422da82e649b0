"""The lean way to train GANSynth's networks, for one modern GPU: about half the work of a step.

The same generator and critic; a logistic game whose penalty looks at real images only, now and
then; images stay normalised throughout. On a GPU inner layers compute in bfloat16, images lie in
memory with channels last, and blocks are compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.gansynth.config import GansynthConfig
from training.gansynth.losses import CriticInputs, Figures, Judge
from training.gansynth.network import Critic, Generator

_MOST_VARIANTS = 128


class LeanRules:
    """A game that costs about half: logistic losses, and a penalty on real images now and then.

    R1 of Mescheder et al., 2018, every few steps with a greater weight, as Karras et al., 2020
    (StyleGAN2, section 4.1) found sufficient. One look of the critic serves the score and the
    pitch.

    Parameters
    ----------
    pitch_weight, penalty_weight, penalty_every
        See `training.gansynth.config.GansynthConfig`.
    steep_judge
        The critic in single precision and uncompiled: second derivatives need both.
    """

    def __init__(
        self, pitch_weight: float, penalty_weight: float, penalty_every: int, steep_judge: Judge
    ) -> None:
        self.pitch_weight, self.penalty_weight = pitch_weight, penalty_weight
        self.penalty_every, self.steep_judge = penalty_every, steep_judge

    def generator_loss(self, judge: Judge, fake: Tensor, pitch: Tensor) -> tuple[Tensor, Figures]:
        """Return how clearly images are seen through, and the pitch's cross-entropy."""
        scores, logits = judge(fake)
        heard = F.cross_entropy(logits, pitch)
        loss = F.softplus(-scores).mean() + self.pitch_weight * heard
        return loss, {"generator": loss.detach(), "fake_pitch": heard.detach()}

    def critic_loss(self, judge: Judge, seen: CriticInputs) -> tuple[Tensor, Figures]:
        """Return how wrong the critic is, in some steps with the penalty."""
        (real_scores, logits), (fake_scores, _) = judge(seen.real), judge(seen.fake)
        heard = F.cross_entropy(logits, seen.pitch)
        loss = F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()
        loss = loss + self.pitch_weight * heard
        figures = {"critic": loss, "distance": real_scores.mean() - fake_scores.mean()}
        figures |= {"real_pitch": heard}
        if seen.step % self.penalty_every == 0:
            penalty = real_penalty(self.steep_judge, seen.real)
            loss = loss + 0.5 * self.penalty_weight * self.penalty_every * penalty
            figures |= {"penalty": penalty}
        return loss, {name: value.detach() for name, value in figures.items()}


def real_penalty(judge: Judge, real: Tensor) -> Tensor:
    """Return the mean squared slope at real images (Mescheder et al., 2018, equation 9)."""
    image = real.detach().requires_grad_(True)
    (slopes,) = torch.autograd.grad(judge(image)[0].sum(), image, create_graph=True)
    return slopes.flatten(1).square().sum(dim=1).mean()


def make_lean(network: Generator | Critic, config: GansynthConfig, device: torch.device) -> None:
    """Let a network use what a GPU is good at; on a CPU nothing changes."""
    if device.type != "cuda":
        return
    torch.backends.cudnn.benchmark = True  # costs the same bits from run to run
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if config.has_bfloat16:
        network.precision = torch.bfloat16
    if config.is_compiled:
        compile_blocks(network)


def compile_blocks(network: Generator | Critic, backend: str = "inductor") -> None:
    """Compile a network's blocks, each for itself: the blend between them changes at every step.

    Parameters
    ----------
    network
        Stays as it is outside; `in_single_precision` goes around the compiled kernels.
    backend
        Of ``torch.compile``.
    """
    # All blocks share their code: each block, size and mode of use is one variant of it.
    torch._dynamo.config.recompile_limit = _MOST_VARIANTS
    for block in network.blocks:
        assert isinstance(block, nn.Module)
        block.compile(backend=backend, dynamic=False)


@contextmanager
def in_single_precision(critic: Critic) -> Iterator[None]:
    """Judge without bfloat16 and compiled kernels, which have no second derivatives."""
    before, critic.precision = critic.precision, None
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        critic.precision = before
