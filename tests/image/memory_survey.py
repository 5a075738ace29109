"""Jobs of many kinds, the memory that an estimate states for each, and the memory that each takes.

``python tests/image/memory_survey.py`` prints a table of all of them, and with names as arguments of these.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel import Upscaler
from subpixel.image import Job
from subpixel.image.estimate import SpeedTrials, estimate_job
from subpixel.image.synthetic import photograph
from subpixel.models import find, save

__all__ = ["JOBS", "SurveyJob", "measure"]

# Runs the command line and prints the largest memory of this process in kB. It is that since exec: no parent counts.
_RUN = """
import sys
from subpixel.cli import run
code = run()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print("peak", status["VmHWM"].split()[0])
sys.exit(code)
"""


@dataclass(frozen=True)
class SurveyJob:
    """A job: an image that is made for it, and what it becomes.

    Args:
        size: ``(width, height)`` of the image.
        source: the suffix of its file.
        result: the suffix of its result.
        bands: 1 … 4.
        deep: 16 bits.
        model: of the upscaler.
        flat: the model has flat cells, up to this threshold.
        frames: of an animation.
        saved: options of libvips for the source.
        cmyk: the image is CMYK.
        options: of the upscaler and the job.
    """

    size: tuple[int, int]
    source: str
    result: str
    bands: int = 3
    deep: bool = False
    model: str = "fast"
    flat: float | None = None
    frames: int = 1
    saved: dict[str, Any] = field(default_factory=dict)
    cmyk: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What distinguishes it, for a table."""
        kind = "cmyk" if self.cmyk else {1: "gray", 2: "gray+alpha", 3: "RGB", 4: "RGBA"}[self.bands]
        words = [f"{self.size[0]}×{self.size[1]}", kind]
        words += ["16 bits"] * self.deep + [f"{self.frames} frames"] * (self.frames > 1)
        words += ["flat cells"] * (self.flat is not None)
        words += [f"{key}={value}" for key, value in self.saved.items()] + [self.source, "→", self.result, self.model]
        return " ".join([*words, *(f"{key}={value}" for key, value in self.options.items())])

    def make(self, path: Path) -> None:
        """Write the image, and the model if it is no shipped one."""
        if self.flat is not None:
            save(replace(find(self.model, 2), flat={"threshold": self.flat}), path.parent / "model.safetensors")
        width, height = self.size
        tile = _pixels(self.bands)
        image = pyvips.Image.new_from_array(tile)
        image = image.replicate(-(-width // 512), -(-height * self.frames // 512)).crop(
            0, 0, width, height * self.frames
        )
        if self.deep:
            image = (image * 257).cast("ushort").copy(interpretation="grey16" if self.bands < 3 else "rgb16")
        if self.cmyk:
            image = image.copy(interpretation="cmyk")
        if self.frames > 1:
            image = image.copy()
            image.set_type(pyvips.GValue.gint_type, "page-height", height)
            image.set_type(pyvips.GValue.array_int_type, "delay", [100] * self.frames)
        image.write_to_file(str(path), **self.saved)

    def stated(self, folder: Path) -> int:
        """Bytes of memory by the estimate."""
        options = dict(self.options)
        upscaler = Upscaler(options.pop("scale", 2), model=self._model(folder))
        job = Job(folder / f"source{self.source}", upscaler, folder / f"result{self.result}", **options)
        estimate = estimate_job(job, _NoTrial())
        if estimate.problems:
            raise estimate.problems[0]
        return estimate.memory

    def arguments(self, folder: Path) -> list[str]:
        """Of the command line."""
        options = [word for key, value in self.options.items() for word in (f"--{key}", str(value))]
        return [
            "upscale", str(folder / f"source{self.source}"), "-o", str(folder / f"result{self.result}"),
            "--model", self._model(folder), *options,
        ]  # fmt: skip

    def _model(self, folder: Path) -> str:
        return self.model if self.flat is None else str(folder / "model.safetensors")


class _NoTrial(SpeedTrials):
    """No time is measured."""

    def __call__(self, *_: Any) -> float:
        return 0.0


def _pixels(bands: int) -> NDArray[np.uint8]:
    tile = photograph(512, 512)
    if bands in (2, 4):
        # A soft disc: a quarter is invisible, and alpha changes over a wide border.
        y, x = np.mgrid[-1:1:512j, -1:1:512j]
        alpha = np.clip((1 - np.hypot(x, y)) * 512, 0, 255).astype(np.uint8)
        tile = np.dstack([tile[..., : bands - 1], alpha])
    return tile if bands > 1 else tile[..., 0]


def measure(job: SurveyJob) -> tuple[int, int]:
    """What the command line states for a job and takes for it, in bytes.

    Raises:
        RuntimeError: the job failed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job.make(folder / f"source{job.source}")
        stated = job.stated(folder)
        peak = _run([*job.arguments(folder), "--quiet"]).splitlines()[-1]
        return stated, int(peak.split()[1]) << 10


def _run(arguments: list[str]) -> str:
    done = subprocess.run([sys.executable, "-c", _RUN, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout


# Kinds of images and results. Sizes are those at which the memory of a kind shows.
JOBS: tuple[SurveyJob, ...] = (
    # Small images: nearly all is the process.
    SurveyJob((300, 200), ".jpg", ".png"),
    SurveyJob((300, 200), ".png", ".jpg", bands=4, options={"background": "white"}),
    SurveyJob((300, 200), ".png", ".webp", bands=4),
    SurveyJob((300, 200), ".png", ".avif"),
    SurveyJob((300, 200), ".tif", ".tif", deep=True),
    SurveyJob((300, 200), ".png", ".gif", model="bicubic"),
    SurveyJob((300, 200), ".png", ".png", model="high"),
    SurveyJob((300, 200), ".gif", ".gif", frames=8),
    # In memory, by format and kind.
    SurveyJob((2000, 1500), ".jpg", ".jpg"),
    SurveyJob((2000, 1500), ".jpg", ".png", model="bicubic"),
    SurveyJob((2000, 1500), ".png", ".png", bands=1),
    SurveyJob((2000, 1500), ".png", ".tif", bands=2),
    SurveyJob((2000, 1500), ".png", ".png", deep=True),
    SurveyJob((2000, 1500), ".png", ".png", saved={"interlace": True}),
    SurveyJob((2000, 1500), ".png", ".png", saved={"palette": True}),
    SurveyJob((2000, 1500), ".jpg", ".tif", bands=4, cmyk=True),
    SurveyJob((2000, 1500), ".jpg", ".jpg", saved={"interlace": True}),
    SurveyJob((2000, 1500), ".tif", ".webp", options={"quality": 90}),
    SurveyJob((2000, 1500), ".png", ".webp"),
    SurveyJob((2000, 1500), ".webp", ".png", saved={"lossless": True}),
    SurveyJob((1200, 900), ".png", ".avif"),
    SurveyJob((1200, 900), ".png", ".avif", bands=4),
    SurveyJob((1000, 800), ".png", ".avif", deep=True),
    SurveyJob((1200, 900), ".avif", ".png"),
    SurveyJob((1200, 900), ".png", ".gif"),
    SurveyJob((500, 400), ".webp", ".webp", frames=8, saved={"lossless": True}),
    SurveyJob((1500, 1000), ".png", ".png", model="high"),
    SurveyJob((1500, 1000), ".jpg", ".jpg", options={"scale": 2.5}),
    SurveyJob((3000, 2000), ".png", ".png", bands=4),
    SurveyJob((4000, 3000), ".jpg", ".jpg"),
    SurveyJob((4000, 3000), ".jpg", ".png"),
    SurveyJob((4000, 3000), ".jpg", ".png", flat=8),
    SurveyJob((4000, 3000), ".png", ".png", bands=1, flat=8),
    # Row by row.
    SurveyJob((5200, 3600), ".jpg", ".jpg", model="bicubic"),
    SurveyJob((7000, 5000), ".jpg", ".jpg"),
    SurveyJob((7000, 5000), ".jpg", ".jpg", flat=8),
    SurveyJob((7000, 5000), ".png", ".png", bands=4),
    SurveyJob((7000, 5000), ".png", ".png", saved={"interlace": True}),
    SurveyJob((7000, 5000), ".tif", ".tif", saved={"compression": "lzw"}, model="bicubic"),
    SurveyJob((7000, 5000), ".png", ".png", saved={"palette": True}, model="bicubic"),
    SurveyJob((7000, 5000), ".jpg", ".jpg", model="bicubic", options={"scale": 1.7}),
    # Wide and tall.
    SurveyJob((60000, 400), ".png", ".tif"),
    SurveyJob((40000, 2000), ".png", ".png", model="bicubic"),
    SurveyJob((40000, 1000), ".tif", ".png", saved={"compression": "lzw"}),
    SurveyJob((400, 100000), ".png", ".png"),
    SurveyJob((30000, 900), ".jpg", ".jpg"),
)


def main(names: list[str]) -> None:
    """Print a table."""
    for job in JOBS:
        if names and not any(name in job.name for name in names):
            continue
        stated, peak = measure(job)
        mark = "TOO LITTLE" if stated < peak else "too much" if stated > (2 if peak < 250e6 else 1.6) * peak else ""
        print(f"{stated / 1e6:6.0f} {peak / 1e6:6.0f} {stated / peak:5.2f}  {job.name}  {mark}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
