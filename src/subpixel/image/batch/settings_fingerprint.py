"""What was asked of a result besides its size, as text: two results of one image are equal if it is."""

from __future__ import annotations

from subpixel.models.zoo import is_path
from subpixel.storage.digest import digest_of

__all__ = ["settings_of"]


def settings_of(model: str, **options: object) -> str:
    """The text for a model and whatever else changes a result.

    Args:
        model: as it was asked for. ``auto`` and names mean the same as long as this package's version is; a file is
            told by its content, so that it may move, and a file trained further is another model.
        options: by name; those that are None were not asked for.

    Raises:
        OSError: the model's file cannot be read.

    >>> settings_of("auto", precision="auto", strength=1.0, quality=None)
    'model=auto precision=auto strength=1.0'
    """
    known = f"sha256:{digest_of(model)}" if is_path(model) else model
    values = {"model": known, **options}
    return " ".join(f"{name}={value}" for name, value in values.items() if value is not None)
