"""A comparison as a whole: its numbers, that a stopped run resumes, and wrong input."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from tests.compare.spaces.conftest import TINY
from tests.helpers import save_image

from subpixel.backends import BACKENDS
from subpixel.compare.spaces import compare_spaces, design_of, designs_of, steps_of
from subpixel.compare.spaces.folder import Trainings
from subpixel.compare.spaces.images import load_images, made_images, margin_of
from subpixel.compare.training_folder import TrainingJob
from subpixel.errors import InvalidArgument
from subpixel.image import read
from subpixel.metrics.protocol import luma_255, shrink
from subpixel.metrics.quality import psnr
from subpixel.storage.locks import claim


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the finished folder, to be changed."""
    return shutil.copytree(finished, tmp_path / "copy")


def trainings_in(folder):
    return {path: path.read_bytes() for path in sorted((folder / "trainings").iterdir())}


def without_times(document):
    if isinstance(document, dict):
        left = ("milliseconds", "training_seconds", "minutes", "layer_times", "threads")
        return {key: without_times(value) for key, value in document.items() if key not in left}
    return [without_times(one) for one in document] if isinstance(document, list) else document


def test_the_files_hold_the_results(finished, results):
    document = json.loads((finished / "spaces.json").read_text())
    assert [(one["family"], one["budget"]) for one in document["networks"]] == [
        ("lr", "small"),
        ("hr-macs", "small"),
        ("hr-wide", "small"),
        ("hr-parameters", "small"),
    ]
    assert document["seeds"] == [0, 1]
    assert document["steps"] == 8
    assert document["conversion"]["restored"] is True
    assert max(document["conversion"]["differences"].values()) <= 1e-5
    assert [one["macs"] for one in document["paper_layers"]] == [2304, 2304]
    assert {tuple(one["size"]) for one in document["layer_times"]} == set(TINY["sizes"])
    rows = list(csv.DictReader((finished / "spaces.csv").read_text().splitlines()))
    assert [float(row["psnr_mean"]) for row in rows] == [one.psnr.mean for one in results.networks]
    assert {"milliseconds_24x36", "milliseconds_48x60"} <= set(rows[0])
    text = (finished / "spaces.md").read_text()
    assert "HR space, equal parameters, small" in text
    assert "2,304" in text
    for path in results.pictures.values():
        assert path.parent == finished
        assert min(read(path).pixels.shape[:2]) > 200


def test_psnr_is_that_of_the_protocol(finished, photographs, results):
    held_out = [read(photographs / name).pixels for name in ("00.png", "10.png")]
    design = design_of("lr", "small", 2)
    means = []
    for seed in (0, 1):
        model = Trainings(finished, {}).model(TrainingJob("lr", "small", seed))
        assert model.spec == design.spec
        session = BACKENDS["reference"].prepare(model.spec, model.weights, "f32", 1)
        scores = []
        for pixels in held_out:
            small, large = shrink(pixels, 2)
            y = session((luma_255(small) / 255).astype(np.float32)[None])[0].astype(np.float64) * 255
            scores.append(psnr(np.clip(np.floor(y + 0.5), 0, 255), luma_255(large), data_range=255, crop=2))
        means.append(np.mean(scores))
    one = results["lr", "small"]
    assert one.by_seed == pytest.approx(means, abs=1e-3)
    assert one.psnr.mean == pytest.approx(np.mean(means), abs=1e-3)
    assert one.gain.mean == pytest.approx(one.psnr.mean - results.bicubic)
    assert one.psnr.low <= one.psnr.mean <= one.psnr.high
    pairing = results.pairing("hr-macs", "small")
    assert pairing.difference.mean == pytest.approx(one.psnr.mean - results["hr-macs", "small"].psnr.mean)


@pytest.mark.parametrize("threads", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_same_seed_gives_the_same_numbers_with_any_threads(finished, photographs, tmp_path, threads):
    again = compare_spaces(tmp_path, photographs, threads=threads, **TINY)
    before = json.loads((finished / "spaces.json").read_text())
    assert without_times(before) == again.to_dict(times=False)
    for path, content in trainings_in(tmp_path).items():
        if path.suffix == ".safetensors":
            assert content == (finished / "trainings" / path.name).read_bytes()


def test_a_stopped_run_trains_only_what_is_missing(copy, photographs):
    before, said = trainings_in(copy), []
    (copy / "trainings" / "small-hr-wide-1.json").unlink()
    (copy / "spaces.json").unlink()
    results = compare_spaces(copy, photographs, threads=1, progress=said.append, **TINY)
    assert {one.job.name for one in said} == {"small-hr-wide-1"}
    assert str(said[-1]).startswith("8 of 8 trainings done; HR space, equal multiply-adds, wide kernels, small, seed 1")
    after = trainings_in(copy)
    assert before.keys() == after.keys()
    for path, content in before.items():
        if "seconds" not in content.decode("latin1"):
            assert after[path] == content
    assert results.seeds == (0, 1)


def test_an_interrupted_run_keeps_what_is_finished(photographs, tmp_path, finished):
    def stop(progress):
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_spaces(tmp_path, photographs, threads=1, progress=stop, **TINY)
    kept = sorted(path.name for path in trainings_in(tmp_path))
    whole = ["small-hr-macs-0", "small-hr-wide-0", "small-lr-0"]
    assert kept == [f"{name}{suffix}" for name in whole for suffix in (".json", ".safetensors")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["settings.json", "trainings"]
    for name in whole:
        path = f"trainings/{name}.safetensors"
        assert (tmp_path / path).read_bytes() == (finished / path).read_bytes()


def test_two_runs_in_one_folder_are_one_sentence(copy, photographs):
    with (
        claim(copy / "spaces.json"),
        pytest.raises(InvalidArgument, match=r"another process is working in this folder"),
    ):
        compare_spaces(copy, photographs, threads=1, **TINY)


@pytest.mark.parametrize(("name", "value", "said"), [("steps", 9, "steps: 8, now 9"), ("scale", 3, "scale: 2, now 3")])
def test_other_settings_are_one_sentence_and_change_nothing(copy, photographs, name, value, said):
    before = trainings_in(copy)
    with pytest.raises(InvalidArgument, match=rf"holds trainings with other settings \({said}\); name another folder"):
        compare_spaces(copy, photographs, threads=1, **{**TINY, "sizes": ((24, 36),), name: value})
    assert trainings_in(copy) == before


@pytest.mark.parametrize("content", ["{", "[]", '{"settings": 1}', ""])
def test_a_damaged_training_is_one_sentence(copy, photographs, content):
    path = copy / "trainings" / "small-lr-0.json"
    path.write_text(content)
    with pytest.raises(InvalidArgument, match=r"small-lr-0.json: (is damaged|belongs to other settings)"):
        compare_spaces(copy, photographs, threads=1, **TINY)
    assert path.read_text() == content


def test_every_network_sees_the_same_patches(monkeypatch, photographs):
    from subpixel.compare.spaces.training import train_network
    from subpixel.train.state import State

    images, seen = load_images(photographs, 2), []
    loss = State.loss
    monkeypatch.setattr(
        State, "loss", lambda self, small, large: seen.append((small, large)) or loss(self, small, large)
    )
    for family in ("lr", "hr-wide"):
        train_network(design_of(family, "small", 2), images, steps=8, seed=3)
    assert len(seen) == 16
    for ours, theirs in zip(seen[:8], seen[8:], strict=True):
        assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))
    assert seen[0][1].shape[-1] == 2 * (seen[0][0].shape[-1] - 2 * margin_of(2))


def test_training_improves_on_where_it_began(photographs):
    from subpixel.compare.spaces.training import train_network

    images = load_images(photographs, 2)
    for family in ("lr", "hr-macs"):
        curve = train_network(design_of(family, "small", 2), images, steps=64, seed=0).curve
        assert [step for step, _, _ in curve] == [8, 16, 24, 32, 40, 48, 56, 64]
        assert curve[-1][1] < curve[0][1]
        assert curve[-1][2] > curve[0][2]


def test_steps_follow_from_the_minutes_alone():
    designs = designs_of(2)
    assert steps_of(12, designs, 3) == 12 * steps_of(1, designs, 3) or steps_of(12, designs, 3) > 500
    assert steps_of(12, designs, 6) == steps_of(6, designs, 3)
    assert steps_of(12, designs_of(3), 3) < steps_of(12, designs, 3)
    for minutes in (0, -1, float("nan"), float("inf"), True, "9"):
        with pytest.raises(InvalidArgument, match="a positive number is needed"):
            steps_of(minutes, designs, 3)
    with pytest.raises(InvalidArgument, match=r"^minutes=0.001: 3 seeds at ×2 need at least 0\.\d+ minutes$"):
        steps_of(0.001, designs, 3)


def test_synthetic_images_are_made_from_the_seed():
    one, same, other = made_images(1, 10, 64), made_images(1, 10, 64), made_images(2, 10, 64)
    assert one.digest == same.digest != other.digest
    assert (len(one.training), len(one.test)) == (9, 1)
    assert "synthetic" in one.about


def test_every_tenth_image_is_held_out(photographs):
    images = load_images(photographs, 2)
    assert images.names == ("00.png", "10.png")
    assert (len(images.training), len(images.test)) == (10, 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"scale": 5}, r"^scale=5: 2, 3 or 4 is needed"),
        ({"seeds": 1}, r"^seeds=1: an integer of at least 2 is needed$"),
        ({"seeds": 2.0}, r"^seeds=2.0: an integer"),
        ({"seed": -1}, r"^seed=-1: an integer of at least 0 is needed$"),
        ({"threads": 0}, r"^threads=0: at least 1 is needed$"),
        ({"steps": 7}, r"^steps=7: at least 8 are needed$"),
        ({"minutes": 0}, r"^minutes=0: a positive number is needed$"),
    ],
)
def test_wrong_arguments_are_one_sentence_and_make_no_folder(tmp_path, photographs, arguments, said):
    with pytest.raises(InvalidArgument, match=said):
        compare_spaces(tmp_path / "new", photographs, **arguments)
    assert not (tmp_path / "new").exists()


def test_folders_that_do_not_do_are_one_sentence(tmp_path):
    pixels = made_images(0, 10, 64).test[0]
    few, small = tmp_path / "few", tmp_path / "small"
    for folder, count, image in ((few, 5, pixels), (small, 12, pixels[:60])):
        folder.mkdir()
        for number in range(count):
            save_image(folder / f"{number}.png", image)
    with pytest.raises(InvalidArgument, match=r"missing: no such folder$"):
        compare_spaces(tmp_path / "new", tmp_path / "missing")
    with pytest.raises(InvalidArgument, match=r"few: has 5 images; at least 10 of 64×64 pixels are needed at ×2"):
        compare_spaces(tmp_path / "new", few)
    with pytest.raises(InvalidArgument, match=r"small: has 12 images, 12 of which are smaller than 64×64 pixels; at"):
        compare_spaces(tmp_path / "new", small)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("package", "extra"), [("torch", "train"), ("matplotlib", "compare")])
def test_a_missing_package_names_the_extra(tmp_path, package, extra):
    code = f"""
import sys
sys.modules["{package}"] = None
from subpixel.compare.spaces import compare_spaces
from subpixel.errors import MissingExtra
try:
    compare_spaces({str(tmp_path / "new")!r})
except MissingExtra as error:
    assert "pip install 'subpixel[{extra}]'" in str(error), error
else:
    raise SystemExit("no error")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
