#!/usr/bin/env bash
# Makes the sounds that the README links to: renders five pieces and keeps the first 23 seconds of each as Opus.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH="$PWD/.venv/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prelude=presets/pieces/cello_prelude.mid

latentkeys render "$prelude" "$work/prelude.wav" --preset nylon_mist
latentkeys render "$prelude" "$work/cello.wav" --preset solo_cello
latentkeys render "$prelude" "$work/morph.wav" --morph "kalimba_rain@0:00,glass_choir@0:12,ghost_whistle@0:24"
latentkeys compose "$work/chorale.mid" --model chorale_lstm --bars 8 --seed 5
latentkeys render "$work/chorale.mid" "$work/chorale.wav" --preset cloister
latentkeys compose "$work/band.mid" --model musegan --bars 8 --seed 3
latentkeys render "$work/band.mid" "$work/band.wav" --follow-programs

python - "$work" <<'END'
import sys
from pathlib import Path

import numpy as np
import soundfile

for wav in sorted(Path(sys.argv[1]).glob("*.wav")):
    sound, rate_hz = soundfile.read(wav, frames=23 * 48_000, dtype="float32")
    fade = min(2 * rate_hz, len(sound))
    sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None] ** 2
    sound *= 0.7 / np.abs(sound).max()  # level with each other
    target = Path("docs/audio", wav.stem).with_suffix(".opus")
    soundfile.write(target, sound, rate_hz, format="OGG", subtype="OPUS", compression_level=0.925)
    print(target, target.stat().st_size)
END
