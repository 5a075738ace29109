"""The user's own images and masks: what is read, and a sentence for everything that does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyvips

from subpixel.compare.decoder import own_images as module
from subpixel.compare.decoder.own_images import own_images, photograph_scenes
from subpixel.errors import ImageReadError, InvalidArgument


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyvips.Image.new_from_array(pixels).write_to_file(str(path))
    return path


@pytest.fixture
def pairs(tmp_path: Path, rng: np.random.Generator) -> tuple[Path, Path]:
    """Folders of six images with masks: a bright disc of value 7 on a dark ground of value 2."""
    y, x = np.mgrid[:80, :96]
    for number in range(6):
        disc = (x - 48 - 4 * number) ** 2 + (y - 40) ** 2 < 400
        image = np.where(disc[..., None], 200, 40) + rng.integers(-20, 20, (80, 96, 3))
        save(tmp_path / "images" / f"one{number}.png", image.astype(np.uint8))
        save(tmp_path / "masks" / f"one{number}.png", np.where(disc, 7, 2).astype(np.uint8))
    return tmp_path / "images", tmp_path / "masks"


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("TRAINING", 10), ("VALIDATION", 3), ("TEST", 8)):
        monkeypatch.setattr(module, name, count)


def test_masks_become_classes_and_stay_with_their_images(
    pairs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    task = own_images(*pairs)
    assert task.classes == ("2", "7")
    data = task.dataset(0)
    assert [len(part.images) for part in (data.training, data.validation, data.test)] == [10, 3, 4]
    for part in (data.training, data.validation, data.test):
        assert part.images.shape[1:] == (64, 64, 3)
        assert (part.images[..., 0][part.masks == 1] > 150).all()
        assert (part.images[..., 0][part.masks == 0] < 90).all()
    assert data.test.sources.tolist() == [0, 0, 0, 0]
    np.testing.assert_array_equal(data.test.images, own_images(*pairs).dataset(0).test.images)


def test_seeds_split_the_images_differently(pairs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    task = own_images(*pairs)
    tested = {task.dataset(seed).test.images.tobytes() for seed in range(6)}
    assert len(tested) > 1


def test_colours_and_palettes_are_classes(pairs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    images, masks = pairs
    for number, path in enumerate(sorted(masks.iterdir())):
        gray = pyvips.Image.new_from_file(str(path)).numpy()
        colours = np.zeros((*gray.shape, 3), np.uint8)
        colours[gray == 7] = (255, 0, 128)
        image = pyvips.Image.new_from_array(colours)
        image.pngsave(str(path), palette=bool(number % 2))
    task = own_images(images, masks)
    assert task.classes == ("0", "#FF0080")
    data = task.dataset(1).training
    assert (data.images[..., 0][data.masks == 1] > 150).all()


def test_large_images_are_made_smaller_with_their_masks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    small(monkeypatch)
    for number in range(3):
        mask = np.zeros((600, 640), np.uint8)
        mask[:, 320:] = 1
        save(tmp_path / "images" / f"{number}.png", mask[..., None].repeat(3, 2) * np.uint8(255))
        save(tmp_path / "masks" / f"{number}.png", mask)
    image, mask = module._load(str(tmp_path / "images" / "0.png"), str(tmp_path / "masks" / "0.png"), ((0,), (1,)))
    assert image.shape == (256, 274, 3)
    assert mask.shape == (256, 274)
    assert ((image[..., 0] > 127) == mask).all()


def change(pairs: tuple[Path, Path], what: str) -> None:
    images, masks = pairs
    first = masks / "one0.png"
    if what == "size":
        save(first, np.full((80, 80), 7, np.uint8))
    elif what == "one class":
        for path in masks.iterdir():
            save(path, np.full((80, 96), 7, np.uint8))
    elif what == "no masks":
        for path in masks.iterdir():
            path.unlink()
    elif what == "partner":
        first.unlink()
    elif what == "image":
        (images / "one0.png").unlink()
    elif what == "unreadable":
        first.write_bytes(first.read_bytes()[:60])
    elif what == "smooth":
        save(first, np.arange(80 * 96).reshape(80, 96).astype(np.uint8))
    elif what == "small":
        for folder, bands in ((images, 3), (masks, 1)):
            save(folder / "one0.png", np.full((40, 96, bands), 7, np.uint8))
    elif what == "twice":
        save(masks / "more" / "one0.png", np.full((80, 96), 7, np.uint8))
    elif what == "few":
        for number in range(2, 6):
            for folder in pairs:
                (folder / f"one{number}.png").unlink()


@pytest.mark.parametrize(
    ("what", "error", "text"),
    [
        ("size", InvalidArgument, r"masks/one0\.png: is 80×80, and its image .*images/one0\.png is 96×80; both must"),
        ("one class", InvalidArgument, r"masks: all masks hold one class, 7; at least two classes are needed"),
        ("no masks", InvalidArgument, r"masks: holds fewer than two masks; at least 3 are needed"),
        ("partner", InvalidArgument, r"images/one0\.png: has no mask; .*masks must hold 'one0\.png'"),
        ("image", InvalidArgument, r"masks/one0\.png: is a mask without an image; .*images holds none of the name"),
        ("unreadable", ImageReadError, r"masks/one0\.png: "),
        ("smooth", InvalidArgument, r"masks/one0\.png: with this mask there are more than 32 classes"),
        ("small", InvalidArgument, r"images/one0\.png: is 96×40; at least 64×64 pixels are needed"),
        ("twice", InvalidArgument, r"one0\.png has the same name; masks need names of their own"),
        ("few", InvalidArgument, r"images: has 2 images; at least 3 are needed"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(
    pairs: tuple[Path, Path], what: str, error: type[Exception], text: str
) -> None:
    change(pairs, what)
    with pytest.raises(error, match=text) as caught:
        own_images(*pairs)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_named(pairs: tuple[Path, Path]) -> None:
    with pytest.raises(InvalidArgument, match=r"nowhere: no such folder of masks"):
        own_images(pairs[0], pairs[1].parent / "nowhere")


def test_images_without_masks_are_backgrounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from subpixel.compare.decoder import datasets

    for name in ("TRAINING", "VALIDATION", "TEST"):
        monkeypatch.setattr(datasets, name, 5)
    # Each photograph has one gray value, so each patch tells which it is of.
    for number in range(10):
        save(tmp_path / f"{number}.png", np.full((70, 90, 3), 20 * number, np.uint8))
    data = photograph_scenes(tmp_path).dataset(0)
    used = []
    for part in (data.training, data.validation, data.test):
        values = [int(np.median(image)) for image in part.images]
        used.append({round(value / 20) for value in values})
    assert used[1] == {1}
    assert used[2] <= {0, 5}
    assert not used[0] & {0, 1, 5}


def make_three(folder: Path) -> Callable[[], object]:
    for number in range(3):
        save(folder / f"{number}.png", np.full((70, 90, 3), 20 * number, np.uint8))
    return lambda: photograph_scenes(folder)


def test_the_digest_is_of_the_contents(tmp_path: Path) -> None:
    find = make_three(tmp_path)
    before = find()
    assert find() == before
    save(tmp_path / "1.png", np.full((70, 90, 3), 99, np.uint8))
    assert find() != before
