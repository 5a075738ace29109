"""Which network a film is enlarged by, if nobody says."""

from __future__ import annotations

from subpixel.models.auto import Choice
from subpixel.models.zoo import compressed_variant
from subpixel.video.film import Film

__all__ = ["choose_model"]

# Of the shipped networks the one that is made for films: real time on a few cores.
_FILMS = "fast"
_LOSSLESS = {"ffv1", "huffyuv", "ffvhuff", "rawvideo", "utvideo", "magicyuv", "wrapped_avframe", "v210", "png", "qtrle"}


def choose_model(film: Film | None, model: str, scale: int) -> Choice:
    """The model that was asked for; with ``auto`` the fast one, or its variant for what a lossy codec went over.

    Args:
        film: the film; None where nothing is known of it.
        model: a name, a path, or ``auto``.
        scale: how many times larger.
    """
    if model != "auto":
        return Choice(model, False, "")
    if film is None:
        return Choice(_FILMS, False, "")
    variant = compressed_variant(_FILMS, scale)
    if film.codec in _LOSSLESS or variant is None:
        return Choice(_FILMS, False, f"{film.codec}")
    return Choice(variant, True, f"lossy {film.codec}")
