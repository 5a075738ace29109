"""Which inputs of a batch get a result, decided by the paths of all results before any work begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from subpixel.errors import InvalidArgument
from subpixel.storage.inputs import Input

__all__ = ["RealPaths", "Selection", "select_inputs"]


class RealPaths(dict[str, str]):
    """Paths with their folders' links resolved; each folder is looked up once."""

    def __call__(self, path: Path) -> str:
        """The path with the links of its folder resolved."""
        return os.path.join(self[os.path.dirname(path)], path.name)

    def __missing__(self, folder: str) -> str:
        self[folder] = os.path.realpath(folder)
        return self[folder]


@dataclass(frozen=True)
class Selection:
    """Which inputs get a result.

    Args:
        chosen: the indices of those that do, in the order of the inputs.
        earlier_results: inputs that are left out because they are results of other inputs.
    """

    chosen: tuple[int, ...]
    earlier_results: tuple[Path, ...]


def select_inputs(
    inputs: Sequence[Input], destinations: Sequence[Path], has_provenance: Callable[[str], bool]
) -> Selection:
    """Choose the inputs that get a result.

    A file is left out if it is the result of another input: by its provenance; or by its name, if it was found in a
    folder and the result of another input will have this path.

    Args:
        inputs: files without errors.
        destinations: of their results.
        has_provenance: whether the file of a path says that it is a result. It is asked of files that are named like a
            result of another input beside them.

    Raises:
        InvalidArgument: two results would have one path, or a result would replace an input.
    """
    real = RealPaths()
    sources = [real(item.path) for item in inputs]
    results = {real(destination): item for destination, item in zip(destinations, inputs, strict=True)}
    stems: dict[str, set[str]] = {}
    for path in sources:
        stems.setdefault(os.path.dirname(path), set()).add(Path(path).stem)
    chosen: dict[str, int] = {}
    earlier_results = []
    collisions: dict[str, list[Path]] = {}
    for number, (item, path, destination) in enumerate(zip(inputs, sources, destinations, strict=True)):
        origin = results.get(path)
        if origin is item:
            origin = None  # the file would be written over itself, which the job refuses
        if (origin is not None and not item.named) or (_named_like_a_result(path, stems) and has_provenance(path)):
            earlier_results.append(item.path)
            continue
        if origin is not None:
            raise InvalidArgument(
                f"{item.path}: the result of {origin.path} would replace this input; choose another output folder"
            )
        target = real(destination)
        if target in chosen:
            collisions.setdefault(target, [inputs[chosen[target]].path]).append(item.path)
            continue
        chosen[target] = number
    if collisions:
        raise InvalidArgument(_collision_text({destinations[chosen[at]]: paths for at, paths in collisions.items()}))
    return Selection(tuple(chosen.values()), tuple(earlier_results))


def _collision_text(collisions: dict[Path, list[Path]]) -> str:
    """The error for results that would have one path, all of them at once: their sources by destination."""
    texts = []
    for destination, sources in collisions.items():
        both = "both" if len(sources) == 2 else "all"
        texts.append(f"{', '.join(map(str, sources[:-1]))} and {sources[-1]} would {both} be written to {destination}")
    return f"{'; '.join(texts)}; rename one, or choose different output folders"


def _named_like_a_result(path: str, stems: dict[str, set[str]]) -> bool:
    """Whether a file is named like a result of another input beside it."""
    stem = Path(path).stem
    others = stems[os.path.dirname(path)]
    return any(stem[:end] in others for end, letter in enumerate(stem) if letter == "_")
