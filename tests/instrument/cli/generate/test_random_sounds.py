"""Random sounds that are left out, and how that is said."""

from __future__ import annotations

import pytest

from instrument.bundle.installed import installed_bundle
from instrument.cli.generate.random_sounds import _worth_keeping
from instrument.errors import SettingError
from instrument.latents.latent import Latent


class Picky:
    """Keeps every third sound."""

    def __init__(self) -> None:
        self.heard = 0

    def fault(self, _: Latent) -> str | None:
        self.heard += 1
        return None if self.heard % 3 == 0 else "silent"


class Never:
    """Keeps none."""

    def fault(self, _: Latent) -> str | None:
        return "out of tune"


def test_seeds_that_do_not_pass_are_named_and_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    bundle = installed_bundle("gansynth_small")
    recipes = _worth_keeping(bundle, 2, 10, 1.0, None, Picky())  # type: ignore[arg-type]
    assert [recipe.seed for recipe in recipes] == [12, 15]
    assert all(recipe.sharpness == 2.0 for recipe in recipes)
    assert "Left out: 11, silent" in capfd.readouterr().err


def test_where_nothing_is_worth_keeping_it_ends() -> None:
    bundle = installed_bundle("gansynth_small")
    with pytest.raises(SettingError, match="of 203 sounds only 0 are worth keeping"):
        _worth_keeping(bundle, 3, 0, 1.0, 0.0, Never())  # type: ignore[arg-type]
