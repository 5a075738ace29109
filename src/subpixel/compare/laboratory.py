"""Everything that the command does for one report: the comparison, the figures, the trained networks, the files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from subpixel import __version__
from subpixel.backends import available_threads
from subpixel.compare.claims import check_claims
from subpixel.compare.degradations import degradation_of
from subpixel.compare.image_input import read_image
from subpixel.compare.methods import methods_of
from subpixel.compare.report import write_images, write_report
from subpixel.compare.results import Results
from subpixel.compare.run_folder import RunFolder
from subpixel.compare.runner import LARGEST, SCALES, part_of, run
from subpixel.errors import InvalidArgument, MissingExtra, SubpixelError, unknown
from subpixel.storage.digest import digest_of
from subpixel.storage.whole_files import write_whole

__all__ = ["Laboratory", "Outcome"]

# How long each part trains by default, and how often.
_MINUTES = {"decoder": 20.0, "spaces": 12.0}
_SEEDS = {"decoder": 5, "spaces": 3}


@dataclass(frozen=True)
class Outcome:
    """What a report says.

    Args:
        where: the page; the folder if no page could be written.
        markdown: the tables.
        json: all results.
        before: whether an earlier run with the same settings had made it.
    """

    where: Path
    markdown: str
    json: str
    before: bool = False


class Laboratory:
    """One report, not yet made. Arguments are checked here; :meth:`run` does the work.

    Args:
        image: the file to compare on; None for trained networks alone.
        folder: of the report; None for ``NAME_compare`` beside the image, or ``compare`` without one.
        scale: 2, 3, 4 or 8.
        reference: see :func:`subpixel.compare.run`.
        degradation: likewise.
        methods: likewise.
        size: the side of the part that is compared, in pixels of the result.
        decoder: train decoders.
        lr_hr: train networks in LR space and in HR space.
        data: a folder of images to train on.
        masks: a folder of their masks.
        minutes: how long each of the two takes, about; None for 20 and 12.
        seeds: how many times everything is trained; None for 5 and 3.
        seed: of everything random.
        threads: the default is as many as this process may use.
        overwrite: replace an earlier report.
        name: of the image in the report; None for that of the file.
        on_note: called with each thing that a reader must know, one sentence each.

    Raises:
        InvalidArgument: an argument is out of range, a name is unknown, or the folder holds other things.
        ImageReadError: the image cannot be read.
    """

    def __init__(
        self,
        image: Path | None,
        folder: Path | None = None,
        *,
        scale: int = 2,
        reference: bool = True,
        degradation: str = "bicubic",
        methods: Iterable[str] | None = None,
        size: int = LARGEST,
        decoder: bool = False,
        lr_hr: bool = False,
        data: Path | None = None,
        masks: Path | None = None,
        minutes: float | None = None,
        seeds: int | None = None,
        seed: int = 0,
        threads: int | None = None,
        overwrite: bool = False,
        name: str | None = None,
        on_note: Callable[[str], None] = lambda text: None,
    ) -> None:
        if scale not in SCALES:
            raise InvalidArgument(f"scale={scale!r}: 2, 3, 4 or 8 is needed")
        if size < 4 * scale:
            raise InvalidArgument(f"size={size}: at least {4 * scale} pixels are needed at ×{scale}")
        degradation_of(degradation)
        self._methods = [method.name for method in methods_of(methods)]
        for each in (data, masks):
            if each is not None and not each.is_dir():
                raise InvalidArgument(f"{each}: no such folder")
        self._image, self._scale, self._reference, self._degradation = image, scale, reference, degradation
        self._size, self._seed, self._overwrite = size, seed, overwrite
        self._threads = available_threads() if threads is None else threads
        self._trained = {"decoder": decoder, "spaces": lr_hr}
        self._data, self._masks, self._minutes, self._seeds = data, masks, minutes, seeds
        self._notes: set[str] = set()
        self._on_note = on_note
        self._name = name or ("" if image is None else image.name)
        self._pixels: NDArray[Any] | None = None
        if image is not None:
            self._pixels, notes = read_image(image)
            part_of(self._pixels, scale, reference=reference, largest=size)  # whether it is large enough
            for note in notes:
                self._note(f"{image}: {note}")
        default = Path("compare") if image is None else image.with_name(f"{image.stem}_compare")
        self.folder = default if folder is None else folder

    def draw(self, figure: str) -> Path:
        """Draw one figure of the image to ``folder/NAME.png``; returns its path.

        Raises:
            InvalidArgument: there is no such figure, the image is too small for it, or the file exists.
            MissingExtra: a package is not installed.
        """
        from subpixel.compare.figures import FIGURES, draw

        if figure not in FIGURES:
            raise unknown("figure", figure, FIGURES)
        path = self.folder / f"{figure}.png"
        if os.path.lexists(path) and not self._overwrite:
            raise InvalidArgument(f"{path}: exists already; overwrite=True replaces it")
        _check_writable(self.folder)
        return draw(figure, self._pixels, self.folder, seed=self._seed, threads=self._threads)

    def run(self, progress: Callable[[str], None] | None = None) -> Outcome:
        """Make the report. A stopped run with the same settings goes on; a finished one is read.

        Args:
            progress: called with what is done next.

        Raises:
            InvalidArgument: the image is too small, or the folder holds other things.
            MissingExtra: torch is not installed, which trained networks need. What does not is written before.
            SubpixelError: a training failed.
            OSError: a file cannot be written.
        """
        say = progress or (lambda text: None)
        folder = RunFolder(self.folder, self._settings(), overwrite=self._overwrite)
        if folder.state == "done":
            earlier = _earlier(self.folder)
            if earlier is not None:
                return earlier
        _check_writable(self.folder)
        folder.start()
        try:
            # What is trained comes first: whatever is wrong with its data is found before the rest is done.
            trained, failure = self._train(say)
            results = None if self._pixels is None else self._compare(say)
        except SubpixelError:
            folder.withdraw()
            raise
        if results is not None:
            results.save(self.folder)
            say("images")
            write_images(self.folder, results)
        figures = [] if results is None else self._draw_figures(say)
        decoder, spaces = trained.get("decoder"), trained.get("spaces")
        say("report")
        outcome = _outcome(self.folder, results, decoder, spaces)
        write_whole(self.folder / "report.json", outcome.json)
        write_whole(self.folder / "report.md", outcome.markdown)
        try:
            where = write_report(
                self.folder, results, decoder=decoder, spaces=spaces, figures=figures, captions=_captions(figures)
            )
        except MissingExtra as error:
            self._note(f"there are no page and no charts: {error}")
            where = self.folder
        if failure is not None:
            raise failure
        folder.finish()
        return Outcome(where, outcome.markdown, outcome.json)

    def _settings(self) -> dict[str, Any]:
        """What the report depends on. Folders by their names alone, since their paths are private."""
        return {
            "version": __version__,
            "image": None if self._image is None else [self._name, digest_of(self._image)],
            "scale": self._scale,
            "reference": self._reference,
            "degradation": self._degradation,
            "methods": self._methods,
            "size": self._size,
            "seed": self._seed,
            # Times depend on it; what networks learn does not.
            "threads": None if self._image is None else self._threads,
            "trained": [name for name, wanted in self._trained.items() if wanted],
            "data": None if self._data is None else self._data.resolve().name,
            "masks": None if self._masks is None else self._masks.resolve().name,
            "minutes": self._minutes,
            "seeds": self._seeds,
        }

    def _compare(self, say: Callable[[str], None]) -> Results:
        return run(
            self._pixels,
            self._scale,
            methods=self._methods,
            reference=self._reference,
            degradation=self._degradation,
            largest=self._size,
            threads=self._threads,
            seed=self._seed,
            name=self._name,
            progress=say,
        )

    def _draw_figures(self, say: Callable[[str], None]) -> list[Path]:
        from subpixel.compare.figures import FIGURES, draw

        paths = []
        for name, figure in FIGURES.items():
            say(figure.title)
            try:
                paths.append(draw(name, self._pixels, self.folder / "figures", seed=self._seed, threads=self._threads))
            except MissingExtra as error:
                self._note(f"not every figure was drawn: {error}")
            except InvalidArgument as error:
                self._note(f"the figure '{name}' was not drawn: {error}")
        return paths

    def _train(self, say: Callable[[str], None]) -> tuple[dict[str, Any], MissingExtra | None]:
        """Results by part, and the error about a package that is missing if the rest of the report can be written."""
        found: dict[str, Any] = {}
        for part, wanted in self._trained.items():
            if not wanted:
                continue
            options: dict[str, Any] = {
                "minutes": _MINUTES[part] if self._minutes is None else self._minutes,
                "seeds": _SEEDS[part] if self._seeds is None else self._seeds,
                "seed": self._seed,
                "threads": self._threads,
                "progress": lambda state: say(str(state)),
            }
            try:
                if part == "decoder":
                    from subpixel.compare.decoder import compare_decoders

                    found[part] = compare_decoders(self.folder / part, data=self._data, masks=self._masks, **options)
                else:
                    from subpixel.compare.spaces import compare_spaces

                    found[part] = compare_spaces(self.folder / part, self._data, scale=self._scale, **options)
            except MissingExtra as error:
                if self._pixels is None:
                    raise
                return found, error
        return found, None

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.add(text)
            self._on_note(text)


def _captions(figures: list[Path]) -> dict[str, tuple[str, str]]:
    from subpixel.compare.figures import FIGURES

    return {path.stem: (FIGURES[path.stem].title, FIGURES[path.stem].about) for path in figures}


def _outcome(folder: Path, results: Results | None, decoder: Any, spaces: Any) -> Outcome:
    parts = {"comparison": results, "decoder": decoder, "spaces": spaces}
    there = {name: part for name, part in parts.items() if part is not None}
    content: dict[str, Any] = {name: part.to_dict() for name, part in there.items()}
    content["claims"] = [vars(claim) for claim in check_claims(results, decoder, spaces)]
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return Outcome(folder, "\n".join(part.to_markdown() for part in there.values()), text)


def _earlier(folder: Path) -> Outcome | None:
    """What a finished run left; None if a file of it is gone."""
    page = folder / "report.html"
    try:
        markdown, text = ((folder / name).read_text(encoding="utf-8") for name in ("report.md", "report.json"))
    except (OSError, ValueError):
        return None
    return Outcome(page, markdown, text, before=True) if page.is_file() else None


def _check_writable(folder: Path) -> None:
    """Raise InvalidArgument before the work if the folder cannot be made or written."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not there.is_dir():
        raise InvalidArgument(f"{folder}: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InvalidArgument(f"{folder}: cannot be written: permission denied")
