"""Makes the images of docs/operators.md with the operators themselves.

python docs/make_images.py [FOLDER]      # needs the extras dev and demo
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from skimage.data import astronaut

from subpixel import ops

SIZE = 64
INK, FAINT = "#1f2328", "#d0d7de"
HUES = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#edc948", "#76b7b2", "#9c755f")


def photo(size: int = SIZE) -> np.ndarray:
    """The face of the photograph, (3, size, size) f32 in 0 … 1."""
    face = astronaut()[0:256, 96:352].astype(np.float32) / 255
    return np.clip(ops.resize(face, (size, size), antialias=True), 0, 1).transpose(2, 0, 1)


def show(ax, x: np.ndarray, title: str) -> None:
    """A (3, H, W) image with its own pixels visible."""
    ax.imshow(np.clip(x, 0, 1).transpose(1, 2, 0), interpolation="nearest")
    finish(ax, title)


def finish(ax, title: str) -> None:
    ax.set_title(title, fontsize=9, color=INK)
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)


def row(images: list[tuple[np.ndarray, str]], rows: int = 1) -> Figure:
    columns = -(-len(images) // rows)
    figure, axes = plt.subplots(rows, columns, figsize=(2.05 * columns, 2.3 * rows))
    for ax, (x, title) in zip(np.ravel(axes), images, strict=True):
        show(ax, x, title)
    return figure


def cells(ax, numbers: np.ndarray, title: str, hues: np.ndarray | None = None) -> None:
    """A grid of coloured cells with their numbers; the colour is the number's, or that of ``hues``."""
    hues = numbers if hues is None else hues
    height, width = numbers.shape
    for (i, j), value in np.ndenumerate(numbers):
        colour = "white" if hues[i, j] < 0 else HUES[int(hues[i, j]) % len(HUES)]
        ax.add_patch(plt.Rectangle((j, i), 1, 1, facecolor=colour, edgecolor="white" if hues[i, j] >= 0 else FAINT))
        ax.text(j + 0.5, i + 0.52, f"{value:g}", ha="center", va="center", fontsize=9,
                color="white" if hues[i, j] >= 0 else INK)  # fmt: skip
    ax.set_xlim(-0.05, width + 0.05)
    ax.set_ylim(height + 0.05, -0.05)
    ax.set_aspect("equal")
    finish(ax, title)


def pixel_shuffle() -> Figure:
    """Eight channels of 2×2 as two of 4×4; colour and number say from which channel a cell comes."""
    x = np.arange(8)[:, None, None] * np.ones((8, 2, 2), int)
    figure = plt.figure(figsize=(9.4, 2.6))
    grid = figure.add_gridspec(2, 9, width_ratios=[1, 1, 1, 1, 0.4, 2.2, 2.2, 2.2, 2.2], wspace=0.18, hspace=0.3)
    for c in range(8):
        cells(figure.add_subplot(grid[c // 4, c % 4]), x[c], f"x[{c}]")
    for k, order in enumerate(("CRD", "DCR")):
        y = ops.pixel_shuffle(x, 2, layout="CHW", order=order)
        for c in range(2):
            cells(figure.add_subplot(grid[:, 5 + 2 * k + c]), y[c], f"{order}: out[{c}]")
    return figure


def pixel_unshuffle() -> Figure:
    """A photograph, its four parts, and the way back."""
    x = photo()
    parts = ops.pixel_unshuffle(x, 2, layout="CHW")
    mosaic = [parts[k::4] for k in range(4)]
    back = ops.pixel_shuffle(parts, 2, layout="CHW")
    figure, axes = plt.subplots(1, 6, figsize=(10.2, 2.3), width_ratios=[2, 1, 1, 1, 1, 2])
    show(axes[0], x, "3×64×64")
    for k in range(4):
        show(axes[k + 1], mosaic[k], f"phase ({k // 2}, {k % 2})")
    show(axes[5], back, "shuffled back: equal" if np.array_equal(back, x) else "different")
    return figure


def three_ways() -> Figure:
    """32×32 to 128×128: interpolated, by a transposed convolution as it is drawn, by a pixel shuffle of copies."""
    x = photo(32)
    weight = np.random.default_rng(1).standard_normal((3, 3, 6, 6)).astype(np.float32) / 12
    for c in range(3):
        weight[c, c] += 1 / 2.25
    return row([
        (x, "32×32 to 128×128"),
        (ops.resize(x, scale=4, mode="linear", layout="CHW"), "resize, linear"),
        (ops.conv_transpose(x, weight, stride=4, padding=1, layout="CHW"), "conv_transpose, random"),
        (ops.pixel_shuffle(np.repeat(x, 16, axis=0), 4, layout="CHW"), "pixel_shuffle of copies"),
    ])  # fmt: skip


COORDINATES: dict[str, Callable[[np.ndarray, int, int, float], np.ndarray]] = {
    "half_pixel": lambda i, n, m, s: (i + 0.5) / s - 0.5,
    "pytorch_half_pixel": lambda i, n, m, s: (i + 0.5) / s - 0.5 if m > 1 else i * 0.0,
    "half_pixel_symmetric": lambda i, n, m, s: n / 2 * (1 - m / (s * n)) + (i + 0.5) / s - 0.5,
    "align_corners": lambda i, n, m, s: i * (n - 1) / (m - 1) if m > 1 else i * 0.0,
    "asymmetric": lambda i, n, m, s: i / s,
    "tf_crop_and_resize": lambda i, n, m, s: 0.4 * (n - 1) + i * 0.5 * (n - 1) / (m - 1),
}


def coordinates() -> Figure:
    """Where the samples of the result lie between those of the input."""
    n, s = 4, 1.6
    m = int(n * s)
    figure, axes = plt.subplots(len(COORDINATES), 1, figsize=(7.4, 4.6), sharex=True)
    for ax, (name, position) in zip(axes, COORDINATES.items(), strict=True):
        for k in range(n):
            ax.add_patch(plt.Rectangle((k - 0.5, -0.4), 1, 0.8, facecolor="#f6f8fa", edgecolor=FAINT))
        ax.plot(range(n), [0] * n, "o", color=HUES[0], markersize=11)
        places = position(np.arange(m), n, m, s)
        ax.plot(places, [0] * m, "|", color=HUES[3], markersize=20, markeredgewidth=2.4)
        for i, place in enumerate(places):
            ax.text(place, 0.62, str(i), ha="center", va="bottom", fontsize=8, color=HUES[3])
        label = name + {"tf_crop_and_resize": " (0.4 … 0.9, L = 6)", "align_corners": " (L = 6)"}.get(name, "")
        ax.text(-0.72, 0, label, ha="right", va="center", fontsize=9, color=INK)
        ax.set_xlim(-0.7, n - 0.3)
        ax.set_ylim(-0.6, 1.5)
        ax.axis("off")
    figure.suptitle("4 samples (dots, each in its cell) to 6 (bars), scale 1.6", fontsize=10, color=INK, y=0.93)
    return figure


KERNELS: tuple[tuple[str, dict[str, object]], ...] = (
    ("nearest", {"mode": "nearest"}),
    ("linear", {"mode": "linear"}),
    ("cubic, a = −0.5", {"mode": "cubic", "a": -0.5}),
    ("cubic, a = −0.75", {"mode": "cubic", "a": -0.75}),
    ("lanczos3", {"mode": "lanczos3"}),
)


def kernels() -> Figure:
    """What an impulse becomes: the kernel. Below, the weights of one sample of a result a third as large."""
    figure, axes = plt.subplots(2, 1, figsize=(7.4, 4.8))
    impulse = np.zeros(9)
    impulse[4] = 1
    for (label, how), hue in zip(KERNELS, HUES, strict=False):
        response = ops.resize(impulse, scale=100, layout="W", **how)
        axes[0].plot((np.arange(900) + 0.5) / 100 - 4.5, response, color=hue, label=label, linewidth=1.6)
    axes[0].set_xlim(-3.2, 4.6)
    axes[0].set_ylabel("weight")
    smooth = {"antialias": True}
    shrinking = {
        "linear": (HUES[1], "x:", {"mode": "linear"}),
        "linear, antialias": (HUES[1], "o-", {"mode": "linear", **smooth}),
        "cubic, a = −0.5": (HUES[2], "x:", {"mode": "cubic"}),
        "cubic, a = −0.5, antialias": (HUES[2], "o-", {"mode": "cubic", **smooth}),
        "lanczos3, antialias": (HUES[4], "o-", {"mode": "lanczos3", **smooth}),
        "area": (HUES[7], "s-", {"mode": "area"}),
    }
    distance = np.arange(32) - (5.5 * 3.2 - 0.5)
    for label, (hue, style, how) in shrinking.items():
        weights = ops.resize(np.eye(32), (10, 32), layout="HW", **how)[5]
        used = weights != 0
        axes[1].plot(distance[used], weights[used], style, color=hue, markersize=4.5, linewidth=1.1, label=label)
    axes[1].set_xlim(-10, 15)
    axes[1].set_xlabel("samples from the position")
    axes[1].set_ylabel("weight, 32 to 10")
    for ax in axes:
        ax.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
        ax.legend(fontsize=8, frameon=False, loc="upper right")
        ax.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return figure


def modes() -> Figure:
    """A step edge and a detail under the modes."""
    names = ("nearest", "linear", "cubic", "lanczos", "area")
    figure, axes = plt.subplots(2, 5, figsize=(10.2, 3.9), height_ratios=[1, 1.5])
    step = np.array([0.0] * 4 + [1.0] * 4)
    eye = photo(72)[:, 18:34, 24:40]
    for k, name in enumerate(names):
        ax = axes[0, k]
        ax.plot((np.arange(160) + 0.5) / 20 - 0.5, ops.resize(step, scale=20, mode=name, layout="W"), color=HUES[3])
        ax.plot(range(8), step, "o", color=HUES[0], markersize=4)
        ax.set_ylim(-0.25, 1.25)
        ax.set_title(name, fontsize=10, color=INK)
        ax.set_xticks([])
        ax.set_yticks([0, 1] if k == 0 else [])
        ax.spines[["top", "right", "bottom"]].set_visible(False)
        show(axes[1, k], ops.resize(eye, scale=6, mode=name, layout="CHW"), "16×16 to 96×96" if k == 0 else "")
    return figure


def antialias() -> Figure:
    """Rings that grow finer outwards, a third as large: without antialiasing the fine ones come back as others."""
    v, u = np.mgrid[-1:1:192j, -1:1:192j]
    rings = (0.5 + 0.5 * np.cos(150 * (u * u + v * v))).astype(np.float32)
    shrunk = {
        "nearest": {"mode": "nearest"},
        "linear": {"mode": "linear"},
        "linear, antialias": {"mode": "linear", "antialias": True},
        "cubic, antialias": {"mode": "cubic", "antialias": True},
        "area": {"mode": "area"},
    }
    gray = [(rings, "192×192")] + [
        (ops.resize(rings, (64, 64), layout="HW", **how), name) for name, how in shrunk.items()
    ]
    return row([(np.broadcast_to(x, (3, *x.shape)), title) for x, title in gray])


def unpooling() -> Figure:
    """Each colour has its maximum elsewhere: single coloured pixels."""
    x = photo(48)
    values, where = ops.max_pool(x, 2, return_indices=True, layout="CHW")
    return row([
        (x, "48×48"),
        (values, "max_pool 2: 24×24"),
        (ops.max_unpool(values, where, 2, layout="CHW"), "max_unpool"),
        (ops.average_unpool(values, 2, layout="CHW"), "average_unpool"),
    ])  # fmt: skip


def phases() -> Figure:
    """A transposed convolution of stride 2: zeros between the samples; and its kernel as four small ones."""
    figure = plt.figure(figsize=(9.0, 3.9))
    grid = figure.add_gridspec(2, 7, width_ratios=[1.0, 2.2, 0.2, 2.2, 1.2, 1.2, 0.05], hspace=0.35, wspace=0.3)
    x = np.array([[1, 2], [3, 4]])
    # Zero insertion is itself a transposed convolution, with a kernel of a single 1.
    apart = ops.conv_transpose(x[None], np.ones((1, 1, 1, 1), int), stride=2, padding=0, layout="CHW")[0]
    cells(figure.add_subplot(grid[:, 0]), x, "input", np.full_like(x, 6))
    cells(figure.add_subplot(grid[:, 1]), apart, "stride 2: zeros between", np.where(apart > 0, 6, -1))
    kernel = np.arange(1, 17).reshape(1, 1, 4, 4)
    phase = np.arange(4)[:, None] % 2 * 2 + np.arange(4) % 2
    cells(figure.add_subplot(grid[:, 3]), kernel[0, 0], "kernel, coloured by phase", phase)
    form = ops.conv_transpose_to_subpixel(kernel, stride=2)
    for k in range(4):
        ax = figure.add_subplot(grid[k // 2, 4 + k % 2])
        cells(ax, form.weight[k, 0], f"channel {k}", np.full((2, 2), k))
    return figure


def checkerboard() -> Figure:
    """Layers as they are drawn, before any training: on a flat image, then on a photograph."""
    rng = np.random.default_rng(3)
    flat, face = np.full((1, 24, 24), 0.5, np.float32), photo(24).mean(axis=0, keepdims=True)
    # Weights that keep the mean: a transposed convolution of stride 2 has four phases.
    drawn = (1 + 0.5 * rng.standard_normal((1, 1, 3, 3))) * 4 / 9
    rough = (1 + 0.5 * rng.standard_normal((4, 1, 3, 3))) / 9
    even = ops.icnr((4, 1, 3, 3), 2, init=lambda shape: rough[:1])
    images = []
    for name, x in (("flat gray", flat), ("photograph", face)):
        layers = {
            "conv_transpose": ops.conv_transpose(x, drawn, stride=2, padding=1, output_padding=1, layout="CHW"),
            "subpixel_conv": ops.subpixel_conv(x, rough, None, 2, padding=1, layout="CHW"),
            "subpixel_conv, icnr": ops.subpixel_conv(x, even, None, 2, padding=1, layout="CHW"),
        }
        images += [(x, name), *((y[:, 2:-2, 2:-2], title) for title, y in layers.items())]
    return row([(np.repeat(y, 3, axis=0), title) for y, title in images], rows=2)


def trained(steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(small image, by a transposed convolution, by a sub-pixel convolution)`` after some steps on one photograph.

    Transposed convolution 3 to 3, kernel 4, stride 2, padding 1, AdamW with 1e-3 on the mean squared error; the
    sub-pixel convolution starts from ICNR and has as many taps for each phase, 2×2.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    large = torch.from_numpy(photo())[None]
    small = ops.resize(large, scale=0.5, mode="area", layout="NCHW")
    board = torch.nn.ConvTranspose2d(3, 3, 4, 2, 1)
    weight = ops.icnr((12, 3, 2, 2), 2, init=lambda shape: board.weight.detach().permute(1, 0, 2, 3)[:, :, 1:3, 1:3])
    weight, bias = torch.nn.Parameter(weight), torch.nn.Parameter(torch.zeros(12))

    def deconvolved():
        return ops.conv_transpose(small, board.weight, board.bias, stride=2, padding=1)

    def shuffled():
        return ops.subpixel_conv(small, weight, bias, 2, padding=((0, 1), (0, 1)))

    results = []
    for layer, parameters in ((deconvolved, board.parameters()), (shuffled, [weight, bias])):
        optimiser = torch.optim.AdamW(list(parameters), 1e-3)
        for _ in range(steps):
            optimiser.zero_grad()
            torch.nn.functional.mse_loss(layer(), large).backward()
            optimiser.step()
        results.append(layer().detach()[0].numpy())
    torch.set_num_threads(threads)
    return small[0].numpy(), results[0], results[1]


def learning() -> Figure:
    """Both layers as they start and after 100 steps on one photograph."""
    start, after = trained(0), trained(100)
    return row([
        (start[0], "32×32"),
        (start[1], "conv_transpose, start"),
        (after[1], "after 100 steps"),
        (start[2], "subpixel + icnr, start"),
        (after[2], "after 100 steps"),
    ])  # fmt: skip


def grids() -> Figure:
    """Sampling at the identity grid, at one with noise of 1/200, and beyond the image."""
    x = photo()[None]
    rng = np.random.default_rng(5)

    def identity(side: int) -> np.ndarray:
        return ops.affine_grid(np.eye(2, 3, dtype=np.float32)[None], (1, 3, side, side))

    def noisy(side: int) -> np.ndarray:
        grid = identity(side)
        return grid + rng.standard_normal(grid.shape).astype(np.float32) / 200

    away = ops.affine_grid(np.array([[[1.4, -0.5, 0], [0.5, 1.4, 0]]], np.float32), (1, 3, 128, 128))
    return row([
        (ops.grid_sample(x, identity(128))[0], "identity, 64 to 128"),
        (ops.grid_sample(x, noisy(64))[0], "identity + noise/200"),
        (ops.grid_sample(x, noisy(32))[0], "the same, to 32"),
        (ops.grid_sample(x, noisy(128))[0], "the same, to 128"),
        (x[0], "64×64"),
        (ops.grid_sample(x, away, padding_mode="zeros")[0], "affine, zeros"),
        (ops.grid_sample(x, away, padding_mode="border")[0], "affine, border"),
        (ops.grid_sample(x, away, padding_mode="reflection")[0], "affine, reflection"),
    ], rows=2)  # fmt: skip


def flow() -> Figure:
    """A whirl: the flow says for each sample of the result where it comes from."""
    x = photo(96)[None]
    v, u = np.mgrid[-1:1:96j, -1:1:96j]
    strength = 26 * np.exp(-3 * (u * u + v * v))
    field = np.stack([-v * strength, u * strength])[None].astype(np.float32)
    figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.7))
    show(axes[0], x[0], "x")
    axes[1].quiver(*np.mgrid[4:96:8, 4:96:8][::-1], *field[0][:, 4::8, 4::8], angles="xy", scale_units="xy", scale=1,
                   color=HUES[0], width=0.008)  # fmt: skip
    axes[1].set_xlim(-0.5, 95.5)
    axes[1].set_ylim(95.5, -0.5)
    axes[1].set_aspect("equal")
    finish(axes[1], "flow, in pixels")
    show(axes[2], ops.warp(x, field, padding_mode="border")[0], "warp(x, flow)")
    return figure


IMAGES: dict[str, Callable[[], Figure]] = {
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "three_ways": three_ways,
    "coordinates": coordinates,
    "kernels": kernels,
    "modes": modes,
    "antialias": antialias,
    "unpooling": unpooling,
    "phases": phases,
    "checkerboard": checkerboard,
    "learning": learning,
    "grids": grids,
    "flow": flow,
}


def save(name: str, folder: Path) -> Path:
    """Makes one image; 128 colours are enough, and keep the files small."""
    figure = IMAGES[name]()
    memory = io.BytesIO()
    figure.savefig(memory, format="png", dpi=110, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    path = folder / f"{name}.png"
    image = Image.open(memory).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    image.save(path, optimize=True)
    return path


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in IMAGES:
        path = save(name, folder)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")
