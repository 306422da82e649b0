"""Bundles are checked before they are played; whatever is wrong is named."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from instrument.bundle import installed as bundles
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.installed import find_bundle
from instrument.bundle.reference import ModelReference
from instrument.errors import BundleError, PresetError, SettingError
from tests.helpers.models.forged_bundle import edit_card, relist
from tests.helpers.models.tiny_model import tiny_bundle

REFUSED = r"whole\.onnx: (it is no ONNX graph|onnxruntime refuses it)"
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle(), tmp_path / "tiny"))


def test_a_good_bundle_opens_with_the_weights_as_its_identity(folder: Path) -> None:
    bundle = Bundle.load(folder)
    weights = (folder / "weights.bin").read_bytes()
    assert bundle.weights_sha256 == hashlib.sha256(weights).hexdigest()
    assert bundle.sha256 == hashlib.sha256((folder / "card.json").read_bytes()).hexdigest()
    assert bundle.reference == ModelReference("tiny", "1", bundle.weights_sha256)
    session = bundle.open_graph("step_8", Runtime(device="cpu"))
    assert session.provider == "cpu"
    assert session.inputs["latent"] == ("tensor(float)", (8, 6))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda c: c.update(format=2), "has format 2, this version reads up to 1"),
        (lambda c: c.update(format="1"), "format must be in 1.."),
        (lambda c: c.pop("kind"), "kind is missing"),
        (lambda c: c.update(latent_sise=6), "latent_sise is not a known key\nDid you mean"),
        (lambda c: c.update(latent_size=7), "prior.mean must have 7 numbers (latent_size), got 6"),
        (lambda c: c["latents"]["Choir"]["latent"].pop(), "latents.Choir must have 6 numbers"),
        (lambda c: c.update(pitch_range=[108, 21]), "pitch_range must be [lowest, highest]"),
        (lambda c: c.update(pitch_range=[21]), "pitch_range must be [lowest, highest]"),
        (lambda c: c.update(sample_rate_hz=1), "sample_rate_hz must be in 8000..192000 Hz"),
        (lambda c: c["self_test"][0]["frames"].pop(), "needs one value per frame"),
        (lambda c: c["self_test"][0].update(tolerance=1), "tolerance must be in"),
        (lambda c: c["graphs"]["whole"].update(file="../whole.onnx"), "must be a plain file name"),
        (lambda c: c["graphs"]["whole"].update(file="/etc/passwd"), "must be a plain file name"),
        (lambda c: c["graphs"]["whole"].update(file="other.onnx"), "does not list 'other.onnx'"),
        (lambda c: c["files"].update({"../x": c["files"]["LICENSE"]}), "'../x' must be a plain"),
        (lambda c: c["files"].update({"no.txt": c["files"]["LICENSE"]}), "no.txt: is missing"),
        (lambda c: c["files"]["LICENSE"].update(sha256="zz"), "must be 64 hexadecimal digits"),
        (lambda c: c["files"]["LICENSE"].update(sha256="0" * 64), "damaged or swapped"),
        (lambda c: c.update(weights="none.bin"), "does not list 'none.bin'"),
        (lambda c: c.update(name="../tiny"), "name must be a folder name"),
    ],
)
def test_a_wrong_card_names_its_field(folder: Path, edit: Edit, said: str) -> None:
    edit_card(folder, edit)
    with pytest.raises(BundleError) as refused:
        Bundle.load(folder)
    assert str(refused.value).startswith('bundle "tiny", ')
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": NaN}', b"[" * 10**5, b"3"]
)
def test_a_card_that_is_no_card_is_refused(folder: Path, content: bytes) -> None:
    (folder / "card.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"card\.json: "):
        Bundle.load(folder)


def test_a_huge_card_is_refused_without_being_read_whole(folder: Path) -> None:
    with (folder / "card.json").open("wb") as file:
        file.truncate(5 * 2**30)  # sparse
    with pytest.raises(BundleError, match="larger than 2048 KiB"):
        Bundle.load(folder)


def test_a_truncated_file_names_both_sizes(folder: Path) -> None:
    content = (folder / "weights.bin").read_bytes()
    (folder / "weights.bin").write_bytes(content[:-1])
    with pytest.raises(
        BundleError, match=f"must have {len(content)} bytes, has {len(content) - 1}"
    ):
        Bundle.load(folder)


@pytest.mark.parametrize("name", ["weights.bin", "whole.onnx", "LICENSE", "sample.wav"])
def test_one_flipped_bit_is_found_in_any_file(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name}: sha256 must be"):
        Bundle.load(folder)


def test_a_file_that_changes_after_loading_is_found_when_it_is_opened(folder: Path) -> None:
    bundle = Bundle.load(folder)
    content = (folder / "whole.onnx").read_bytes()
    (folder / "whole.onnx").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BundleError, match="damaged or swapped"):
        bundle.open_graph("whole", Runtime(device="cpu"))


@pytest.mark.parametrize("name", ["card.json", "weights.bin", "attack.onnx"])
def test_a_link_is_refused_even_if_it_leads_to_the_right_bytes(folder: Path, name: str) -> None:
    moved = folder.parent / name
    (folder / name).rename(moved)
    (folder / name).symlink_to(moved)
    with pytest.raises(BundleError, match=f"{name}: is a link"):
        Bundle.load(folder)


def test_a_swapped_graph_differs_from_its_card(folder: Path) -> None:
    shutil.copy(folder / "attack.onnx", folder / "whole.onnx")
    relist(folder, "whole.onnx")
    bundle = Bundle.load(folder)
    with pytest.raises(BundleError, match=r"whole\.onnx: input noise must be float32 \[1, 401, 2"):
        bundle.open_graph("whole", Runtime(device="cpu"))


def test_a_graph_with_other_names_differs_from_its_card(folder: Path) -> None:
    shutil.copy(folder / "step_8.onnx", folder / "whole.onnx")
    relist(folder, "whole.onnx")
    with pytest.raises(BundleError, match=r"inputs differ from the card: .*beats_in"):
        Bundle.load(folder).open_graph("whole", Runtime(device="cpu"))


@pytest.mark.parametrize("content", [b"", b"not onnx", b"\x08\x0a" * 1000])
def test_a_file_that_is_no_graph_is_refused_in_words(folder: Path, content: bytes) -> None:
    (folder / "whole.onnx").write_bytes(content)
    relist(folder, "whole.onnx")
    with pytest.raises(BundleError, match=REFUSED):
        Bundle.load(folder).open_graph("whole", Runtime(device="cpu"))


@pytest.mark.parametrize("location", ["../secret.bin", "{tmp}/secret.bin", "LICENSE", "x/../../s"])
def test_a_graph_cannot_reach_any_other_file(folder: Path, location: str) -> None:
    weights = (folder / "weights.bin").read_bytes()
    (folder.parent / "secret.bin").write_bytes(weights)
    model = onnx.load(folder / "whole.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location.format(tmp=folder.parent)
    (folder / "whole.onnx").write_bytes(model.SerializeToString())
    relist(folder, "whole.onnx")
    with pytest.raises(BundleError, match=REFUSED):
        Bundle.load(folder).open_graph("whole", Runtime(device="cpu"))


def test_a_missing_graph_names_those_there_are(folder: Path) -> None:
    with pytest.raises(BundleError, match=r'no graph "step_16" \(it has: attack, step_8, whole\)'):
        Bundle.load(folder).open_graph("step_16", Runtime(device="cpu"))


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a folder"):
        Bundle.load(tmp_path / "nothing")


def test_cuda_is_never_quietly_the_cpu() -> None:
    with pytest.raises(SettingError, match="CUDA was asked for"):
        Runtime(device="cuda")


@pytest.fixture
def model_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    folders = {name: tmp_path / name for name in ("beside", "user", "shipped")}
    monkeypatch.setattr(bundles, "user_models_folder", lambda: folders["user"])
    monkeypatch.setattr(bundles, "shipped_models_folder", lambda: folders["shipped"])
    return {**folders, "beside": tmp_path / "beside" / "models"}


def test_a_model_is_looked_for_beside_the_preset_then_at_the_users(
    model_folders: dict[str, Path], tmp_path: Path
) -> None:
    reference = Bundle.load(tiny_bundle()).reference
    preset = tmp_path / "beside" / "glass.toml"
    for place in ("shipped", "user", "beside"):
        shutil.copytree(tiny_bundle(), model_folders[place] / "tiny")
        assert find_bundle(reference, preset).path == model_folders[place] / "tiny"
    assert find_bundle(reference).path == model_folders["user"] / "tiny"


def test_a_missing_model_gets_the_nearest_or_the_place_to_put_it(
    model_folders: dict[str, Path], tmp_path: Path
) -> None:
    reference = ModelReference("tinny", "1", "0" * 64)
    with pytest.raises(PresetError, match=r"there is no model 'tinny'\nPut its folder into"):
        find_bundle(reference, tmp_path / "glass.toml")
    shutil.copytree(tiny_bundle(), model_folders["user"] / "tiny")
    with pytest.raises(PresetError, match="Did you mean 'tiny'"):
        find_bundle(reference, tmp_path / "glass.toml")


def test_another_version_of_a_model_is_not_played_by_mistake(
    model_folders: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(tiny_bundle(), model_folders["user"] / "tiny")
    with pytest.raises(PresetError, match=r"was made for tiny 7 \(00000000\), installed is 1"):
        find_bundle(ModelReference("tiny", "7", "0" * 64), tmp_path / "glass.toml")
