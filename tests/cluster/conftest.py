"""Commands, and pools in place of Ray's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cli.conftest import run  # noqa: F401 - a fixture
from cluster.local_pool import LocalPool
from subpixel.cluster import image_batch, video_job


class Pools:
    """The pools that commands open.

    Attributes:
        opened: all of them, in order.
        options: of the next one, see :class:`LocalPool`.
    """

    def __init__(self) -> None:
        self.opened: list[LocalPool] = []
        self.options: dict[str, Any] = {}

    def __call__(self, *arguments: Any) -> LocalPool:
        self.opened.append(LocalPool(*arguments, **self.options))
        return self.opened[-1]


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> Pools:
    pools = Pools()
    monkeypatch.setattr(image_batch, "RayPool", pools)
    monkeypatch.setattr(video_job, "RayPool", pools)

    def ship(path: Any) -> tuple[Any, ...]:
        data = np.fromfile(path, np.uint8)
        return data[:1000], data[1000:]

    monkeypatch.setattr(video_job, "ship", ship)
    return pools
