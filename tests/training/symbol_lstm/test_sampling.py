import torch

from training.symbol_lstm.sampling import choose


def _counts(temperature: float, top_p: float) -> list[float]:
    logits = torch.tensor([0.5, 0.3, 0.2]).log().expand(20_000, 3)
    drawn = choose(logits, torch.Generator().manual_seed(1), temperature, top_p)
    return (torch.bincount(drawn, minlength=3) / 20_000).tolist()


def _is_near(shares: list[float], expected: list[float]) -> bool:
    # Four standard deviations of a share of 20,000 draws are at most 0.0142.
    return all(abs(a - b) < 0.0142 for a, b in zip(shares, expected, strict=True))


def test_greedy_takes_the_likeliest() -> None:
    assert _counts(0.0, 1.0) == [1.0, 0.0, 0.0]


def test_pure_sampling_follows_the_distribution() -> None:
    assert _is_near(_counts(1.0, 1.0), [0.5, 0.3, 0.2])


def test_temperature_is_a_power_of_the_chances() -> None:
    squares = [0.25 / 0.38, 0.09 / 0.38, 0.04 / 0.38]
    assert _is_near(_counts(0.5, 1.0), squares)


def test_the_nucleus_is_the_fewest_that_reach_its_share() -> None:
    assert _is_near(_counts(1.0, 0.7), [0.625, 0.375, 0.0])
    assert _counts(1.0, 0.01) == [1.0, 0.0, 0.0]


def test_what_is_excluded_is_never_drawn() -> None:
    logits = torch.tensor([[0.0, -torch.inf, 0.0]]).expand(1000, 3)
    assert not (choose(logits, torch.Generator().manual_seed(1)) == 1).any()
