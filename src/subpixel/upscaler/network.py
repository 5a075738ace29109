"""The one boundary between images and networks: dtype, colour, alpha, bands, precision.

An image goes through in horizontal bands with the halo its network needs, so that memory beyond input and output
does not grow with it. Colour with a luma network is the luma from the network and everything else bicubic, written
as one correction: each channel is the bicubic channel plus the difference between the network's luma and the
bicubic luma. That equals the usual way over YCbCr, since a luma difference d moves R, G and B by 255/219 d each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import FrameFormat, FrameSession, ImageSession, available_threads, choose
from subpixel.backends.bands import Band, bands
from subpixel.backends.base import Alpha
from subpixel.backends.ensemble import mixed
from subpixel.backends.frames import Siting, Subsampling, interpolate, upscale
from subpixel.backends.spandrel import prepare_foreign
from subpixel.errors import InvalidArgument
from subpixel.models.auto import Choice, Source, decide
from subpixel.models.bicubic import bicubic
from subpixel.models.files import Model
from subpixel.models.spandrel_models import Foreign
from subpixel.models.spec import Colour
from subpixel.models.zoo import compressed_variant, find_network
from subpixel.upscaler.pixels import (
    alpha_of,
    as_pil,
    check_image,
    check_pixels,
    is_pil,
    opaque,
    pil_pixels,
    store,
    to_f32,
    uncarried,
)

__all__ = ["Upscaler", "checked_mix", "luma"]

T = TypeVar("T")
F32 = NDArray[np.float32]

# BT.601 studio luma of full-range R, G, B: 16 + 65.481 R + 128.553 G + 24.966 B of 255, for values of 0 … 1.
_BLACK = 16 / 255
_RED, _GREEN, _BLUE = 65.481 / 255, 128.553 / 255, 24.966 / 255
_SPAN = 219 / 255


def luma(rgb: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """BT.601 studio luma divided by 255 (black 16/255, white 235/255), in the dtype given.

    Args:
        rgb: ``(3, …)``, encoded R, G, B of 0 … 1.

    Source: ITU-R BT.601-7, section 2.5.

    >>> import numpy as np
    >>> float(np.round(luma(np.ones(3)) * 255, 6))
    235.0
    """
    result: NDArray[np.floating[Any]] = _BLACK + _RED * rgb[0] + _GREEN * rgb[1] + _BLUE * rgb[2]
    return result


class Upscaler:
    """A network made ready to upscale images; plan once, run many, from any thread.

    Args:
        model: a shipped model's name; the path of a ``.safetensors`` file or of a ``.pth`` or ``.pt`` checkpoint, see
            :func:`subpixel.models.checkpoints.load_checkpoint`; or ``auto``: the best that is shipped or its variant
            for compressed images, see :meth:`choose`. Planes and frames of video take the best.
        scale: how many times larger, one of the model's.
        backend: ``auto``, ``native``, ``reference`` or ``torch``.
        precision: ``f32``, ``bf16``, ``int8``, or ``auto``: int8 where the model file records that it costs at most
            0.05 dB, else f32.
        threads: how many to use; None for as many as this process may.
        ensemble: the network's result is the mean over the 8 flips and rotations of its input, in eight times the time.
        strength: 0 … 1, how far to go from the plain resize, which is bicubic, to the network's result.

    Raises:
        InvalidArgument: unknown model, scale, backend or precision; threads below 1; a strength beyond 0 … 1.
        Unsupported: the backend lacks the precision.
        BackendUnavailable: the backend cannot run here.
        ModelFileError: a file that cannot be used.
        MissingExtra: a checkpoint needs a package that is not installed.

    >>> import numpy as np
    >>> Upscaler("bicubic", 2)(np.full((4, 6, 3), 200, np.uint8)).shape
    (8, 12, 3)
    """

    def __init__(
        self,
        model: str = "auto",
        scale: int = 2,
        backend: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        *,
        ensemble: bool = False,
        strength: float = 1.0,
    ) -> None:
        if isinstance(scale, bool) or not isinstance(scale, (int, np.integer)) or scale < 1:
            raise InvalidArgument(f"scale={scale!r}: an integer of at least 1 is needed")
        if threads is None:
            threads = available_threads()
        if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or not 1 <= threads <= 1024:
            raise InvalidArgument(f"threads={threads!r}: an integer from 1 to 1024 is needed")
        self.ensemble, self.strength = checked_mix(ensemble, strength)
        self.model = find_network(model, int(scale))
        self.scale = int(scale)
        self.threads = int(threads)
        quantisation = self.model.quantisation if isinstance(self.model, Model) else None
        chosen, self.precision = choose(backend, precision, quantisation)
        self.backend = chosen.name
        self.colour: Colour = "rgb"
        # Pixels beyond a part that its result depends on; None: the network must see the whole image.
        self.halo: int | None = None
        if isinstance(self.model, Foreign):
            self._network = prepare_foreign(self.model, backend, precision, self.threads)
            self.backend = "torch"
        else:
            spec, weights = self.model.spec, self.model.weights
            self._network = chosen.prepare(spec, weights, self.precision, self.threads, quantisation)
            self.colour = spec.colour
            self.halo = max(spec.halo, bicubic(self.scale).halo)
        self._luma = self.colour == "luma"
        # Planes of luma can be interpolated, too, though the shipped model ``bicubic`` is one of R, G and B.
        self._plain_planes = isinstance(self.model, Model) and self.model.spec == bicubic(self.scale, colour="rgb")
        # What the network does not make, chroma and alpha, is interpolated, always in f32.
        self._plain = {
            plain.channels: chosen.prepare(plain, {}, "f32", self.threads)
            for plain in (bicubic(self.scale, colour="luma"), bicubic(self.scale, colour="rgb"))
        }
        # An int8 network takes and gives bytes; means and mixtures are of f32, and are rounded at their end.
        self._bytes = self.precision == "int8"
        if self.ensemble or self.strength != 1:
            plain = self._plain[1 if self._luma else 3]
            self._network = mixed(self._network, plain, ensemble=self.ensemble, strength=self.strength)
            self._bytes = False
        variant = compressed_variant(self.model.name, self.scale) if model == "auto" else None
        self.variant: Upscaler | None = None
        if variant is not None:
            self.variant = Upscaler(
                variant, scale, backend, precision, threads, ensemble=self.ensemble, strength=self.strength
            )

    def choose(self, image: Any, source: Source | None = None) -> Choice:
        """Which model an image is upscaled by: with ``auto`` by its source or its blocks, else the one asked for.

        Args:
            image: as for a call.
            source: what its file says of its compression; None where there is no file. A lossy codec other than JPEG,
                or a JPEG of quality up to 90, decides; else the pixels do, from
                :data:`subpixel.models.auto.BLOCKS` of :func:`subpixel.metrics.blockiness` on.

        Returns:
            The choice, the same whatever the backend, bands and threads; its text says why.

        Raises:
            InvalidArgument: no image.

        >>> import numpy as np
        >>> print(Upscaler("bicubic").choose(np.zeros((80, 80), np.uint8)))
        bicubic
        """
        image = pil_pixels(image) if is_pil(image) else image
        check_image(image)
        if self.variant is None:
            return Choice(self.model.name, False, "")
        return decide(image, source, self.model.name, self.variant.model.name)

    def chosen(self, choice: Choice) -> Upscaler:
        """The upscaler of a choice, this one or that of the variant: for many images or frames of one source."""
        return self.variant if choice.compressed and self.variant is not None else self

    def __call__(self, image: T, choice: Choice | None = None) -> T:
        """Upscale an image; the same kind comes back. With ``auto`` by what :meth:`choose` takes for it.

        Args:
            image: ``(H, W)`` gray, ``(H, W, 1)`` gray, ``(H, W, 2)`` gray and alpha, ``(H, W, 3)`` RGB or ``(H, W, 4)``
                RGBA with straight alpha; u8, u16 or f32 (0 … 1, not clipped); or a PIL image of mode L, LA, RGB, RGBA
                or I;16.
            choice: what :meth:`choose` took for this image, so that it is not looked at again.

        Returns:
            ``(H*scale, W*scale, …)`` of the same dtype, or a PIL image of the same mode.

        Raises:
            InvalidArgument: any other kind of image.
        """
        chosen = self if self.variant is None else self.chosen(choice or self.choose(image))
        return cast(T, chosen._pil(image) if is_pil(image) else chosen._array(image))

    def plane(self, y: NDArray[Any], full_range: bool = False) -> NDArray[Any]:
        """Upscale one plane of luma, as video has it.

        Args:
            y: ``(H, W)`` BT.601 or BT.709 studio luma: u8 (black 16, white 235), u16 or f32 with the same divided
                to their range (f32 = u8 / 255, u16 = 257 * u8).
            full_range: the plane uses its whole range instead (black 0, white 255).

        Returns:
            ``(H*scale, W*scale)`` of the same dtype; f32 is the network's result, neither rounded nor clipped.

        Raises:
            InvalidArgument: wrong shape or dtype, or an RGB network.
        """
        self._check_luma()
        if not isinstance(y, np.ndarray) or y.ndim != 2:
            raise InvalidArgument(f"plane: shape {getattr(y, 'shape', type(y).__name__)}: (H, W) is needed")
        check_pixels(y)
        if self._bytes and y.dtype == np.uint8 and not full_range:
            result: NDArray[Any] = self._network(y[None])[0]
            return result
        network = self._plain[1] if self._plain_planes else self._network
        out = np.empty((y.shape[0] * self.scale, y.shape[1] * self.scale), y.dtype)
        for rows, band in self._bands(y):
            x = to_f32(rows)[None]
            x = network(x * np.float32(_SPAN) + np.float32(_BLACK) if full_range else x)
            x = (x - np.float32(_BLACK)) * np.float32(1 / _SPAN) if full_range else x
            store(x[:, band.crop], out[band.result][None])
        return out

    def yuv(
        self,
        y: NDArray[Any],
        u: NDArray[Any] | None = None,
        v: NDArray[Any] | None = None,
        *,
        subsampling: Subsampling,
        siting: Siting | None = None,
        bits: int,
        full_range: bool,
        out: Sequence[NDArray[Any] | None] | None = None,
    ) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[Any] | None]:
        """Upscale one frame of video: luma by the network, chroma bicubic (a = −0.5), each plane as it is kept.

        Codes go through in full precision, also with int8: the network adds its detail to the input. Nothing is
        converted: matrix, range, subsampling and siting of the result are those of the input.

        Args:
            y: ``(H, W)`` luma; u8 with ``bits=8``, else u16 with the code in the low bits. Rows may lie apart by any
                stride, as a decoder's do; that copies nothing.
            u: chroma, ``(ceil(H / f), ceil(W / g))`` of the same dtype, where one sample stands for ``f`` rows and
                ``g`` columns of luma; None in a gray frame.
            v: the other chroma.
            subsampling: ``420`` (f, g = 2, 2), ``422`` (1, 2), ``444`` (1, 1), ``440`` (2, 1), ``411`` (1, 4) or
                ``gray``.
            siting: where chroma lies in its cell of luma: ``left`` (with the first column, between the rows; MPEG-2,
                H.264 and H.265 unless they say otherwise), ``center`` (MPEG-1, JPEG), ``topleft`` (BT.2020), ``top``,
                ``bottomleft`` or ``bottom``. It is kept, so that no chroma moves against its luma. None only where no
                axis is subsampled.
            bits: of a code, 8 … 16.
            full_range: luma from 0 to ``2**bits - 1`` instead of studio range, black 16 and white 235 times
                ``2**(bits - 8)``. Results are clipped to all that the bits can say, not to the studio range.
            out: planes ``(y, u, v)`` to write to instead of new ones, of any strides, overlapping nothing;
                ``(y, None, None)`` for a gray frame.

        Returns:
            ``(y, u, v)`` of the same dtype: ``(H*scale, W*scale)``, and chroma of ``ceil(H*scale / f)`` by
            ``ceil(W*scale / g)``, or None. Rounded half up.

        Raises:
            InvalidArgument: wrong shape, dtype or argument, a plane too many or too few, an ``out`` that does not fit,
                or an RGB network.

        Source: ranges of ITU-R BT.601-7, BT.709-6 and BT.2020-2 (studio) and ITU-T H.273 (full); siting of ITU-T H.264,
        Annex E, figure E-1 (``chroma_sample_loc_type`` 0 … 5: left, center, topleft, top, bottomleft, bottom). How
        positions follow: :mod:`subpixel.backends.frames`.

        >>> import numpy as np
        >>> y, u, v = (np.full(shape, 512, np.uint16) for shape in ((6, 9), (3, 5), (3, 5)))
        >>> frame = Upscaler("espcn", 2).yuv(y, u, v, subsampling="420", siting="left", bits=10, full_range=False)
        >>> [plane.shape for plane in frame]
        [(12, 18), (6, 9), (6, 9)]
        """
        result = self.frame((y, u, v), FrameFormat(subsampling, siting, bits, full_range), out)
        return (result[0], result[1], result[2]) if len(result) == 3 else (result[0], None, None)

    def frame(
        self,
        planes: Sequence[NDArray[Any] | None],
        form: FrameFormat,
        out: Sequence[NDArray[Any] | None] | None = None,
    ) -> list[NDArray[Any]]:
        """The same with the format of many frames as it is: planes, one of a gray frame, else three.

        Arguments, result and errors are those of :meth:`yuv`.
        """
        self._check_luma()
        checked = form.checked(*(*planes, None, None)[:3])
        result = form.results(checked, self.scale, out)
        if self._plain_planes:
            interpolate(checked, result, form, self.scale, self.threads if self.backend == "native" else None)
        elif isinstance(self._network, FrameSession):
            self._network.frame(checked, result, form)
        else:
            assert self.halo is not None  # that of a luma network
            upscale(self._network, checked, result, form, self.scale, self.halo, self._bytes)
        return result

    def _check_luma(self) -> None:
        if not (self._luma or self._plain_planes):
            raise InvalidArgument(f"model '{self.model.name}' works on RGB; a luma model is needed for planes")

    def _array(self, image: Any) -> NDArray[Any]:
        check_image(image)
        pixels = image[:, :, None] if image.ndim == 2 else image
        result = self.part(pixels, alpha_of(pixels))
        return result.reshape(*result.shape[:2], *image.shape[2:])

    def part(self, pixels: NDArray[Any], alpha: Alpha) -> NDArray[Any]:
        """Upscale a part of an image, of which somebody knows what its alpha is; nothing is chosen or checked.

        Further than :attr:`halo` from where the part was cut, native and reference give the bytes of the whole.

        Args:
            pixels: ``(H, W, C)``.
            alpha: of the whole image, see :func:`subpixel.upscaler.pixels.alpha_of`.

        Returns:
            ``(H*scale, W*scale, C)`` of the same dtype.
        """
        if self._luma and pixels.dtype != np.float32 and isinstance(self._network, ImageSession):
            return self._network.image(pixels, alpha)
        height, width, channels = pixels.shape
        out = np.empty((height * self.scale, width * self.scale, channels), pixels.dtype)
        if alpha == "opaque":
            out[..., -1] = opaque(pixels.dtype)
        colours = channels - 1 if alpha == "opaque" else channels
        for rows, band in self._bands(pixels):
            planes = np.ascontiguousarray(to_f32(rows).transpose(2, 0, 1))
            target = out[band.result].transpose(2, 0, 1)
            result = self._with_alpha(planes) if alpha == "carried" else self._colour(planes[:colours])
            store(result[:, band.crop], target[: len(result)])
        return out

    def _with_alpha(self, planes: F32) -> F32:
        # Colour is carried premultiplied, so that the colour of invisible pixels cannot bleed into visible ones.
        colour, opacity = planes[:-1], planes[-1:]
        opacity = np.clip(opacity, 0, 1)
        result = self._colour(colour * opacity)
        alpha = self._plain[1](opacity)
        hidden = self._plain[len(colour)](np.ascontiguousarray(colour))
        return np.concatenate([uncarried(result, alpha, hidden), np.clip(alpha, 0, 1)])

    def _colour(self, planes: F32) -> F32:
        """``(1, H, W)`` gray or ``(3, H, W)`` RGB, encoded values, upscaled."""
        gray = len(planes) == 1
        if self.strength == 0 or not self._luma:
            # The model ``bicubic`` is a network on RGB too.
            network = self._plain[3] if self.strength == 0 else self._network
            result = network(np.repeat(planes, 3, axis=0) if gray else planes)
            return result.mean(axis=0, keepdims=True, dtype=np.float32) if gray else result
        if gray:
            y = self._network(planes * np.float32(_SPAN) + np.float32(_BLACK))
            return (y - np.float32(_BLACK)) * np.float32(1 / _SPAN)
        result = self._plain[3](planes)
        y = self._network(luma(planes).astype(np.float32, copy=False)[None])
        y -= luma(result)
        y *= np.float32(1 / _SPAN)
        result += y
        return result

    def _bands(self, image: NDArray[Any]) -> Iterator[tuple[NDArray[Any], Band]]:
        height, width = image.shape[:2]
        if self.halo is None:
            all_rows = slice(0, height * self.scale)
            yield image, Band(0, height, slice(0, height), all_rows, all_rows)
            return
        for band in bands(height, width, self.scale, self.halo):
            yield image[band.source], band

    def _pil(self, image: Any) -> Any:
        return as_pil(self._array(pil_pixels(image)), image)


def checked_mix(ensemble: Any, strength: Any) -> tuple[bool, float]:
    """Ensemble and strength; raises InvalidArgument for other values than they have."""
    if not isinstance(ensemble, (bool, np.bool_)):
        raise InvalidArgument(f"ensemble={ensemble!r}: True or False is needed")
    number = isinstance(strength, (int, float, np.integer, np.floating)) and not isinstance(strength, bool)
    if not number or not 0 <= strength <= 1:  # what is not a number is not within
        raise InvalidArgument(f"strength={strength!r}: a number from 0 (plain bicubic) to 1 (the network) is needed")
    return bool(ensemble), float(strength)
