"""Films made once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from video import films


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Films by their names in films.FILMS and films.NOT_FILMS; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("films")

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            {**films.FILMS, **films.NOT_FILMS}[name](path)
        return path

    return find
