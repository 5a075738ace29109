"""Everything but the size that changes a result, as text: results of one image with equal text are equal."""

from __future__ import annotations

from subpixel.models.zoo import is_path
from subpixel.storage.digest import digest_of

__all__ = ["settings_fingerprint"]


def settings_fingerprint(model: str, **options: object) -> str:
    """The text for a model and the options that change a result.

    Args:
        model: as it was asked for. ``auto`` and names mean the same in one version of this package. The path of a file
            is replaced with the digest of its content: the file may move, and other weights are another model.
        options: by name; those that are None are left out.

    Raises:
        OSError: the model file cannot be read.

    >>> settings_fingerprint("auto", precision="auto", strength=1.0, quality=None)
    'model=auto precision=auto strength=1.0'
    """
    values = {"model": f"sha256:{digest_of(model)}" if is_path(model) else model, **options}
    return " ".join(f"{name}={value}" for name, value in values.items() if value is not None)
