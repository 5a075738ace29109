"""Random degradations of training images, as data.

A network trained on clean bicubic pairs sharpens the blocks and the ringing of codecs. Trained on degraded small images
with clean large ones as the truth, it learns to remove them. A :class:`Degradation` states the probabilities; drawing
from it gives a :class:`Recipe` for one image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.image.compression import H264, Compression, Jpeg, WebP
from subpixel.train.degradation.stages import KERNELS, add_noise, blur, round_to_u8, shrink_image

__all__ = ["CLEAN", "COMPRESSED", "DEGRADATIONS", "Degradation", "Recipe", "Variants", "degrade"]

Pixels = NDArray[np.uint8]

_GRID = 8  # side of JPEG's blocks, and the range of the offset of a second grid


@dataclass(frozen=True)
class Recipe:
    """The degradation of one image, in this order.

    Args:
        kernel: ``cubic``, ``linear``, ``area`` or ``lanczos``: the filter that shrinks. ``cubic`` gives the bytes of
            the clean pairs; the others compute in f32.
        sigma: the σ of a Gaussian blur in small pixels; 0: none.
        noise: the deviation of white noise in luma and in Cb and Cr, in codes of 8 bits; 0: none.
        noise_seed: the seed of that noise.
        codecs: the codecs in order, each with the offset ``(down, right)`` of its grid from the image's corner.
    """

    kernel: str = "cubic"
    sigma: float = 0.0
    noise: tuple[float, float] = (0.0, 0.0)
    noise_seed: int = 0
    codecs: tuple[tuple[Compression, tuple[int, int]], ...] = ()

    def apply(self, large: Pixels, scale: int) -> Pixels:
        """Degrade ``(H, W, C)`` u8, gray or RGB, to ``(H / scale, W / scale, C)``. ``scale`` must divide both sides."""
        small = shrink_image(large, scale, self.kernel)
        if self.sigma or any(self.noise):
            small = round_to_u8(add_noise(blur(small, self.sigma), self.noise, np.random.default_rng(self.noise_seed)))
        for codec, (down, right) in self.codecs:
            padded = np.pad(small, ((down, 0), (right, 0), (0, 0)), mode="edge")
            small = codec(padded)[down:, right:]
        return small


@dataclass(frozen=True)
class Degradation:
    """Probabilities and ranges of degradations. A value of a range ``(from, to)`` is drawn uniformly.

    Args:
        name: the name in ``Settings.degradation``.
        clean: the share of images that are only shrunk, by MATLAB's bicubic filter.
        kernels: weights of ``cubic``, ``linear``, ``area`` and ``lanczos``.
        blur: the probability of a Gaussian blur.
        sigma: the range of its σ in small pixels.
        noise: the probability of white noise.
        luma_noise: the range of its deviation in luma, in codes of 8 bits.
        chroma_noise: the same for Cb and Cr.
        codecs: weights of ``jpeg``, ``webp``, ``h264`` and ``none``.
        jpeg_quality: the range of JPEG's quality.
        jpeg_444: the share of JPEGs without chroma subsampling.
        webp_quality: the range of WebP's quality.
        crf: the range of H.264's constant rate factor.
        frames: the range of frames in the clip of H.264; 1 is an intra frame.
        motion: the largest motion of such a clip in pixels per frame, along each axis.
        again: the probability of a second codec, with a random offset between the 8×8 grids.

    Raises:
        InvalidArgument: a probability is outside 0 … 1, a range is reversed, or a kernel or codec is unknown.
    """

    name: str
    clean: float
    kernels: Mapping[str, float]
    blur: float
    sigma: tuple[float, float]
    noise: float
    luma_noise: tuple[float, float]
    chroma_noise: tuple[float, float]
    codecs: Mapping[str, float]
    jpeg_quality: tuple[int, int]
    jpeg_444: float
    webp_quality: tuple[int, int]
    crf: tuple[int, int]
    frames: tuple[int, int]
    motion: int
    again: float

    def __post_init__(self) -> None:
        for name in ("clean", "blur", "noise", "jpeg_444", "again"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidArgument(f"degradation: {name}={getattr(self, name)}: a probability from 0 to 1 is needed")
        for name in ("sigma", "luma_noise", "chroma_noise", "jpeg_quality", "webp_quality", "crf", "frames"):
            low, high = getattr(self, name)
            if not 0 <= low <= high:
                raise InvalidArgument(f"degradation: {name}=({low}, {high}): the lower number must come first")
        for name, known in (("kernels", set(KERNELS)), ("codecs", {"jpeg", "webp", "h264", "none"})):
            weights = getattr(self, name)
            if not set(weights) <= known or min(weights.values(), default=-1) < 0 or not sum(weights.values()) > 0:
                raise InvalidArgument(
                    f"degradation: {name}={weights}: weights of {', '.join(sorted(known))} are needed"
                )

    def draw(self, generator: Generator) -> Recipe:
        """A recipe for the next image."""
        if generator.random() < self.clean:
            return Recipe()
        sigma = generator.uniform(*self.sigma) if generator.random() < self.blur else 0.0
        noise = (0.0, 0.0)
        if generator.random() < self.noise:
            noise = (generator.uniform(*self.luma_noise), generator.uniform(*self.chroma_noise))
        codecs: list[tuple[Compression, tuple[int, int]]] = []
        for k in range(2 if generator.random() < self.again else 1):
            codec = self._codec(generator)
            down, right = (int(n) for n in generator.integers(0, _GRID, 2)) if k else (0, 0)
            codecs += [(codec, (down, right))] if codec else []
        return Recipe(_pick(self.kernels, generator), sigma, noise, int(generator.integers(2**63)), tuple(codecs))

    def _codec(self, generator: Generator) -> Compression | None:
        def integer(bounds: tuple[int, int]) -> int:
            return int(generator.integers(bounds[0], bounds[1] + 1))

        match _pick(self.codecs, generator):
            case "jpeg":
                return Jpeg(integer(self.jpeg_quality), "444" if generator.random() < self.jpeg_444 else "420")
            case "webp":
                return WebP(integer(self.webp_quality))
            case "h264":
                frames = integer(self.frames)
                down, across = (integer((-self.motion, self.motion)) for _ in range(2))
                return H264(integer(self.crf), frames, integer((0, frames - 1)), (down, across))
        return None


COMPRESSED = Degradation(
    name="compressed",
    clean=0.15,
    kernels={"cubic": 0.7, "linear": 0.1, "area": 0.1, "lanczos": 0.1},
    blur=0.2,
    sigma=(0.2, 0.7),
    noise=0.25,
    luma_noise=(0.5, 3.0),
    chroma_noise=(0.5, 4.0),
    codecs={"jpeg": 0.5, "h264": 0.3, "webp": 0.15, "none": 0.05},
    jpeg_quality=(30, 95),
    jpeg_444=0.3,
    webp_quality=(30, 95),
    crf=(18, 32),
    frames=(1, 4),
    motion=2,
    again=0.15,
)
CLEAN = Degradation(**{**vars(COMPRESSED), "name": "clean", "clean": 1.0})

DEGRADATIONS: dict[str, Degradation] = {d.name: d for d in (CLEAN, COMPRESSED)}


def degrade(large: Pixels, scale: int, generator: Generator, degradation: Degradation = COMPRESSED) -> Pixels:
    """A degraded small image of a large one.

    Args:
        large: ``(H, W, C)`` u8, gray or RGB, H and W multiples of ``scale``.
        scale: the factor.
        generator: the source of random numbers. The same state gives the same bytes.
        degradation: the probabilities, for example :data:`COMPRESSED`.

    Returns:
        ``(H / scale, W / scale, C)`` u8, aligned with the large image.

    Raises:
        InvalidArgument: the dtype or the shape is another.

    >>> import numpy as np
    >>> degrade(np.full((12, 18, 3), 77, np.uint8), 3, np.random.default_rng(0)).shape
    (4, 6, 3)
    """
    if large.dtype != np.uint8 or large.ndim != 3 or large.shape[2] not in (1, 3):
        raise InvalidArgument(f"degrade: {large.dtype} of {large.shape}: u8 of (H, W, 1) or (H, W, 3) is needed")
    if 0 in large.shape or large.shape[0] % scale or large.shape[1] % scale:
        raise InvalidArgument(f"degrade: {large.shape[1]}×{large.shape[0]}: multiples of scale={scale} are needed")
    return degradation.draw(generator).apply(large, scale)


@dataclass(frozen=True)
class Variants:
    """Several degraded small images of each large one, made before training begins.

    They share the large image. With ``count`` variants, an image of n large pixels takes ``4 n (1 + count / scale²)``
    bytes for a luma network and ``3 n (1 + count / scale²)`` for an RGB network. With 8 variants at ×2 and three sizes,
    400 images of 481×321 take about 1.3 and 1.0 GB.

    Args:
        degradation: the probabilities.
        count: variants per image and size, at least 1.
        seed: the same seed gives the same images, in any order and with any number of threads.

    Raises:
        InvalidArgument: ``count`` is below 1.
    """

    degradation: Degradation
    count: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InvalidArgument(f"degradation: count={self.count}: at least 1 variant is needed")

    def of(self, large: Pixels, scale: int, key: Sequence[int]) -> list[Pixels]:
        """The small images of one large image. ``key`` identifies it among all images."""
        colours = large[..., :3] if large.shape[2] >= 3 else large[..., :1]
        generators = (np.random.default_rng([self.seed, *key, k]) for k in range(self.count))
        return [degrade(colours, scale, generator, self.degradation) for generator in generators]


def _pick(weights: Mapping[str, float], generator: Generator) -> str:
    names, values = list(weights), np.array(list(weights.values()), float)
    return names[int(generator.choice(len(names), p=values / values.sum()))]
