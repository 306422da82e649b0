"""Magenta's own checkpoint, from its files to an instrument that is played on a JACK server."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from instrument.latents.create_preset import PresetRequest, check_preset, new_preset
from instrument.midi.messages import note_off, note_on
from instrument.preset.preset import find_preset
from instrument.realtime.memory.constants import LOUD, PITCH_COUNT
from tests.helpers.live.jack_server import RATE_HZ, Probe, running_jack
from tests.helpers.live.patience import wait_for
from tests.helpers.live.play import played
from tests.helpers.models.tiny_gansynth import tiny_gansynth

pytestmark = pytest.mark.serial

BLOCK_FRAMES = 256
PITCHES = (0, 23, 24, 60, 84, 85, 108, 127)  # the model has 24 to 84


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        models = Path(os.environ["XDG_DATA_HOME"]) / "latentkeys" / "models"
        shutil.copytree(tiny_gansynth(), models / "tiny")
        new_preset("Glass", PresetRequest(seed=1), model="tiny")
        yield


@pytest.mark.timeout(240)
def test_an_imported_checkpoint_is_played_on_every_key_and_in_time() -> None:
    preset, bundle = check_preset(find_preset("glass"))
    assert len(preset.sound.latent) == bundle.sound.latent_size == 256
    with (
        running_jack(BLOCK_FRAMES, name="imported") as server,
        played("--preset", "glass", server=server) as instrument,
    ):
        slots = instrument.state.slots
        bank = int(instrument.state.channels[0]["bank"])
        began = time.monotonic()
        wait_for(lambda: (slots[bank, LOUD]["frames_ready"] > 0).sum() >= 61, "attacks", 60.0)
        # Nobody waits for whole notes: struck now, all keys sound at once.
        probe = Probe(server)
        probe.listen_to()
        apart = RATE_HZ // 2
        keys = [(4096 + index * apart, pitch) for index, pitch in enumerate(PITCHES)]
        events = [(at, note_on(pitch, 100)) for at, pitch in keys]
        events += [(at + apart // 2, note_off(pitch)) for at, pitch in keys]
        heard = probe.play(events, (len(PITCHES) + 1) * apart)[:, 0]
        wait_for(
            lambda: (
                (slots[bank, LOUD]["frames_ready"] == slots[bank, LOUD]["frames_whole"]).sum()
                == PITCH_COUNT
            ),
            f"whole notes {time.monotonic() - began:.1f} s after the start",
            90.0,
        )
        assert int(instrument.state.meters["invalid_samples"]) == 0
        probe.close()
        said = instrument.end()
    assert "Traceback" not in said
    assert np.isfinite(heard).all()
    for at, pitch in keys:
        struck = at + BLOCK_FRAMES  # JACK's loop
        onset = np.flatnonzero(np.abs(heard[struck - 480 :]) > 0.01)[0] - 480
        assert 0 <= onset < 0.006 * RATE_HZ, f"pitch {pitch} begins {onset} frames late"
        sound = heard[struck : struck + apart // 2]
        assert 0.01 < np.sqrt(np.mean(sound**2)) < 0.3, f"pitch {pitch}"
