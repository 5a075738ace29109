"""Videos by networks that use motion: frames in, frames out, some of them later."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from collections.abc import Sequence as List
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import BACKENDS, FrameFormat, available_threads, choose
from subpixel.backends.base import Planes, VideoSession
from subpixel.backends.frame_sequence import Sequence
from subpixel.backends.frames import interpolate_plane, rounded
from subpixel.errors import InvalidArgument, Unsupported
from subpixel.models.files import Model
from subpixel.models.zoo import find, find_network
from subpixel.ops.scenes import CutDetector
from subpixel.upscaler.network import Upscaler

__all__ = ["MotionNetwork", "network_for_video"]

Plane = NDArray[Any]


class MotionNetwork:
    """Upscales the frames of one video, in order, by a network that reads several of them; not thread-safe.

    Args:
        model: a shipped model's name, the path of a model file, or a model.
        scale: how many times larger, one of the model's.
        backend: ``auto``, ``native``, ``reference`` or ``torch``. ``auto`` is the compiled engine for a chain, such as
            our recurrent network, else torch where it is installed. Results of two backends differ in their last bits:
            who goes on with a video takes the same.
        precision: ``f32``, ``bf16``, ``int8``, or ``auto``: int8 where the model file records that it costs at most
            0.05 dB, else f32.
        threads: how many to use; None for as many as this process may.
        cuts: find where scenes begin, see :class:`subpixel.ops.scenes.CutDetector`; else all is one scene.

    Raises:
        InvalidArgument: unknown model, scale, backend or precision, or threads below 1.
        Unsupported: a network for single images or of RGB, or what the backend does not run.
        BackendUnavailable, ModelFileError: as :class:`subpixel.Upscaler`.

    >>> from subpixel.models import Model
    >>> from subpixel.models.recurrent import recurrent
    >>> spec = recurrent(2)
    >>> model = Model("still", spec, {k: np.zeros(s, np.float32) for k, s in spec.weight_shapes.items()})
    >>> video = MotionNetwork(model, 2, backend="reference")
    >>> video.latency, video.luma(np.full((4, 6), 0.5, np.float32)).shape
    (0, (8, 12))
    """

    def __init__(
        self,
        model: str | Model,
        scale: int,
        backend: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        *,
        cuts: bool = True,
    ) -> None:
        self.model = find(model, scale) if isinstance(model, str) else model
        spec = self.model.spec
        if spec.scale != scale:
            raise InvalidArgument(f"scale={scale}: '{self.model.name}' is a ×{spec.scale} model")
        if spec.plain or spec.colour != "luma":
            raise Unsupported(f"model '{self.model.name}' is none for videos: it sees single images, or R, G and B")
        self.threads = available_threads() if threads is None else threads
        if isinstance(self.threads, bool) or not isinstance(self.threads, int) or not 1 <= self.threads <= 1024:
            raise InvalidArgument(f"threads={threads!r}: an integer from 1 to 1024 is needed")
        self.scale = scale
        self.backend, self.precision, session = self._prepared(backend, precision)
        self._sequence = Sequence(session, spec)
        self._detector = CutDetector() if cuts else None
        self._chroma: deque[list[Plane]] = deque()

    def _prepared(self, name: str, precision: str) -> tuple[str, str, VideoSession]:
        quantisation = self.model.quantisation
        chosen, precision = choose(name, precision, quantisation)
        # The reference takes seconds for a frame of a network with warps; whoever has torch is better off.
        others = [BACKENDS[other] for other in ("torch", "reference") if not BACKENDS[other].unavailable()]
        spec, weights = self.model.spec, self.model.weights
        try:
            return chosen.name, precision, chosen.prepare_video(spec, weights, precision, self.threads, quantisation)
        except Unsupported:
            if name != "auto" or not others or chosen in others:
                raise
        return others[0].name, precision, others[0].prepare_video(spec, weights, precision, self.threads, quantisation)

    @property
    def latency(self) -> int:
        """How many frames a result comes after its own."""
        return self._sequence.latency

    def luma(self, y: Planes) -> Planes | None:
        """The next frame as a plane of studio luma, ``(H, W)`` f32 (16/255 … 235/255), to one that is not rounded.

        Returns:
            The result for the frame :attr:`latency` before, or None where there was none yet.
        """
        if not isinstance(y, np.ndarray) or y.ndim != 2 or y.dtype != np.float32 or 0 in y.shape:
            raise InvalidArgument("video: luma (H, W) of f32 is needed")
        begins = False
        if self._detector is not None:
            begins = self._detector.begins(np.clip(y * np.float32(255), 0, 255).astype(np.uint8))
        result = self._sequence.push(y[None], begins=begins)
        return None if result is None else result[0]

    def flush_luma(self) -> list[Planes]:
        """What is still to come, as :meth:`luma` gives it; then everything is forgotten."""
        results = [result[0] for result in self._sequence.flush()]
        self._forget()
        return results

    def push(self, planes: List[Plane], form: FrameFormat) -> list[Plane] | None:
        """The next frame as its planes of codes, luma first; see :meth:`subpixel.Upscaler.yuv` for what is kept.

        Returns:
            Planes of the larger frame for the one :attr:`latency` before, or None where there was none yet.

        Raises:
            InvalidArgument: planes that do not fit the form.
        """
        y, u, v = (*planes, None, None)[:3]
        checked = form.checked(y, u, v)
        unit, black, _ = form.codes
        self._chroma.append([plane.copy() for plane in checked])
        return self._composed(self.luma(checked[0].astype(np.float32) * unit + black), form)

    def flush(self, form: FrameFormat) -> list[list[Plane]]:
        """The larger frames still to come; then everything is forgotten."""
        result = [self._composed(y[0], form) for y in self._sequence.flush()]
        self._forget()
        return [planes for planes in result if planes is not None]

    def _composed(self, y: Planes | None, form: FrameFormat) -> list[Plane] | None:
        if y is None:
            return None
        planes = self._chroma.popleft()
        results = form.results(planes, self.scale, None)
        _, black, codes = form.codes
        results[0][...] = rounded((y - black) * codes, form)
        for plane, result in zip(planes[1:], results[1:], strict=True):
            interpolate_plane(plane, result, form.centres, form, self.scale, self.threads)
        return results

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next results depend on, as arrays: who takes it goes on with equal bytes."""
        arrays = {f"sequence/{name}": value for name, value in self._sequence.state().items()}
        if self._detector is not None:
            arrays |= {f"scenes/{name}": value for name, value in self._detector.state().items()}
        for k, planes in enumerate(self._chroma):
            arrays |= {f"planes/{k}/{number}": plane for number, plane in enumerate(planes)}
        return arrays

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what :meth:`state` gave.

        Raises:
            InvalidArgument: a state of another network, or none.
        """
        parts: dict[str, dict[str, NDArray[Any]]] = {"sequence": {}, "scenes": {}, "planes": {}}
        for name, value in state.items():
            part, _, rest = name.partition("/")
            if part not in parts:
                raise InvalidArgument(f"video: {name!r} belongs to no state of a video")
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


def network_for_video(
    model: str,
    scale: int,
    backend: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    *,
    strength: float = 1.0,
) -> Upscaler | MotionNetwork:
    """What upscales videos by a model: a :class:`MotionNetwork`, or an :class:`Upscaler` for single images.

    Raises:
        Unsupported: a strength for a network that reads several frames.
        SubpixelError: as either of them.
    """
    network = find_network(model, scale)
    if isinstance(network, Model) and not network.spec.plain:
        if strength != 1:
            raise Unsupported(f"model '{network.name}' reads several frames, and has no --strength")
        return MotionNetwork(network, scale, backend, precision, threads)
    return Upscaler(model, scale, backend, precision, threads, strength=strength)
