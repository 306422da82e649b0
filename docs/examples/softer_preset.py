"""Make a softer preset of another one: a slow attack, a long release, a darker filter.

python softer_preset.py tine_lantern && latentkeys play --preset softer_tine_lantern.toml
"""

import argparse
from dataclasses import replace

from instrument import load_preset, save_preset

parser = argparse.ArgumentParser(description="Make a softer preset of another one.")
parser.add_argument("preset", nargs="?", default="tine_lantern", help="a name or a .toml file")
parser.add_argument("--attack", type=float, default=0.3, help="seconds")
parser.add_argument("--release", type=float, default=2.0, help="seconds")
parser.add_argument("--cutoff", type=float, default=1_500.0, help="Hz at middle C")
options = parser.parse_args()

preset = load_preset(options.preset)
softer = replace(
    preset,
    name=f"Softer {preset.name}",
    program=None,  # program changes go on choosing the first one
    envelope=replace(
        preset.envelope, attack_seconds=options.attack, release_seconds=options.release
    ),
    filter=replace(preset.filter, cutoff_hz=options.cutoff),
)
path = f"softer_{options.preset.removesuffix('.toml')}.toml"
save_preset(softer, path)
print(f"{path}: {softer.name}")
