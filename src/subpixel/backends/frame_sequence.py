"""A video's frames through a network that reads several of them, one after another.

Frames of another scene are never looked at: beyond a scene's ends its first and last frame go on, and what a network
keeps begins anew. At the beginning of a scene a state is 0 and the previous result is the frame, each sample repeated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import Planes, VideoSession
from subpixel.errors import InvalidArgument
from subpixel.models.spec import Frame, Previous, Spec
from subpixel.models.spec import State as Kept
from subpixel.ops import pixel_unshuffle

__all__ = ["FrameSequence"]


class FrameSequence:
    """Steps through a video. Not thread-safe: what comes next depends on what came before.

    Args:
        session: of the network.
        spec: the network.
    """

    def __init__(self, session: VideoSession, spec: Spec) -> None:
        self._session, self._spec = session, spec
        self._behind, self._ahead = spec.reach
        self.reset()

    @property
    def latency(self) -> int:
        """How many results a result comes after its frame."""
        return self._ahead

    def reset(self) -> None:
        """Forget everything: the next frame is the first of a video."""
        # The frames that are still needed, with the number of their scene; as many of the last ones wait for results.
        self._frames: deque[tuple[Planes, int]] = deque()
        self._waiting = self._scene = 0
        self._upscaled_scene = -1
        self._kept: dict[str, Planes] = {}

    def push(self, frame: Planes, *, begins_scene: bool = False) -> Planes | None:
        """The next frame.

        Args:
            frame: ``(C, H, W)`` f32 in the Spec's colour contract.
            begins_scene: a scene begins with this frame. A change of size always begins a scene.

        Returns:
            The result for the frame :attr:`latency` frames before, ``(C, H*scale, W*scale)``; None where there was
            none yet.
        """
        if self._frames and (begins_scene or self._frames[-1][0].shape != frame.shape):
            self._scene += 1
        self._frames.append((frame, self._scene))
        self._waiting += 1
        return self._next() if self._waiting > self._ahead else None

    def flush(self) -> list[Planes]:
        """The results still to come, at the end of a video; then everything is forgotten."""
        results = []
        while self._waiting:
            results.append(self._next())
        self.reset()
        return results

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that the next results depend on, as arrays; with it, another sequence goes on to equal bytes."""
        arrays: dict[str, NDArray[Any]] = {
            "numbers": np.array([self._waiting, self._scene, self._upscaled_scene], np.int64),
            "scenes": np.array([scene for _, scene in self._frames], np.int64),
        }
        arrays |= {f"frame {k}": frame.copy() for k, (frame, _) in enumerate(self._frames)}
        return arrays | {f"kept {name}": value.copy() for name, value in self._kept.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what :meth:`state` gave.

        Raises:
            InvalidArgument: a state of another network, or none.
        """
        known = {one.name for one in self._spec.inputs if not isinstance(one, Frame)}
        try:
            waiting, scene, upscaled = (int(n) for n in state["numbers"])
            scenes = [int(n) for n in state["scenes"]]
            frames = [np.array(state[f"frame {k}"], np.float32) for k in range(len(scenes))]
            kept = {k[5:]: np.array(v, np.float32) for k, v in state.items() if k.startswith("kept ")}
            fits = set(kept) <= known and 0 <= waiting <= min(len(frames), self._ahead)
            fits &= len(frames) <= self._behind + self._ahead + 1 and scenes == sorted(scenes)
            fits &= all(f.ndim == 3 and f.shape[0] == self._spec.channels for f in frames)
            fits &= all(v.ndim == 3 and v.shape[0] == self._spec.values[k].channels for k, v in kept.items())
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise InvalidArgument("sequence: that is no state of a FrameSequence of this network")
        self._frames = deque(zip(frames, scenes, strict=True))
        self._waiting, self._scene, self._upscaled_scene, self._kept = waiting, scene, upscaled, kept

    def _next(self) -> Planes:
        """The result of the first frame that waits."""
        spec, place = self._spec, len(self._frames) - self._waiting
        frame, scene = self._frames[place]
        if scene != self._upscaled_scene:
            self._upscaled_scene, self._kept = scene, {}
        same = [k for k, (_, its) in enumerate(self._frames) if its == scene]
        inputs: dict[str, Planes] = {}
        for one in spec.inputs:
            if isinstance(one, Frame):
                inputs[one.name] = self._frames[min(max(place + one.offset, same[0]), same[-1])][0]
            elif one.name in self._kept:
                inputs[one.name] = self._kept[one.name]
            elif isinstance(one, Previous):
                inputs[one.name] = np.repeat(frame, spec.scale**2, axis=0)
            else:
                inputs[one.name] = np.zeros((one.channels, *frame.shape[1:]), np.float32)
        output = self._session(inputs)
        result = output[spec.layers[-1].name]
        for one in spec.inputs:
            if isinstance(one, Kept):
                self._kept[one.name] = output[one.next]
            elif isinstance(one, Previous):
                limited = np.clip(result, np.float32(0), np.float32(1))
                self._kept[one.name] = pixel_unshuffle(limited[None], spec.scale)[0]
        self._waiting -= 1
        while len(self._frames) - self._waiting > self._behind:
            self._frames.popleft()
        return result
