"""The graphs of the chorale LSTM: the frames' memory, and the next move of one voice."""

from __future__ import annotations

import torch

from export.bundle.graph_plan import GraphPlan
from export.composers.plan import ComposerPlan
from instrument.composers.chorale_lstm.features import (
    FRAME_FEATURES,
    RELATION_SIZES,
    VOICE_FEATURES,
)
from instrument.composers.chorale_lstm.state import FRAMES_PER_BEAT, LARGEST_LEAP
from instrument.music.chorale_frames import VOICES
from training.chorale_lstm.system import ChoraleLearner


def plan_chorale_lstm(learner: ChoraleLearner) -> ComposerPlan:
    """Plan the two graphs."""
    advance, place = learner.step_modules()
    hidden, cell = advance.network.initial_state(1)
    with torch.no_grad():
        context, _, _ = advance(torch.zeros(1, FRAME_FEATURES), hidden, cell)
    memory = ("layers", "batch", "units")
    hearing = GraphPlan(
        advance,
        {"frame": torch.zeros(1, FRAME_FEATURES), "hidden_in": hidden, "cell_in": cell},
        {"frame": ("batch", "features"), "hidden_in": memory, "cell_in": memory},
        {"context": ("batch", "width"), "hidden_out": memory, "cell_out": memory},
        {"frame": (0.0, 1.0)},
    )
    leaps = 2 * LARGEST_LEAP + 1
    placing = GraphPlan(
        place,
        {
            "context": torch.zeros_like(context),
            "voice": torch.zeros(1, VOICE_FEATURES),
            "relations": torch.zeros(1, len(RELATION_SIZES), leaps, dtype=torch.int64),
        },
        {
            "context": ("batch", "width"),
            "voice": ("batch", "features"),
            "relations": ("batch", "relations", "leaps"),
        },
        {"logits": ("batch", "moves")},
        {"voice": (0.0, 1.0), "relations": (0, min(RELATION_SIZES) - 1)},
        ("logits",),
    )
    return ComposerPlan(
        kind="chorale_lstm",
        description="The chorale LSTM: soprano, bass, alto and tenor, sixteenth by sixteenth.",
        networks=(advance.network,),
        graphs={"advance": hearing, "place": placing},
        pitch_range=(0, 127),
        steps_per_beat=FRAMES_PER_BEAT,
        voices=VOICES,
        conditions=("key", "register", "melody"),
    )
