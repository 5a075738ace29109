"""Networks for videos: they read several frames, and some have a state."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import BACKENDS, FrameFormat, choose_backend
from subpixel.backends.base import Planes, VideoSession
from subpixel.backends.frame_sequence import FrameSequence
from subpixel.backends.frames import interpolate_plane, to_codes
from subpixel.errors import InvalidArgument, Unsupported
from subpixel.models.files import Model
from subpixel.models.spec import Colour
from subpixel.ops.scenes import CutDetector
from subpixel.upscaler.options import NetworkOptions

__all__ = ["MotionFrames", "MotionNetwork", "SceneFinder"]

Plane = NDArray[Any]


class MotionNetwork:
    """One model that reads several frames of a video, made ready to run; see :class:`subpixel.Upscaler` for images.

    Args:
        model: a luma model whose Spec reads several frames, a state or its previous result.
        options: backend, precision and threads. ``backend="auto"`` is the compiled engine. It has bf16 and int8 for
            chains, such as our recurrent network; in bf16 torch runs the others, or the reference. Results of two
            backends differ in their last bits, so use the same backend to resume a video.

    Raises:
        InvalidArgument: unknown backend or precision.
        Unsupported: a model for single images or for RGB, a backend that does not run it, an ensemble or a strength.
        BackendUnavailable: the backend cannot run here.
    """

    uses_motion = True
    colour: Colour = "luma"
    halo: int | None = None  # it runs on whole frames only
    ensemble = False
    strength = 1.0
    flat: int | None = None  # it computes everything
    flat_note = ""

    def __init__(self, model: Model, options: NetworkOptions | None = None) -> None:
        self.options = options or NetworkOptions()
        self.model, self.scale, self.threads = model, model.spec.scale, self.options.threads
        if model.spec.plain or model.spec.colour != "luma":
            raise Unsupported(f"model '{model.name}' is not for videos: it reads single images, or R, G and B")
        if self.options.ensemble or self.options.strength != 1:
            given = "ensemble" if self.options.ensemble else f"strength={self.options.strength:g}"
            raise Unsupported(f"{given}: model '{model.name}' reads several frames and has no such option")
        self.backend, self.precision, self._session = self._prepare(self.options.backend, self.options.precision)

    def _prepare(self, name: str, precision: str) -> tuple[str, str, VideoSession]:
        spec, weights, quantisation = self.model.spec, self.model.weights, self.model.quantisation
        first, precision = choose_backend(name, precision, quantisation, self.options.device)
        # Without the engine the reference takes seconds for a frame of a network with warps, so torch comes first.
        others = [BACKENDS[other] for other in ("torch", "reference") if not BACKENDS[other].unavailable()]
        try:
            return first.name, precision, first.prepare_video(spec, weights, precision, self.threads, quantisation)
        except Unsupported:
            if name != "auto" or not others or first in others:
                raise
        return others[0].name, precision, others[0].prepare_video(spec, weights, precision, self.threads, quantisation)

    def frames(self, form: FrameFormat | None = None, *, cuts: bool = True) -> MotionFrames:
        """A stream that upscales the frames of one video.

        Args:
            form: the format of the frames; None if only planes of luma are pushed.
            cuts: detect where scenes begin, see :class:`subpixel.ops.scenes.CutDetector`; else the video is one scene.
        """
        return MotionFrames(self, self._session, form, cuts)


class MotionFrames:
    """Upscales the frames of one video, in order; see :class:`~subpixel.upscaler.frame_stream.FrameStream`.

    >>> from subpixel.models import Model
    >>> from subpixel.models.recurrent import recurrent
    >>> spec = recurrent(2)
    >>> model = Model("still", spec, {k: np.zeros(s, np.float32) for k, s in spec.weight_shapes.items()})
    >>> frames = MotionNetwork(model, NetworkOptions("reference")).frames()
    >>> frames.latency, frames.push_luma(np.full((4, 6), 0.5, np.float32)).shape
    (0, (8, 12))
    """

    def __init__(self, network: MotionNetwork, session: VideoSession, form: FrameFormat | None, cuts: bool) -> None:
        self._scale, self._threads, self._form = network.scale, network.threads, form
        self._sequence = FrameSequence(session, network.model.spec)
        self._detector = CutDetector() if cuts else None
        self._chroma: deque[list[Plane]] = deque()

    @property
    def latency(self) -> int:
        """How many frames later the result of a frame comes."""
        return self._sequence.latency

    def push_luma(self, y: Planes) -> Planes | None:
        """Push the next frame: a plane of studio luma, ``(H, W)`` f32 (16/255 … 235/255); the result is not rounded.

        Returns:
            The result of the frame :attr:`latency` frames ago; None while there is no such frame.

        Raises:
            InvalidArgument: not such a plane.
        """
        if not isinstance(y, np.ndarray) or y.ndim != 2 or y.dtype != np.float32 or 0 in y.shape:
            raise InvalidArgument("frames: luma (H, W) of f32 is needed")
        begins = False
        if self._detector is not None:
            begins = self._detector.begins_scene(_bytes(y))
        result = self._sequence.push(y[None], begins_scene=begins)
        return None if result is None else result[0]

    def flush_luma(self) -> list[Planes]:
        """The remaining results of :meth:`push_luma`. The next frame is then the first of another video."""
        results = [result[0] for result in self._sequence.flush()]
        self._forget()
        return results

    def push(self, planes: Sequence[Plane]) -> list[Plane] | None:
        """Push the next frame: planes of codes, luma first; see :meth:`subpixel.Upscaler.yuv` for what is kept.

        Returns:
            The planes of the result of the frame :attr:`latency` frames ago; None while there is no such frame.

        Raises:
            InvalidArgument: planes that do not fit the format, or no format was given.
        """
        form = self._format()
        y, u, v = (*planes, None, None)[:3]
        planes_in = form.check_frame(y, u, v)
        self._chroma.append([plane.copy() for plane in planes_in])
        return self._compose(self.push_luma(_studio_luma(planes_in[0], form)), form)

    def flush(self) -> list[list[Plane]]:
        """The remaining results of :meth:`push`. The next frame is then the first of another video."""
        form = self._format()
        frames = [self._compose(y[0], form) for y in self._sequence.flush()]
        self._forget()
        return [planes for planes in frames if planes is not None]

    def _format(self) -> FrameFormat:
        if self._form is None:
            raise InvalidArgument("frames: no format was given, so only planes of luma can be pushed")
        return self._form

    def _compose(self, y: Planes | None, form: FrameFormat) -> list[Plane] | None:
        if y is None:
            return None
        planes = self._chroma.popleft()
        results = form.output_planes(planes, self._scale, None)
        _, black, codes = form.codes
        results[0][...] = to_codes((y - black) * codes, form)
        for plane, result in zip(planes[1:], results[1:], strict=True):
            interpolate_plane(plane, result, form.centres, form, self._scale, self._threads)
        return results

    def state(self) -> dict[str, NDArray[Any]]:
        """All that later results depend on, as arrays. A stream restored from it gives the same bytes."""
        arrays = {f"sequence/{name}": value for name, value in self._sequence.state().items()}
        if self._detector is not None:
            arrays |= {f"scenes/{name}": value for name, value in self._detector.state().items()}
        for k, planes in enumerate(self._chroma):
            arrays |= {f"planes/{k}/{number}": plane for number, plane in enumerate(planes)}
        return arrays

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from what :meth:`state` returned.

        Raises:
            InvalidArgument: the state of another network, or none.
        """
        parts: dict[str, dict[str, NDArray[Any]]] = {"sequence": {}, "scenes": {}, "planes": {}}
        for name, value in state.items():
            part, _, rest = name.partition("/")
            if part not in parts:
                raise InvalidArgument(f"frames: {name!r} belongs to no state of a video")
            parts[part][rest] = value
        self._sequence.restore(parts["sequence"])
        if self._detector is not None:
            self._detector.restore(parts["scenes"])
        self._chroma = deque()
        for name in sorted(parts["planes"], key=lambda text: [int(n) for n in text.split("/")]):
            if name.endswith("/0"):
                self._chroma.append([])
            self._chroma[-1].append(np.array(parts["planes"][name]))

    def _forget(self) -> None:
        self._chroma.clear()
        if self._detector is not None:
            self._detector = CutDetector()


class SceneFinder:
    """Finds the frames of a video that begin a scene, as :class:`MotionFrames` does, without upscaling them.

    Args:
        form: the format of the frames.

    >>> finder = SceneFinder(FrameFormat("gray", None, 8, False))
    >>> [finder.begins_scene(np.full((48, 64), v, np.uint8)) for v in (20, 21, 22, 90, 91)]
    [True, False, False, True, False]
    """

    def __init__(self, form: FrameFormat) -> None:
        self._form, self._detector = form, CutDetector()

    def begins_scene(self, luma: Plane) -> bool:
        """Whether a scene begins with the next frame, of which this is the plane of luma."""
        return self._detector.begins_scene(_bytes(_studio_luma(luma, self._form)))


def _studio_luma(luma: Plane, form: FrameFormat) -> Planes:
    """Codes as studio luma of 16/255 … 235/255."""
    unit, black, _ = form.codes
    studio: Planes = luma.astype(np.float32) * unit + black
    return studio


def _bytes(y: Planes) -> NDArray[np.uint8]:
    """Studio luma as bytes, for the detector of scenes."""
    codes: NDArray[np.uint8] = np.clip(y * np.float32(255), 0, 255).astype(np.uint8)
    return codes
