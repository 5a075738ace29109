"""How the frames of a film are enlarged: by one network, by several that hold a rate, with the plain resize beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from subpixel.errors import InvalidArgument
from subpixel.models.zoo import scales_of
from subpixel.upscaler import Upscaler
from subpixel.video.beside import Beside
from subpixel.video.enlarging import Enlarging
from subpixel.video.film import Film
from subpixel.video.formats import Layout
from subpixel.video.realtime import Realtime

__all__ = ["Way", "way_of"]

# What is cheaper than any other network, and what is cheaper than that.
_CHEAPER = ("fast", "bicubic")


@dataclass(frozen=True)
class Way:
    """Enlarges frames in order.

    Args:
        enlarge: a frame to a larger one, whose time is not set.
        result_size: (width, height) of those.
        siting: where chroma lies, before and after.
        plain: what counts repeated frames.
        realtime: what chose networks, if anything did.
    """

    enlarge: Callable[[Any], Any]
    result_size: tuple[int, int]
    siting: str
    plain: Enlarging
    realtime: Realtime | None

    def __call__(self, frame: Any) -> Any:
        return self.enlarge(frame)

    def notes(self) -> Iterator[str]:
        """What there is to say of it at the end."""
        if self.realtime is not None:
            yield self.realtime.note()


def way_of(
    upscaler: Upscaler,
    film: Film,
    layout: Layout,
    *,
    beside: bool = False,
    realtime: bool = False,
    rate: Fraction | None = None,
) -> Way:
    """The way of a film's frames.

    Args:
        upscaler: the network of choice.
        film: the film.
        layout: of its frames.
        beside: the plain resize on the left.
        realtime: cheaper networks where the rate is not held.
        rate: frames a second to hold; None for the film's own.

    Raises:
        InvalidArgument: the network cannot enlarge such frames.
    """
    if upscaler.colour != "luma" and upscaler.model.name != "bicubic" and not layout.rgb:
        raise InvalidArgument(
            f"model '{upscaler.model.name}' works on R, G, B, the film has Y, U, V; a luma model fits"
        )
    siting, video = siting_of(film), film.video

    def enlarging(by: Upscaler) -> Enlarging:
        return Enlarging(by, layout, siting, bool(video.tags.full_range), video.size)

    def other(name: str) -> Enlarging:
        return enlarging(Upscaler(name, upscaler.scale, upscaler.backend, threads=upscaler.threads))

    main = enlarging(upscaler)
    at_pace = None
    enlarge: Any = main
    if realtime:
        names = [n for n in _CHEAPER if n != upscaler.model.name and upscaler.scale in scales_of(n)]
        at_pace = enlarge = Realtime([main, *map(other, names)], video.time_base, rate)
    if beside:
        enlarge = Beside(other("bicubic"), enlarge)
    return Way(enlarge, enlarge.result_size, siting, main, at_pace)


def siting_of(film: Film) -> str:
    """Where chroma lies: as the stream says, else as its codec has it (MPEG-1 and JPEG in the middle of its cell)."""
    return film.video.tags.siting or ("center" if film.codec in ("mpeg1video", "mjpeg") else "left")
