"""One model on pixels and planes: dtypes, colour, alpha, bands, precision.

An image is upscaled in horizontal bands with the halo that the network needs, so memory beyond input and output does
not grow with the image. A luma network makes luma; colour and alpha are bicubic. Each channel of the result is the
bicubic channel plus the difference between the network's luma and the bicubic luma. That equals the detour over YCbCr,
since a luma difference d moves R, G and B by 255/219 d each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import FrameFormat, FrameSession, ImageSession, Session, choose_backend
from subpixel.backends.bands import Band, bands
from subpixel.backends.ensemble import ensemble_session
from subpixel.backends.frames import interpolate, upscale
from subpixel.backends.spandrel import prepare_spandrel
from subpixel.errors import InvalidArgument, Unsupported
from subpixel.models.bicubic import bicubic
from subpixel.models.files import Model
from subpixel.models.flat import FLAT_HALO
from subpixel.models.luma import BLACK, BLUE, GREEN, RED, SPAN
from subpixel.models.spandrel_models import SpandrelModel
from subpixel.models.spec import Colour
from subpixel.upscaler.frame_stream import FrameStream, StillFrames
from subpixel.upscaler.options import NetworkOptions
from subpixel.upscaler.pixels import Alpha, alpha_of, check_pixels, opaque, store, to_f32
from subpixel.upscaler.transparency import fill_invisible, merge

if TYPE_CHECKING:
    from subpixel.upscaler.motion_network import MotionNetwork

__all__ = ["Network", "flat_notes", "luma"]

F32 = NDArray[np.float32]

# How far colour is continued for a network that must see the whole image, in pixels.
_FAR = 64


def luma(rgb: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """BT.601 studio luma divided by 255 (black 16/255, white 235/255), in the dtype given.

    Args:
        rgb: ``(3, …)``, encoded R, G, B of 0 … 1.

    Source: ITU-R BT.601-7, section 2.5.

    >>> import numpy as np
    >>> float(np.round(luma(np.ones(3)) * 255, 6))
    235.0
    """
    result: NDArray[np.floating[Any]] = BLACK + RED * rgb[0] + GREEN * rgb[1] + BLUE * rgb[2]
    return result


def flat_notes(networks: Iterable[Network | MotionNetwork]) -> list[str]:
    """What flat cells cost in some networks, in a few words each; none if all compute everything."""
    return list(dict.fromkeys(network.flat_note for network in networks if network.flat_note))


class Network:
    """One model for single images, ready to run on pixels and planes, from any thread.

    The weights are packed when a result is first needed. Arguments are checked at once. A backend may still
    refuse an unusual network; :meth:`prepare` raises that error early.

    Args:
        model: a model for single images, or one that spandrel runs.
        options: backend, device, precision, threads, ensemble, strength, exact.

    Raises:
        InvalidArgument: unknown backend or precision.
        Unsupported: the backend lacks the precision, or does not run such a network.
        BackendUnavailable: the backend cannot run here.
    """

    uses_motion = False

    def __init__(self, model: Model | SpandrelModel, options: NetworkOptions | None = None) -> None:
        self.options = options or NetworkOptions()
        self.model = model
        self.threads, self.ensemble, self.strength = (
            self.options.threads,
            self.options.ensemble,
            self.options.strength,
        )
        quantisation = model.quantisation if isinstance(model, Model) else None
        self._backend, self.precision = choose_backend(
            self.options.backend, self.options.precision, quantisation, self.options.device
        )
        self.backend = self._backend.name
        self.colour: Colour = "rgb"
        # The pixels around a part that its result depends on; None if the network must see the whole image.
        self.halo: int | None = None
        # How far colour is continued where an image is invisible: as far as the network looks.
        self._reach = _FAR
        if isinstance(model, SpandrelModel):
            self.backend = "torch"
            self.scale = model.scale
            if self.options.device not in ("auto", "cpu"):
                raise Unsupported(
                    f"device={self.options.device!r}: model '{model.name}' ({model.architecture}, by spandrel) runs on "
                    "the CPU"
                )
        else:
            self.scale = model.spec.scale
            self.colour = model.spec.colour
            # Strides count from the image's first sample, so the network cannot begin anywhere.
            if model.spec.multiple == 1:
                self.halo = self._reach = max(model.spec.halo, bicubic(self.scale).halo)
        self._luma = self.colour == "luma"
        # The threshold of flat cells in halves of a code; None if the network computes everything. In a flipped or
        # rotated image cells would lie elsewhere, so an ensemble has none.
        self.flat: int | None = None
        if isinstance(model, Model) and not (self.options.exact or self.ensemble):
            self.flat = model.flat_halves
        if self.halo is not None and self.flat is not None:
            self.halo = max(self.halo, FLAT_HALO)
        # The shipped model ``bicubic`` works on R, G and B, but planes of luma can be interpolated too.
        self._plain_planes = isinstance(model, Model) and model.spec == bicubic(self.scale, colour="rgb")
        # An int8 network reads and writes bytes; ensembles and blends are computed in f32 and rounded at the end.
        self._bytes = self.precision == "int8" and not self._mixes

    @property
    def flat_note(self) -> str:
        """What flat cells cost, in a few words; empty if the network computes everything."""
        return "" if self.flat is None or not isinstance(self.model, Model) else self.model.flat_note

    @property
    def _mixes(self) -> bool:
        return self.ensemble or self.strength != 1

    def prepare(self) -> Network:
        """Pack the weights now, so that an error of the backend is raised at once."""
        _ = self._session
        return self

    @cached_property
    def _session(self) -> Session:
        model, options = self.model, self.options
        if isinstance(model, SpandrelModel):
            session = prepare_spandrel(model, options.backend, options.precision, self.threads)
        else:
            session = self._backend.prepare(
                model.spec, model.weights, self.precision, self.threads, model.quantisation, self.flat
            )
        if self._mixes:
            plain = self._plain_luma if self._luma else self._plain_rgb
            session = ensemble_session(session, plain, ensemble=self.ensemble, strength=self.strength)
        return session

    # Chroma and alpha, which the network does not make, are interpolated in f32.
    @cached_property
    def _plain_luma(self) -> Session:
        return self._backend.prepare(bicubic(self.scale), {}, "f32", self.threads)

    @cached_property
    def _plain_rgb(self) -> Session:
        return self._backend.prepare(bicubic(self.scale, colour="rgb"), {}, "f32", self.threads)

    def image(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Upscale a whole image.

        Args:
            pixels: ``(H, W, C)`` u8, u16 or f32; gray or RGB, with or without straight alpha.

        Returns:
            ``(H*scale, W*scale, C)`` of the same dtype.
        """
        return self.part(pixels, alpha_of(pixels))

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
            result: NDArray[Any] = self._session(y[None])[0]
            return result
        network = self._plain_luma if self._plain_planes else self._session
        out = np.empty((y.shape[0] * self.scale, y.shape[1] * self.scale), y.dtype)
        for rows, band in self._bands(y):
            x = to_f32(rows)[None]
            x = network(x * np.float32(SPAN) + np.float32(BLACK) if full_range else x)
            x = (x - np.float32(BLACK)) * np.float32(1 / SPAN) if full_range else x
            store(x[:, band.crop], out[band.result][None])
        return out

    def frames(self, form: FrameFormat | None = None) -> FrameStream:
        """A stream that upscales the frames of one video, see :class:`~subpixel.upscaler.frame_stream.FrameStream`."""
        return StillFrames(self, form)

    def frame(
        self,
        planes: Sequence[NDArray[Any] | None],
        form: FrameFormat,
        out: Sequence[NDArray[Any] | None] | None = None,
    ) -> list[NDArray[Any]]:
        """Upscale one frame of video.

        Args:
            planes: one plane of a gray frame, else three.
            form: the format of the frame.
            out: planes to write to instead of new ones.

        Returns:
            The larger planes; see :meth:`subpixel.Upscaler.yuv` for the rest.

        Raises:
            InvalidArgument: see :meth:`subpixel.Upscaler.yuv`.
        """
        self._check_luma()
        checked = form.check_frame(*(*planes, None, None)[:3])
        result = form.output_planes(checked, self.scale, out)
        if self._plain_planes:
            interpolate(checked, result, form, self.scale, self.threads if self.backend == "native" else None)
        elif isinstance(self._session, FrameSession):
            self._session.frame(checked, result, form)
        else:
            upscale(self._session, checked, result, form, self.scale, self.halo, self._bytes)
        return result

    def _check_luma(self) -> None:
        if not (self._luma or self._plain_planes):
            raise InvalidArgument(f"model '{self.model.name}' works on RGB; a luma model is needed for planes")

    def part(self, pixels: NDArray[Any], alpha: Alpha) -> NDArray[Any]:
        """Upscale a part of an image whose kind of alpha is known; nothing is checked.

        Further than :meth:`margin` from its edges, the backends native and reference give the bytes of the whole image,
        if the part begins at multiples of :data:`subpixel.models.flat.CELL`.

        Args:
            pixels: ``(H, W, C)``.
            alpha: of the whole image, see :func:`subpixel.upscaler.pixels.alpha_of`.

        Returns:
            ``(H*scale, W*scale, C)`` of the same dtype.
        """
        if alpha == "transparent":
            return self._transparent(pixels)
        session = self._plain_rgb if self.strength == 0 else self._session
        if pixels.dtype != np.float32 and isinstance(session, ImageSession):
            return session.image(pixels, alpha)
        height, width, channels = pixels.shape
        out = np.empty((height * self.scale, width * self.scale, channels), pixels.dtype)
        if alpha == "opaque":
            out[..., -1] = opaque(pixels.dtype)
        colours = channels - 1 if alpha == "opaque" else channels
        for rows, band in self._bands(pixels):
            planes = np.ascontiguousarray(to_f32(rows).transpose(2, 0, 1))
            target = out[band.result].transpose(2, 0, 1)
            store(self._colour(planes[:colours])[:, band.crop], target[:colours])
        return out

    def margin(self, alpha: Alpha) -> int | None:
        """The pixels around a part of an image that its result depends on; None for all."""
        if self.halo is None or alpha != "transparent":
            return self.halo
        return self.halo + self._reach + 1

    def _transparent(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """An image with alpha: the network upscales its colours; alpha and the colours of alpha 0 are bicubic."""
        result = self.part(fill_invisible(pixels, self._reach), "opaque")
        for rows, band in self._bands(pixels):
            merge(result[band.result], self._every_channel(rows)[band.crop])
        return result

    def _every_channel(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Each channel bicubic by itself."""
        if pixels.dtype != np.float32 and isinstance(self._plain_rgb, ImageSession):
            return self._plain_rgb.image(np.ascontiguousarray(pixels), "none")
        height, width, channels = pixels.shape
        result = np.empty((height * self.scale, width * self.scale, channels), pixels.dtype)
        planes = np.ascontiguousarray(to_f32(pixels).transpose(2, 0, 1))
        planes[-1] = np.clip(planes[-1], 0, 1)
        for channel, plane in enumerate(planes):
            store(self._plain_luma(plane[None]), result[None, ..., channel])
        return result

    def _colour(self, planes: F32) -> F32:
        """``(1, H, W)`` gray or ``(3, H, W)`` RGB, encoded values, upscaled."""
        gray = len(planes) == 1
        if self.strength == 0 or not self._luma:
            # The model ``bicubic`` is a network on RGB too.
            network = self._plain_rgb if self.strength == 0 else self._session
            result = network(np.repeat(planes, 3, axis=0) if gray else planes)
            return result.mean(axis=0, keepdims=True, dtype=np.float32) if gray else result
        if gray:
            y = self._session(planes * np.float32(SPAN) + np.float32(BLACK))
            return (y - np.float32(BLACK)) * np.float32(1 / SPAN)
        result = self._plain_rgb(planes)
        y = self._session(luma(planes).astype(np.float32, copy=False)[None])
        y -= luma(result)
        y *= np.float32(1 / SPAN)
        result += y
        return result

    def _bands(self, image: NDArray[Any]) -> Iterator[tuple[NDArray[Any], Band]]:
        height, width = image.shape[:2]
        for band in bands(height, width, self.scale, self.halo):
            yield image[band.source], band
