"""Videos made once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from video import clips


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Videos by their names in clips.CLIPS and clips.NOT_VIDEOS; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("videos")

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            {**clips.CLIPS, **clips.NOT_VIDEOS}[name](path)
        return path

    return find
