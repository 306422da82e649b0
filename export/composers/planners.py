"""Which function plans the bundle of which system.

In: a trained learner. Out: a `ComposerPlan`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from export.composers.chorale_lstm import plan_chorale_lstm
from export.composers.crnngan import plan_crnngan, plan_crnngan_simple
from export.composers.ensemble_lstm import plan_ensemble_lstm
from export.composers.musegan import plan_musegan
from export.composers.note_lstm import plan_note_lstm
from export.composers.plan import ComposerPlan
from export.composers.symbol_lstm import plan_attention, plan_stacked
from instrument.errors import SettingError
from training.trainer.system import Learner

PLANNERS: dict[str, Callable[[Any], ComposerPlan]] = {
    "note-lstm": plan_note_lstm,
    "ensemble-lstm": plan_ensemble_lstm,
    "chorale-lstm": plan_chorale_lstm,
    "attention-lstm": plan_attention,
    "stacked-lstm": plan_stacked,
    "crnngan": plan_crnngan,
    "crnngan-simple": plan_crnngan_simple,
    "musegan": plan_musegan,
}


def plan_composer(system: str, learner: Learner) -> ComposerPlan:
    """Make the plan of a system's learner.

    Raises
    ------
    SettingError
        The system is one that is only compared with others and has no host.
    """
    if system not in PLANNERS:
        raise SettingError(
            f"a run of {system} cannot be exported: nothing plays it without torch",
            f"These can: {', '.join(PLANNERS)}.",
        )
    return PLANNERS[system](learner)
