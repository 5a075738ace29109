"""A folder of small images, and one finished comparison on it."""

from pathlib import Path

import pytest
from tests.helpers import save_image

from subpixel.compare.spaces import compare_spaces
from subpixel.compare.spaces.images import made_images

TINY = {"seeds": 2, "steps": 8, "budgets": ["small"], "sizes": ((24, 36), (48, 60))}


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    images = made_images(0, 12, 96)
    for number, pixels in enumerate((*images.training, *images.test)):
        save_image(folder / f"{number:02d}.png", pixels)
    return folder


@pytest.fixture(scope="session")
def results(tmp_path_factory, photographs):
    return compare_spaces(tmp_path_factory.mktemp("finished"), photographs, threads=1, **TINY)


@pytest.fixture(scope="session")
def finished(results) -> Path:
    return results.pictures["costs"].parent
