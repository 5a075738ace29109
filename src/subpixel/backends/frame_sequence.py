"""Runs a network that reads several frames over a video, one frame after another.

The network never sees frames of another scene: beyond the ends of a scene, its first and last frame are repeated, and
states start again. At the start of a scene, a state is 0, the previous result is the frame, each sample repeated, and
the running mean is the frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import Planes, VideoSession
from subpixel.errors import InvalidArgument
from subpixel.models.spec import Frame, Previous, RunningMean, Spec, State
from subpixel.ops import pixel_unshuffle
from subpixel.ops.running_mean import running_mean

__all__ = ["FrameSequence"]


class FrameSequence:
    """The frames of a video, pushed one after another. Not thread-safe: each result depends on the frames before.

    Args:
        session: the network, ready to run.
        spec: the description of the network.
    """

    def __init__(self, session: VideoSession, spec: Spec) -> None:
        self._session, self._spec = session, spec
        self._behind, self._ahead = spec.reach
        self.reset()

    @property
    def latency(self) -> int:
        """How many frames later the result of a frame comes: the number of frames after it that the network reads."""
        return self._ahead

    def reset(self) -> None:
        """Forget everything: the next frame is the first of a video."""
        # The frames that are still needed, each with the number of its scene. The last ``_waiting`` have no result yet.
        self._frames: deque[tuple[Planes, int]] = deque()
        self._waiting = self._scene = 0
        self._upscaled_scene = -1
        self._states: dict[str, Planes] = {}

    def push(self, frame: Planes, *, begins_scene: bool = False) -> Planes | None:
        """Add the next frame.

        Args:
            frame: ``(C, H, W)`` f32 in the Spec's colour range.
            begins_scene: a scene begins with this frame. A change of size always begins a scene.

        Returns:
            The result of the frame :attr:`latency` frames ago, ``(C, H*scale, W*scale)`` f32; None while there is no
            such frame.
        """
        if self._frames and (begins_scene or self._frames[-1][0].shape != frame.shape):
            self._scene += 1
        self._frames.append((frame, self._scene))
        self._waiting += 1
        return self._next() if self._waiting > self._ahead else None

    def flush(self) -> list[Planes]:
        """The remaining results, at the end of a video. The next frame is then the first of another video."""
        results = []
        while self._waiting:
            results.append(self._next())
        self.reset()
        return results

    def state(self) -> dict[str, NDArray[Any]]:
        """All that later results depend on, as arrays. A sequence restored from it gives the same bytes."""
        arrays: dict[str, NDArray[Any]] = {
            "numbers": np.array([self._waiting, self._scene, self._upscaled_scene], np.int64),
            "scenes": np.array([scene for _, scene in self._frames], np.int64),
        }
        arrays |= {f"frame {k}": frame.copy() for k, (frame, _) in enumerate(self._frames)}
        return arrays | {f"kept {name}": value.copy() for name, value in self._states.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from the arrays that :meth:`state` returned.

        Raises:
            InvalidArgument: the arrays are not a state, or not one of this network.
        """
        known = {one.name for one in self._spec.inputs if not isinstance(one, Frame)}
        try:
            waiting, scene, upscaled = (int(n) for n in state["numbers"])
            scenes = [int(n) for n in state["scenes"]]
            frames = [np.array(state[f"frame {k}"], np.float32) for k in range(len(scenes))]
            states = {k[5:]: np.array(v, np.float32) for k, v in state.items() if k.startswith("kept ")}
            fits = set(states) <= known and 0 <= waiting <= min(len(frames), self._ahead)
            fits &= len(frames) <= self._behind + self._ahead + 1 and scenes == sorted(scenes)
            fits &= all(f.ndim == 3 and f.shape[0] == self._spec.channels for f in frames)
            planes = {one.name: self._spec.values[one.name].channels for one in self._spec.inputs}
            planes |= {one.name: 3 * planes[one.name] for one in self._spec.means}  # see running_mean
            fits &= all(v.ndim == 3 and v.shape[0] == planes[k] for k, v in states.items())
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise InvalidArgument("sequence: state is not one that FrameSequence.state() returned for this network")
        self._frames = deque(zip(frames, scenes, strict=True))
        self._waiting, self._scene, self._upscaled_scene, self._states = waiting, scene, upscaled, states

    def _next(self) -> Planes:
        """The result of the first frame that has none yet."""
        spec, current = self._spec, len(self._frames) - self._waiting
        frame, scene = self._frames[current]
        if scene != self._upscaled_scene:
            self._upscaled_scene, self._states = scene, {}
        same = [k for k, (_, its) in enumerate(self._frames) if its == scene]
        inputs: dict[str, Planes] = {}
        for one in spec.inputs:
            if isinstance(one, Frame):
                inputs[one.name] = self._frames[min(max(current + one.offset, same[0]), same[-1])][0]
            elif isinstance(one, RunningMean):
                so_far = self._states.get(one.name)
                mean = running_mean(frame, so_far, frames=one.frames, still=one.still, changed=one.changed)
                self._states[one.name], inputs[one.name] = mean, mean[: spec.channels]
            elif one.name in self._states:
                inputs[one.name] = self._states[one.name]
            elif isinstance(one, Previous):
                inputs[one.name] = np.repeat(frame, spec.scale**2, axis=0)
            else:
                inputs[one.name] = np.zeros((one.channels, *frame.shape[1:]), np.float32)
        output = self._session(inputs)
        result = output[spec.layers[-1].name]
        for one in spec.inputs:
            if isinstance(one, State):
                self._states[one.name] = output[one.next]
            elif isinstance(one, Previous):
                clipped = np.clip(result, np.float32(0), np.float32(1))
                self._states[one.name] = pixel_unshuffle(clipped[None], spec.scale)[0]
        self._waiting -= 1
        while len(self._frames) - self._waiting > self._behind:
            self._frames.popleft()
        return result
