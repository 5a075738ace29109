"""Pairs and patches: the target must lie exactly where the network's result lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyvips
import torch

from subpixel.errors import ImageReadError, InvalidArgument
from subpixel.metrics.protocol import luma_255, shrink
from subpixel.models import bicubic
from subpixel.models.graph import run
from subpixel.models.spec import INPUT, Conv, PixelShuffle, Spec
from subpixel.models.torch_kernels import TorchKernels
from subpixel.train.data import Pair, Patches, find_images, load_pairs


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_images_are_found_below_and_every_twentieth_is_held_out(tmp_path: Path) -> None:
    for number in range(45):
        folder = tmp_path / f"{number % 3}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:02}.{'PNG' if number % 2 else 'jpg'}").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "folder.png").mkdir()
    trained, held = find_images(tmp_path)
    assert (len(trained), len(held)) == (42, 3)
    assert not set(trained) & set(held)
    assert find_images(tmp_path) == (trained, held)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images(tmp_path: Path, count: int) -> None:
    for number in range(count):
        (tmp_path / f"{number}.png").touch()
    with pytest.raises(InvalidArgument, match=f"{count} images; at least 2"):
        find_images(tmp_path)
    with pytest.raises(InvalidArgument, match="no such folder"):
        find_images(tmp_path / "none")


@pytest.mark.parametrize("scale", [2, 3])
def test_a_pair_is_an_image_and_its_small_copy(data: Path, scale: int) -> None:
    path = data / "1.png"
    (pair,) = load_pairs([path], scale, (1.0,), 1)
    pixels = pyvips.Image.new_from_file(str(path)).numpy()
    small, large = shrink(pixels, scale)
    np.testing.assert_allclose(pair.small[0].numpy(), luma_255(small) / 255, atol=1e-6)
    np.testing.assert_allclose(pair.large[0].numpy(), luma_255(large) / 255, atol=1e-6)
    assert pair.large.shape == (1, pair.small.shape[1] * scale, pair.small.shape[2] * scale)
    assert 16 / 255 <= pair.large.min() <= pair.large.max() <= 235.001 / 255


def test_several_sizes_and_threads_keep_the_order(data: Path) -> None:
    paths = sorted(data.iterdir())
    pairs = load_pairs(paths, 2, (1.0, 0.5), 4)
    assert [pair.name for pair in pairs] == [path.name for path in paths for _ in range(2)]
    assert pairs[1].large.shape == (1, 42, 48)
    for one, two in zip(pairs, load_pairs(paths, 2, (1.0, 0.5), 1), strict=True):
        assert torch.equal(one.small, two.small)


def test_sixteen_bits_and_damaged_images_are_refused(tmp_path: Path) -> None:
    wide = pyvips.Image.new_from_array(np.zeros((40, 40, 3), np.uint16)).copy(interpretation="rgb16")
    wide.write_to_file(str(tmp_path / "wide.png"))
    with pytest.raises(ImageReadError, match=r"wide\.png: has dtype uint16"):
        load_pairs([tmp_path / "wide.png"], 2, (1.0,), 1)
    (tmp_path / "bad.png").write_bytes(b"bad")
    with pytest.raises(ImageReadError, match=r"bad\.png"):
        load_pairs([tmp_path / "bad.png"], 2, (1.0,), 2)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_target_lies_where_the_networks_result_lies(scale: int) -> None:
    """Large is made from small by the very network, so every patch must be reproduced without its borders."""
    spec = bicubic(scale)
    kernels = TorchKernels()
    small = torch.rand(31, 26, generator=generator(3))
    large = run(spec, {}, small[None, None], kernels)[0]
    patches = Patches([Pair("a", small[None], large)], scale, 11, spec.halo, 40, generator())
    x, target = patches.draw()
    assert x.shape == (40, 1, 11, 11)
    inner = (11 - 2 * spec.halo) * scale
    assert target.shape == (40, 1, inner, inner)
    # Bicubic is the same turned and flipped, so this holds in every orientation.
    torch.testing.assert_close(run(spec, {}, x, kernels, pad=False), target, atol=2e-6, rtol=0)


def test_the_target_fits_a_network_with_convolutions() -> None:
    """The same by a network that copies each sample: its loss at the sides is that of its convolutions."""
    layers = (Conv("a", INPUT, 1, 1, (5, 5)), Conv("b", "a", 1, 4, (3, 3)), PixelShuffle("up", "b", 2))
    spec = Spec(layers, 2)
    weights = {name: torch.zeros(shape) for name, shape in spec.weight_shapes.items()}
    weights["a.weight"][0, 0, 2, 2] = 1
    weights["b.weight"][:, 0, 1, 1] = 1
    small = torch.rand(1, 30, 30, generator=generator(4))
    pair = Pair("a", small, small.repeat_interleave(2, 1).repeat_interleave(2, 2))
    x, target = Patches([pair], 2, 12, spec.halo, 16, generator()).draw()
    assert torch.equal(run(spec, weights, x, TorchKernels(), pad=False), target)


def test_all_eight_orientations_and_all_positions_occur() -> None:
    small = torch.arange(36.0).reshape(6, 6)
    pair = Pair("a", small[None], small.repeat_interleave(2, 0).repeat_interleave(2, 1)[None])
    whole = Patches([pair], 2, 6, 0, 400, generator())
    x, target = whole.draw()
    seen = {tuple(one.flatten().tolist()) for one in x}
    expected = {tuple(view.flatten().tolist()) for k in range(4) for view in (small.rot90(k), small.rot90(k).flip(0))}
    assert seen == expected
    assert len(seen) == 8
    torch.testing.assert_close(target[:, :, ::2, ::2], x)
    corners = {one.min().item() for one in Patches([pair], 2, 3, 0, 2000, generator()).draw()[0]}
    assert corners == {float(6 * y + x) for y in range(4) for x in range(4)}


def test_every_image_is_drawn_and_small_ones_left_out() -> None:
    pairs = [Pair(str(k), torch.full((1, 9, 9), float(k)), torch.full((1, 18, 18), float(k))) for k in range(3)]
    pairs.append(Pair("small", torch.full((1, 4, 9), 9.0), torch.full((1, 8, 18), 9.0)))
    values = set(Patches(pairs, 2, 5, 1, 200, generator()).draw()[0].flatten().tolist())
    assert values == {0.0, 1.0, 2.0}


def test_the_same_seed_gives_the_same_patches() -> None:
    pair = Pair("a", torch.rand(1, 30, 30), torch.rand(1, 60, 60))

    def draws(seed: int) -> list[torch.Tensor]:
        patches = Patches([pair], 2, 8, 1, 4, generator(seed))
        return [tensor for _ in range(3) for tensor in patches.draw()]

    assert all(torch.equal(a, b) for a, b in zip(draws(1), draws(1), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(draws(1), draws(2), strict=True))


@pytest.mark.parametrize(("patch", "margin", "text"), [(31, 1, "no image is that large"), (8, 4, "consumes 8")])
def test_a_patch_that_does_not_work(patch: int, margin: int, text: str) -> None:
    pair = Pair("a", torch.zeros(1, 30, 40), torch.zeros(1, 60, 80))
    make: Callable[[], Patches] = lambda: Patches([pair], 2, patch, margin, 1, generator())  # noqa: E731
    with pytest.raises(InvalidArgument, match=text):
        make()
