"""GANSynth's losses, against values worked out by hand for a critic that is a straight line."""

import math

import pytest
import torch
from torch import Tensor

from training.gansynth.lean import LeanRules, real_penalty
from training.gansynth.losses import CriticInputs, Judge, PaperRules
from training.gansynth.tones import Normalizer
from training.musegan.critic import gradient_penalty

PITCHES, SHAPE = 3, (4, 2, 2, 5)
TILT = torch.tensor([0.3, -0.2])[:, None, None].expand(SHAPE[1:])


def line(seen: list[Tensor] | None = None, normalizer: Normalizer | None = None) -> Judge:
    """Score by a dot product with `TILT`; hear pitch 0 with odds of e to 1 to 1."""

    def judge(image: Tensor) -> tuple[Tensor, Tensor]:
        if seen is not None:
            seen.append(image)
        own = normalizer.normalise(image) if normalizer else image
        logits = torch.tensor([1.0, 0.0, 0.0]).expand(len(image), PITCHES)
        return (own * TILT).sum(dim=(1, 2, 3)), logits + 0.0 * own.sum()

    return judge


def images(seed: int) -> Tensor:
    return 0.5 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def seen(step: int = 0) -> CriticInputs:
    share = torch.tensor([0.0, 0.3, 0.6, 1.0])
    return CriticInputs(images(0), torch.tensor([0, 0, 1, 2]), images(1), share, step)


HEARD_FIRST = math.log(math.e + 2.0) - 1.0
HEARD_OTHER = math.log(math.e + 2.0)
TILT_NORM = math.sqrt(10 * (0.3**2 + 0.2**2))


def test_the_papers_generator_wants_a_high_score_and_its_pitch_to_be_heard() -> None:
    fake = images(1)
    loss, _ = PaperRules(10.0, 10.0, 0.001).generator_loss(line(), fake, torch.tensor([0] * 4))
    score = (fake * TILT).sum() / 4
    assert float(loss) == pytest.approx(float(-score) + 10.0 * HEARD_FIRST, rel=1e-5)


def test_the_papers_critic_adds_distance_penalty_drift_and_real_pitches() -> None:
    at = seen()
    loss, figures = PaperRules(10.0, 10.0, 0.001).critic_loss(line(), at)
    real, fake = ((image * TILT).sum(dim=(1, 2, 3)) for image in (at.real, at.fake))
    heard = 0.5 * HEARD_FIRST + 0.5 * HEARD_OTHER
    penalty = (TILT_NORM - 1.0) ** 2
    expected = fake.mean() - real.mean() + 0.001 * real.square().mean()
    assert float(loss) == pytest.approx(float(expected) + 10.0 * (penalty + heard), rel=1e-5)
    assert float(figures["penalty"]) == pytest.approx(penalty, rel=1e-5)
    assert float(figures["real_pitch"]) == pytest.approx(heard, rel=1e-5)


def test_the_penalty_is_taken_in_the_images_own_units() -> None:
    normalizer = Normalizer()
    judge = line(normalizer=normalizer)
    penalty = gradient_penalty(
        lambda x: judge(x)[0], 0.2 * images(0), 0.2 * images(1), torch.rand(4)
    )
    scaled = 10 * ((0.3 * normalizer.level_scale) ** 2 + (0.2 * normalizer.turn_scale) ** 2)
    assert float(penalty) == pytest.approx((math.sqrt(scaled) - 1.0) ** 2, rel=1e-5)


def test_the_penalty_is_two_sided_and_each_example_has_its_own_place() -> None:
    between: list[Tensor] = []
    judge, at = line(between), seen()
    slope_of_two = gradient_penalty(lambda x: 2.0 * judge(x)[0], at.real, at.fake, at.share)
    assert float(slope_of_two) == pytest.approx((2.0 * TILT_NORM - 1.0) ** 2, rel=1e-5)
    torch.testing.assert_close(between[0][0], at.fake[0])
    torch.testing.assert_close(between[0][1], 0.3 * at.real[1] + 0.7 * at.fake[1])
    torch.testing.assert_close(between[0][3], at.real[3])


def test_a_flat_critic_is_punished_without_losing_its_gradient() -> None:
    tilt = torch.zeros(SHAPE[1:], requires_grad=True)
    penalty = gradient_penalty(
        lambda x: (x * tilt).sum(dim=(1, 2, 3)), images(0), images(1), torch.rand(4)
    )
    torch.autograd.backward(penalty)
    assert float(penalty.detach()) == 1.0
    assert tilt.grad is not None
    assert torch.isfinite(tilt.grad).all()


def test_the_lean_game_is_logistic() -> None:
    at = seen(step=1)
    rules = LeanRules(10.0, 4.0, 2, steep_judge=line())
    loss, figures = rules.critic_loss(line(), at)
    real, fake = ((image * TILT).sum(dim=(1, 2, 3)) for image in (at.real, at.fake))
    wrong = torch.log1p((-real).exp()).mean() + torch.log1p(fake.exp()).mean()
    heard = 0.5 * HEARD_FIRST + 0.5 * HEARD_OTHER
    assert float(loss) == pytest.approx(float(wrong) + 10.0 * heard, rel=1e-5)
    assert "penalty" not in figures
    made, _ = rules.generator_loss(line(), at.fake, torch.tensor([0] * 4))
    expected = torch.log1p((-fake).exp()).mean() + 10.0 * HEARD_FIRST
    assert float(made) == pytest.approx(float(expected), rel=1e-5)


def test_the_lean_penalty_comes_every_so_often_and_counts_for_all_steps_between() -> None:
    rules = LeanRules(10.0, 4.0, 16, steep_judge=line())
    with_penalty, figures = rules.critic_loss(line(), seen(step=16))
    without, _ = rules.critic_loss(line(), seen(step=17))
    assert float(figures["penalty"]) == pytest.approx(TILT_NORM**2, rel=1e-5)
    assert float(with_penalty - without) == pytest.approx(0.5 * 4.0 * 16 * TILT_NORM**2, rel=1e-4)


def test_the_lean_penalty_is_the_mean_squared_slope_at_real_images() -> None:
    def bent(image: Tensor) -> tuple[Tensor, Tensor]:
        return 0.5 * image.square().sum(dim=(1, 2, 3)), torch.zeros(len(image), PITCHES)

    real = images(2)
    expected = real.square().sum(dim=(1, 2, 3)).mean()
    assert float(real_penalty(bent, real).detach()) == pytest.approx(float(expected), rel=1e-5)
