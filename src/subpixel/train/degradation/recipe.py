"""What may happen to an image, as data, and what does.

A network trained on clean bicubic pairs sharpens what codecs leave: blocks and ringing. Trained on small images made
here, with the clean large ones as their truth, it learns not to. A :class:`Degradation` states what may happen and how
often; drawing from it gives a :class:`Recipe`, which says what does happen to one image.
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

_GRID = 8  # side of JPEG's blocks: how far a second grid may lie from the first


@dataclass(frozen=True)
class Recipe:
    """What is done to one image, in this order.

    Args:
        kernel: of :data:`KERNELS`, that shrinks it: ``cubic`` to the bytes of the clean pairs, others in f32.
        sigma: of the Gaussian blur, in small pixels; 0 for none.
        noise: deviation of white noise in luma and in Cb and Cr, in codes of 8 bits; 0 for none.
        noise_seed: of that noise.
        codecs: those it goes through, each with the ``(down, right)`` by which its grid lies off the image's corner.
    """

    kernel: str = "cubic"
    sigma: float = 0.0
    noise: tuple[float, float] = (0.0, 0.0)
    noise_seed: int = 0
    codecs: tuple[tuple[Compression, tuple[int, int]], ...] = ()

    def apply(self, large: Pixels, scale: int) -> Pixels:
        """``(H, W, C)`` u8, gray or RGB, to ``(H / scale, W / scale, C)``; both sides are multiples of ``scale``."""
        small = shrink_image(large, scale, self.kernel)
        if self.sigma or any(self.noise):
            small = round_to_u8(add_noise(blur(small, self.sigma), self.noise, np.random.default_rng(self.noise_seed)))
        for codec, (down, right) in self.codecs:
            padded = np.pad(small, ((down, 0), (right, 0), (0, 0)), mode="edge")
            small = codec(padded)[down:, right:]
        return small


@dataclass(frozen=True)
class Degradation:
    """What may happen to an image, each with its probability; what lies between two numbers is drawn evenly.

    Args:
        name: what people type.
        clean: the share of images that are shrunk by MATLAB's bicubic and nothing else.
        kernels: weights of :data:`KERNELS`.
        blur: probability of a Gaussian blur of ``sigma`` small pixels.
        sigma: from, to.
        noise: probability of white noise.
        luma_noise: its deviation in luma, in codes of 8 bits: from, to.
        chroma_noise: the same in Cb and Cr.
        codecs: weights of ``jpeg``, ``webp``, ``h264`` and ``none``.
        jpeg_quality: from, to.
        jpeg_444: the share of JPEGs whose chroma is not subsampled.
        webp_quality: from, to.
        crf: of H.264, from, to.
        frames: in the clip of H.264, from, to; 1 is an intra frame.
        motion: pixels by which such a clip moves from frame to frame, at most, along either axis.
        again: probability of a second codec, its grid of 8×8 anywhere on that of the first.

    Raises:
        InvalidArgument: a probability outside of 0 … 1, a range the wrong way round, or an unknown kernel or codec.
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
                raise InvalidArgument(f"degradation: {name}={getattr(self, name)}: a probability, 0 … 1, is needed")
        for name in ("sigma", "luma_noise", "chroma_noise", "jpeg_quality", "webp_quality", "crf", "frames"):
            low, high = getattr(self, name)
            if not 0 <= low <= high:
                raise InvalidArgument(f"degradation: {name}=({low}, {high}): the lower number first is needed")
        for name, known in (("kernels", set(KERNELS)), ("codecs", {"jpeg", "webp", "h264", "none"})):
            weights = getattr(self, name)
            if not set(weights) <= known or min(weights.values(), default=-1) < 0 or not sum(weights.values()) > 0:
                raise InvalidArgument(
                    f"degradation: {name}={weights}: weights of {', '.join(sorted(known))} are needed"
                )

    def draw(self, generator: Generator) -> Recipe:
        """What happens to the next image."""
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
    """One small image of a large one.

    Args:
        large: ``(H, W, C)`` u8, gray or RGB, H and W multiples of ``scale``.
        scale: how many times smaller.
        generator: what chooses; one in the same state gives the same bytes.
        degradation: what may happen.

    Returns:
        ``(H / scale, W / scale, C)`` u8, where the large one is: nothing moves.

    Raises:
        InvalidArgument: another dtype or shape.

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
    """Several small images of each large one, made before training begins.

    The large image is kept once for all of them. With ``count`` variants an image of n large pixels so takes
    ``4 n (1 + count / scale²)`` bytes for a luma network and ``3 n (1 + count / scale²)`` for one on RGB: with 8
    variants at ×2, and three sizes of each, some 1.3 and 1.0 GB for 400 images of 481×321.

    Args:
        degradation: what may happen.
        count: for each image and size.
        seed: the same gives the same images, in whatever order and by however many threads they are made.

    Raises:
        InvalidArgument: a count below 1.
    """

    degradation: Degradation
    count: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InvalidArgument(f"degradation: {self.count} variants: at least 1 is needed")

    def of(self, large: Pixels, scale: int, key: Sequence[int]) -> list[Pixels]:
        """The small images of one large image that ``key`` names among all."""
        colours = large[..., :3] if large.shape[2] >= 3 else large[..., :1]
        generators = (np.random.default_rng([self.seed, *key, k]) for k in range(self.count))
        return [degrade(colours, scale, generator, self.degradation) for generator in generators]


def _pick(weights: Mapping[str, float], generator: Generator) -> str:
    names, values = list(weights), np.array(list(weights.values()), float)
    return names[int(generator.choice(len(names), p=values / values.sum()))]
