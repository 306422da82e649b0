"""The panel's ear in a real Chromium: from a key to the sample in the page, and what is lost.

An analyser behind the ear's worklet is looked at in the page, every 4 ms as browsers have it;
a key's time is that of its event there. What a sound card and its driver add is not in it.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from instrument.bench.harness import Goal, Row

KEYS = 40
LISTENS_SECONDS = 60.0
_OPEN = """async () => {
  const { Ear } = await import('/ear.js');
  const { panel } = await import('/connection.js');
  const ear = window.ear = new Ear();
  await ear.toggle();
  const analyser = new AnalyserNode(ear.context, { fftSize: 128 });
  ear.node.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const loudest = () => {
    analyser.getFloatTimeDomainData(samples);
    return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  };
  const breathe = () => new Promise((go) => setTimeout(go, 1));
  const until = async (isSo) => {
    const ends = performance.now() + 5000;
    while (!isSo() && performance.now() < ends) await breathe();
    return performance.now();
  };
  window.quiet = () => until(() => loudest() < 1e-5);
  window.listen = () => { window.answer = new Promise((tell) => window.addEventListener(
    'keydown', async ({ timeStamp }) => tell(await until(() => loudest() > 1e-4) - timeStamp),
    { capture: true, once: true })); };
  window.told = () => panel.last.Ear;
}"""


def ear_rows(page: Any) -> list[Row]:
    """Press keys and wait for them in the worklet; then listen to a held one for a minute.

    Parameters
    ----------
    page
        A playwright page of the panel; it is closed.
    """
    page.evaluate(_OPEN)
    page.keyboard.press("a")
    time.sleep(1.0)
    delays = [_delay(page) for _ in range(KEYS)]
    before = int(page.evaluate("() => told().gaps"))
    page.keyboard.down("a")
    time.sleep(LISTENS_SECONDS)
    page.keyboard.up("a")
    gaps = int(page.evaluate("() => told().gaps")) - before
    frames = page.evaluate("() => Math.round(told().target_ms * ear.context.sampleRate / 1000)")
    page.close()
    note = f"with a buffer of {frames} frames in the end; what a sound card adds is not in it"
    return [
        Row("ear: key to sample in the page, median", "ms", float(np.median(delays)), note=note),
        Row("ear: key to sample in the page, p99", "ms", float(np.percentile(delays, 99))),
        Row(f"ear: gaps in {LISTENS_SECONDS:g} s", "", gaps, goal=Goal(0, is_ratio=False)),
    ]


def _delay(page: Any) -> float:
    """Press a key; return the milliseconds until it is heard."""
    page.evaluate("() => quiet()")
    page.evaluate("() => listen()")
    page.keyboard.down("a")
    took = float(page.evaluate("() => answer"))
    page.keyboard.up("a")
    return took
