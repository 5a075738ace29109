"""What many tests start from."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

import subpixel.upscaler.shared_upscaler
from networks import residual
from subpixel.models import save, zoo

# The same examples in every run. ``pytest --hypothesis-profile random`` draws others, and more; make test-long does it.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.register_profile("random", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile("fixed")


def pytest_runtest_teardown() -> None:
    """Tests that make clips with SVT-AV1 leave a real-time process if it is root's; the machine would wait for it."""
    if sys.platform == "linux" and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@pytest.fixture
def rng():
    """Random numbers, the same in every run."""
    return np.random.default_rng(20160919)


@pytest.fixture(scope="session")
def data_dir():
    """The folder of test images beside the repository."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the test images (../shared/data beside the repository) are not here")
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], str]:
    """The name or path of a model of each kind."""
    folder = tmp_path_factory.mktemp("models")
    looks = {"luma": ("luma", "replicate"), "rgb": ("rgb", "replicate"), "zero": ("luma", "zero")}

    def find(kind: str, scale: int = 2) -> str:
        if kind == "bicubic":
            return "bicubic"
        path = folder / f"{kind}_x{scale}.safetensors"
        if not path.exists():
            save(residual(scale, *looks[kind], seed=7), path)
        return str(path)

    return find


@pytest.fixture
def with_compressed(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Stand-ins for what ``auto`` means at ×2 and for its variant for compressed images; the variant's name."""
    name = zoo.resolve("auto")
    variant = f"{name}-compressed"
    folder = tmp_path_factory.mktemp("shipped")
    for seed, each in enumerate((name, variant)):
        save(replace(residual(2, "luma", "replicate", seed=seed), name=each), folder / f"{each}_x2.safetensors")
    shutil.copy(zoo.ZOO["bicubic"].path(2), folder)
    monkeypatch.setattr(zoo, "_WEIGHTS", folder)
    monkeypatch.setitem(zoo.ZOO, variant, zoo.Entry(variant, (2,), "a stand-in"))
    for remembered in (zoo._load_shipped, subpixel.upscaler.shared_upscaler._shared):
        remembered.cache_clear()
    yield variant
    for remembered in (zoo._load_shipped, subpixel.upscaler.shared_upscaler._shared):
        remembered.cache_clear()
