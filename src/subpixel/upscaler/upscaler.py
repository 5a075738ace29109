"""The public ``Upscaler``: images of any kind to any size, planes and frames of video by one network.

Plans of :mod:`subpixel.upscaler.sizes` are carried out here: in memory for arrays, row by row for images that are too
large. Both use the same stages and give the same bytes.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import FrameFormat, available_threads
from subpixel.backends.frames import Siting, Subsampling
from subpixel.errors import InvalidArgument, Unsupported
from subpixel.models.auto import Choice, Source
from subpixel.models.files import Model
from subpixel.models.spandrel_models import SpandrelModel
from subpixel.models.zoo import find_network, is_for_compressed
from subpixel.ops.compression_traces import Traces, traces_of
from subpixel.upscaler.arguments import keywords_after
from subpixel.upscaler.model_selection import ModelSelection
from subpixel.upscaler.network import Network, flat_notes
from subpixel.upscaler.options import NetworkOptions, check_tile
from subpixel.upscaler.pixels import Alpha, alpha_of, pixels_of, warn_of_range
from subpixel.upscaler.rows import resize_rows, upscale_rows
from subpixel.upscaler.sizes import SizePlan, Target

if TYPE_CHECKING:
    from subpixel.upscaler.motion_network import MotionNetwork

__all__ = ["Upscaler"]

T = TypeVar("T")
Pixels = NDArray[Any]

# Bytes of a stage's result at a time. Most arrays are one block. Strips of a stream are high enough for their halos to
# cost little, and low enough for the four that exist at a time to need little memory.
_IN_MEMORY, _STREAMED = 256 << 20, 32 << 20


class Upscaler:
    """Upscales images, planes and frames of video, from any thread. Make one and call it many times.

    Sizes are ``(width, height)`` everywhere, as in PIL; arrays are ``(height, width, channels)``, as in NumPy.

    Args:
        scale: how many times larger: a number above 0 and up to 64; below 1 an image is resized, without a network. 1
            cleans a compressed image with a model that does so: it is upscaled and resized down. The default is 2 if no
            other size is given.
        model: ``"auto"``, the name of a shipped model (``"fast"``, ``"balanced"``, ``"high"`` …, see
            :data:`subpixel.models.ZOO`), the path of a ``.safetensors`` model file, of a ``.pth`` or ``.pt``
            checkpoint (:func:`subpixel.models.checkpoints.load_checkpoint`) or of an ``.onnx`` file
            (:func:`subpixel.models.onnx_import.load_onnx`), or a :class:`subpixel.models.Model`.
            ``"auto"`` is ``fast``, or ``fast-compressed`` for a compressed image, see :meth:`choose_model`. If one
            factor of ``fast-compressed`` is not enough, ``fast`` follows: after JPEG of quality 60, ×8 by 2·4 of these
            is 0.29 dB above the ×8 of ``fast``, measured as in :mod:`subpixel.upscaler.sizes`.
        width: width of the result in pixels, instead of a scale; its height follows from the aspect.
        height: height of the result in pixels; its width follows.
        fit: ``(width, height)``: the largest result with the image's aspect that fits in.
        backend: ``"auto"``, ``"native"`` (the compiled engine), ``"reference"`` (NumPy), ``"torch"``,
            ``"torch-compiled"``, ``"onnxruntime"`` or ``"openvino"``. ``"auto"`` is one of the first two.
        device: ``"cpu"``; ``"cuda"``, ``"mps"`` (both torch) or ``"gpu"`` (OpenVINO): a GPU, also with
            ``backend="auto"``; ``"auto"``: a GPU if one is here, else the CPU.
        precision: ``"f32"``, ``"bf16"``, ``"int8"``, or ``"auto"``: int8 where the model file records that it costs at
            most 0.05 dB, else f32.
        threads: 1 … 1024; the default is as many as this process may use.
        tile: side in pixels of the squares of input that are upscaled at a time. The default is as many whole rows as
            make 32 MiB of the result. On ``native`` and ``reference`` it changes no byte.
        ensemble: average the results on the 8 flips and rotations of the input, in eight times the time.
        strength: 0 … 1, from the bicubic resize to the network's result.
        exact: compute the network everywhere. Without it, flat parts are resized plainly where the model file records
            that it costs at most 0.01 dB.

    Raises:
        InvalidArgument: an argument out of range, an unknown name, a scale of 1 with a model that does not clean, or a
            tile with a network that must see the whole image.
        Unsupported: the backend lacks the precision, or the network.
        BackendUnavailable: the backend cannot run here.
        ModelFileError: a file that cannot be used.
        MissingExtra: a checkpoint needs a package that is not installed.

    >>> import numpy as np
    >>> upscaler = Upscaler(fit=(20, 20), model="bicubic", threads=1)
    >>> upscaler(np.zeros((4, 6, 3), np.uint8)).shape
    (13, 20, 3)
    >>> Upscaler(2.5, model="espcn", backend="reference", threads=2)
    Upscaler(scale=2.5, model='espcn', backend='reference', precision='f32', threads=2)
    """

    @keywords_after(1, 'Upscaler(2, model="fast")')
    def __init__(
        self,
        scale: float | None = None,
        *,
        model: str | os.PathLike[str] | Model = "auto",
        width: int | None = None,
        height: int | None = None,
        fit: tuple[int, int] | None = None,
        backend: str = "auto",
        device: str = "cpu",
        precision: str = "auto",
        threads: int | None = None,
        tile: int | None = None,
        ensemble: bool = False,
        strength: float = 1.0,
        exact: bool = False,
    ) -> None:
        if isinstance(scale, (str, os.PathLike)):
            raise InvalidArgument(
                f'scale={os.fspath(scale)!r}: a number is needed; write Upscaler(2, model="{os.fspath(scale)}")'
            )
        if scale is None and width is None and height is None and fit is None:
            scale = 2
        self.target = Target(scale, width, height, fit)
        self.tile = check_tile(tile)
        threads = available_threads() if threads is None else threads
        self.options = NetworkOptions(backend, precision, threads, ensemble, strength, exact, device)
        self._model = model if isinstance(model, Model) else None
        self.model = model.name if isinstance(model, Model) else os.fspath(model)
        self._networks: dict[tuple[str, int], Network | MotionNetwork] = {}
        selection = ModelSelection.of_name(self.model) if self._model is None else ModelSelection.of_model(self._model)
        self._selection = selection
        # Wrong arguments raise an error here, not at the first image.
        self._first = self._network(selection.clean.first, selection.clean.first_factors[0])
        self._cleans = is_for_compressed(self._first.model)
        if self.tile is not None and not self.in_parts:
            raise InvalidArgument(f"tile={tile}: model '{self._first.model.name}' must see the whole image")
        self._check_networks()

    def _check_networks(self) -> None:
        """Prepare the networks that will run, so that an error of the backend is raised now.

        Those of ``auto`` are prepared when an image needs them: it needs one of two, and every backend runs both.
        """
        if self._first.uses_motion or self._selection.compressed is not None:
            if self.target.scale not in (None, 1):
                self.plan(1, 1)
            return
        if self.target.scale is None:
            self._still(self._first).prepare()
            return
        for name, factor in self._stages(None, self.plan(1, 1).factors):
            self._still(self._network(name, factor)).prepare()

    def __repr__(self) -> str:
        target = self.target
        size = f"scale={target.scale:g}" if target.scale is not None else str(target)
        if target.fit is not None:
            size = f"fit={target.fit}"
        extra = f", tile={self.tile}" if self.tile is not None else ""
        extra += ", ensemble=True" if self.ensemble else ""
        extra += f", strength={self.strength:g}" if self.strength != 1 else ""
        extra += ", exact=True" if self.options.exact else ""
        extra += f", device={self.options.device!r}" if self.options.device != "cpu" else ""
        return (
            f"Upscaler({size}, model={self.model!r}, backend={self.backend!r}, precision={self.precision!r}, "
            f"threads={self.threads}{extra})"
        )

    @property
    def scale(self) -> float | None:
        """How many times larger results are; None if the size was given in another way."""
        return self.target.scale

    @property
    def asked_model(self) -> str:
        """The model as it was asked for: ``"auto"``, a name or a path; ``"memory:NAME"`` of a loaded model."""
        return self.model if self._model is None else f"memory:{self.model}"

    @property
    def backend(self) -> str:
        """The backend that runs the networks, by name."""
        return self._first.backend

    @property
    def precision(self) -> str:
        """The precision of the networks: ``"f32"``, ``"bf16"`` or ``"int8"``."""
        return self._first.precision

    @property
    def threads(self) -> int:
        """How many threads are used."""
        return self.options.threads

    @property
    def ensemble(self) -> bool:
        """Whether results are means over 8 flips and rotations."""
        return self.options.ensemble

    @property
    def strength(self) -> float:
        """0 … 1, from the bicubic resize to the network's result."""
        return self.options.strength

    @property
    def exact(self) -> bool:
        """Whether the networks compute everything; else models may resize flat parts plainly."""
        return self._first.flat is None

    def flat_notes(self, plan: SizePlan, choice: Choice | None = None) -> list[str]:
        """What flat parts cost in the networks of a plan, in a few words each; none if they compute everything.

        Args:
            plan: of :meth:`plan`.
            choice: the model; None for that of a clean image.
        """
        return flat_notes(self.networks(plan.factors, choice))

    @property
    def in_parts(self) -> bool:
        """Whether images can be upscaled in parts; otherwise the network must see the whole image."""
        return self._first.uses_motion or self._first.halo is not None

    @property
    def halo(self) -> int | None:
        """The pixels around a part of an image that its result depends on; None if that is all of it."""
        return self._first.halo

    @property
    def clean_model(self) -> Model | SpandrelModel:
        """The model for clean images, at the first of its factors."""
        return self._first.model

    def with_target(self, target: Target) -> Upscaler:
        """An Upscaler for another size, with the same networks."""
        other = copy.copy(self)
        other.target = target
        return other

    def plan(self, width: int, height: int, choice: Choice | None = None) -> SizePlan:
        """The plan for an image of this size.

        Args:
            width: width of the image in pixels.
            height: height of the image in pixels.
            choice: see :meth:`choose_model`; None for that of a clean image.

        Raises:
            InvalidArgument: a result more than 64 times larger, or a scale of 1 and nothing to clean.

        >>> print(Upscaler(5, model="fast").plan(640, 480))
        ×2, ×3, down to 3200×2400
        """
        return self._selection.plan(width, height, self.target, choice, cleans=self._cleans)

    def choose_model(self, image: Any, source: Source | None = None) -> Choice:
        """Choose the model for an image: with ``model="auto"`` its source or its pixels decide.

        Args:
            image: as for a call.
            source: what its file says of its compression; None if there is no file. A lossy codec other than JPEG,
                or a JPEG of quality up to 90, decides; else the pixels do: by :func:`subpixel.metrics.jpeg_quality`
                up to 90, or by :func:`subpixel.metrics.blockiness` from
                :data:`subpixel.models.auto.BLOCKINESS_THRESHOLD` on.

        Returns:
            The choice, the same whatever the backend, bands and threads; its text says why.

        Raises:
            InvalidArgument: no image.

        >>> import numpy as np
        >>> print(Upscaler(model="bicubic").choose_model(np.zeros((80, 80), np.uint8)))
        bicubic
        """
        pixels, _ = pixels_of(image)
        height, width = pixels.shape[:2]
        return self.choose_by_source(source, width, height) or self.choose_by_traces(traces_of(pixels), source)

    def choose_by_source(self, source: Source | None, width: int, height: int) -> Choice | None:
        """The choice for an image by its file alone; None if its pixels must be measured."""
        return self._selection.by_source(source, width, height, self.target)

    def choose_by_traces(self, traces: Traces, source: Source | None = None) -> Choice:
        """The choice by what the pixels of an image show of compressions, if its file did not decide."""
        return self._selection.by_traces(traces, source)

    def choose_by_codec(self, codec: str | None, factor: float | Fraction) -> Choice:
        """The choice for a video, by its codec.

        Args:
            codec: libavcodec's name of it; None if it is unknown.
            factor: how many times larger the video becomes.
        """
        return self._selection.by_codec(codec, factor)

    def __call__(self, image: T, choice: Choice | None = None, plan: SizePlan | None = None) -> T:
        """Upscale an image; the same kind comes back.

        Args:
            image: ``(H, W)`` or ``(H, W, 1)`` gray, ``(H, W, 2)`` gray and alpha, ``(H, W, 3)`` RGB or ``(H, W, 4)``
                RGBA with straight alpha; u8 (0 … 255), u16 (0 … 65535), f32 or f64 (0 … 1, not clipped; computed in
                f32; values above 1.5 raise a warning if none is negative). A NumPy array, a torch tensor of these
                shapes (without a gradient), an array of another library that speaks DLPack, or a PIL image of mode L,
                LA, RGB, RGBA, I;16, F, 1, P, PA, La, RGBa or RGBX. Channels are in the order R, G, B: ``cv2.imread``
                gives B, G, R, which ``image[..., ::-1]`` turns.
            choice: what :meth:`choose_model` returned for this image, so that it is not measured again.
            plan: what :meth:`plan` returned for this size and choice, so that it is not planned again.

        Returns:
            An array of the same kind, dtype and number of axes, or a PIL image of the same mode: of 1 becomes L, of a
            palette RGB or RGBA, and a transparent colour becomes alpha.

        Raises:
            InvalidArgument: any other kind of image, or as :meth:`plan`.
            Unsupported: a model that reads several frames of a video.

        >>> import numpy as np
        >>> Upscaler(2, model="bicubic")(np.full((4, 6, 3), 200, np.uint8)).shape
        (8, 12, 3)
        """
        pixels, back = pixels_of(image)
        warn_of_range(pixels)
        return cast(T, back(self.upscale_array(pixels, choice, plan)))

    def upscale_array(self, pixels: Pixels, choice: Choice | None = None, plan: SizePlan | None = None) -> Pixels:
        """The same for an array whose range is known: nothing is converted, and no value is suspicious.

        Args:
            pixels: ``(H, W)`` or ``(H, W, C)`` of u8, u16 or f32, as for a call.
            choice: as for a call.
            plan: as for a call.

        Returns:
            An array of the same dtype and number of axes.

        Raises:
            InvalidArgument: as :meth:`plan`.
            Unsupported: a model that reads several frames of a video.
        """
        if choice is None:
            choice = self.choose_model(pixels)
        whole = pixels[:, :, None] if pixels.ndim == 2 else pixels
        if plan is None:
            plan = self.plan(whole.shape[1], whole.shape[0], choice)
        blocks = self.stream([whole], plan, whole.shape[2], whole.dtype, alpha_of(whole), choice, _IN_MEMORY)
        result = next(blocks)
        width, height = plan.size
        if len(result) < height:
            first, result = result, np.empty((height, width, whole.shape[2]), whole.dtype)
            result[: len(first)] = first
            top = len(first)
            for block in blocks:
                result[top : top + len(block)] = block
                top += len(block)
        elif result is whole:
            result = whole.copy()
        return result.reshape(height, width, *pixels.shape[2:])

    def stream(
        self,
        blocks: Iterable[Pixels],
        plan: SizePlan,
        channels: int,
        dtype: np.dtype[Any],
        alpha: Alpha,
        choice: Choice | None = None,
        at_once: int | None = None,
    ) -> Iterator[Pixels]:
        """Upscale an image that arrives as blocks of rows, with memory for a few strips.

        Args:
            blocks: ``(h, W, C)``, from the top.
            plan: of :meth:`plan`, for the image and the choice.
            channels: of the image, C.
            dtype: of the image: u8, u16 or f32.
            alpha: of the whole image, see :func:`subpixel.upscaler.pixels.alpha_of`.
            choice: see :meth:`choose_model`.
            at_once: about how many bytes of a stage's result are made at a time; None for 32 MiB.

        Returns:
            Blocks ``(h, W', C)`` of the same dtype, from the top.
        """
        width, height = plan.source
        at_once = _STREAMED if at_once is None else at_once
        pixel = channels * dtype.itemsize
        rows: Iterable[Pixels] = blocks
        for name, factor in self._stages(choice, plan.factors):
            network = self._still(self._network(name, factor))
            strip, columns = _tile(width, factor**2 * pixel, network.margin(alpha), at_once)
            if network.halo is None:
                strip = height
            elif self.tile is not None:
                strip = columns = self.tile
            rows = upscale_rows(rows, (height, width), network, alpha, strip, columns)
            height, width = height * factor, width * factor
        if plan.resizes:
            # f32 of the rows that a strip needs; with alpha, both the stored and the premultiplied colours.
            row = 4 * width * (2 * channels if alpha == "transparent" else channels)
            strip = max(1, at_once * plan.size[1] // (row * height))
            rows = resize_rows(rows, (height, width), (plan.size[1], plan.size[0]), alpha, strip, self.threads)
        return iter(rows)

    def factors(self, factor: Fraction, choice: Choice | None = None) -> tuple[int, ...]:
        """The factors of the networks for a video that becomes so many times larger, in their order.

        Args:
            factor: of the two sides' factors, the larger.
            choice: see :meth:`choose_by_codec`; None for that of a clean video.

        Raises:
            InvalidArgument: more than two networks in a row reach, or a scale of 1 and nothing to clean.
        """
        return self._selection.factors(self.target, factor, choice, cleans=self._cleans)

    def networks(self, factors: Sequence[int], choice: Choice | None = None) -> list[Network | MotionNetwork]:
        """The networks of :meth:`factors`, which run one after another on the frames of a video.

        Args:
            factors: of :meth:`factors`, for the same choice.
            choice: likewise.
        """
        return [self._network(name, factor) for name, factor in self._stages(choice, factors)]

    def network(self, choice: Choice | None = None) -> Network | MotionNetwork:
        """The network that upscales planes and frames of video by exactly the scale.

        Args:
            choice: see :meth:`choose_model`; None for that of a clean source.

        Raises:
            InvalidArgument: a size other than one of the model's factors.
        """
        pair, scale = self._selection.pair(choice), self.target.scale
        if scale is None or scale not in pair.first_factors:
            *others, last = (f"×{factor}" for factor in pair.first_factors)
            has = f"{', '.join(others)} and {last}; choose one of them" if others else f"only {last}; choose it"
            raise InvalidArgument(f"{self.target}: model '{pair.first}' has {has} for planes and frames in memory")
        return self._network(pair.first, int(scale))

    def plane(self, y: NDArray[Any], full_range: bool = False) -> NDArray[Any]:
        """Upscale one plane of luma, as video has it. ``model="auto"`` is ``fast``.

        Args:
            y: ``(H, W)`` BT.601 or BT.709 studio luma: u8 (black 16, white 235), u16 or f32 with the same divided
                to their range (f32 = u8 / 255, u16 = 257 * u8).
            full_range: the plane uses its whole range instead (black 0, white 255).

        Returns:
            ``(H*scale, W*scale)`` of the same dtype; f32 is the network's result, neither rounded nor clipped.

        Raises:
            InvalidArgument: wrong shape or dtype, an RGB network, or a size that is not one of the model's factors.
        """
        return self._plane_network().plane(y, full_range)

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
                an RGB network, or a size that is not one of the model's factors.
        Source: ranges of ITU-R BT.601-7, BT.709-6 and BT.2020-2 (studio) and ITU-T H.273 (full); siting of ITU-T H.264,
        Annex E, figure E-1 (``chroma_sample_loc_type`` 0 … 5: left, center, topleft, top, bottomleft, bottom). How
        positions follow: :mod:`subpixel.backends.frames`.

        >>> import numpy as np
        >>> y, u, v = (np.full(shape, 512, np.uint16) for shape in ((6, 9), (3, 5), (3, 5)))
        >>> frame = Upscaler(2, model="espcn").yuv(y, u, v, subsampling="420", siting="left", bits=10, full_range=False)
        >>> [plane.shape for plane in frame]
        [(12, 18), (6, 9), (6, 9)]
        """
        form = FrameFormat(subsampling, siting, bits, full_range)
        result = self._plane_network().frame((y, u, v), form, out)
        return (result[0], result[1], result[2]) if len(result) == 3 else (result[0], None, None)

    def _plane_network(self) -> Network:
        return self._still(self.network())

    def _stages(self, choice: Choice | None, factors: Sequence[int]) -> list[tuple[str, int]]:
        """The name and the factor of each network that a plan runs."""
        pair = self._selection.pair(choice)
        return list(zip((pair.first, pair.second), factors, strict=False))

    def _network(self, name: str, factor: int) -> Network | MotionNetwork:
        network = self._networks.get((name, factor))
        if network is None:
            model = find_network(name, factor) if self._model is None else self._model
            if isinstance(model, Model) and not model.spec.plain:
                from subpixel.upscaler.motion_network import MotionNetwork

                network = MotionNetwork(model, self.options)
            else:
                network = Network(model, self.options)
            self._networks[name, factor] = network
        return network

    @staticmethod
    def _still(network: Network | MotionNetwork) -> Network:
        if not isinstance(network, Network):
            raise Unsupported(
                f"model '{network.model.name}' is for videos and does not upscale images; model 'fast' does"
            )
        return network


def _tile(width: int, pixel: int, halo: int | None, at_once: int) -> tuple[int, int | None]:
    """The rows of a strip of the source, and its columns; None for all.

    Strips are two halos high at least, so that their halos cost little. Where so many rows are too large, they are one
    halo high and cut into columns, because a result with its halo must be in memory besides the strip's own.

    Args:
        width: of the source in pixels.
        pixel: bytes of the result for each pixel of the source.
        halo: of the network.
        at_once: about how many bytes are made at a time.

    >>> _tile(6000, 12, 8, 32 << 20), _tile(400_000, 12, 8, 32 << 20)
    ((466, None), (8, 116508))
    """
    halo = halo or 0
    rows = max(1, at_once // (width * pixel))
    if rows >= 2 * halo:
        return rows, None
    rows = max(rows, halo)
    return rows, max(4 * halo, at_once // ((rows + 2 * halo) * pixel))
