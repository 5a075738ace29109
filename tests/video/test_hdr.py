"""What a video says of the display it was made for."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from subpixel.video.hdr import (
    Light,
    Mastering,
    display_metadata,
    display_options,
    unwritten_display_metadata,
)
from subpixel.video.video_file import probe
from video import clips

Clip = Callable[[str], Path]

DISPLAY = Mastering(
    red=(Fraction(35400, 50000), Fraction(14600, 50000)),
    green=(Fraction(8500, 50000), Fraction(39850, 50000)),
    blue=(Fraction(6550, 50000), Fraction(2300, 50000)),
    white=(Fraction(15635, 50000), Fraction(16450, 50000)),
    darkest=Fraction(50, 10000),
    brightest=Fraction(1000),
)


@pytest.mark.parametrize("name", ["hdr.mp4", "hdr.mkv"])
def test_it_is_read_from_the_first_frame(clip: Clip, name: str) -> None:
    assert probe(clip(name)).display == (DISPLAY, Light(*clips.LIGHT))


def test_a_plain_video_says_nothing(clip: Clip) -> None:
    assert probe(clip("plain.mp4")).display == ()
    assert display_options("libx265", ()) == {}


def test_as_the_encoders_write_it() -> None:
    values = (DISPLAY, Light(800, 200))
    assert display_options("libx265", values) == {
        "x265-params": f"master-display={clips.MASTERING}:max-cll=800,200:hdr10=1"
    }
    assert display_options("libx264", values) == {"x264-params": f"mastering-display={clips.MASTERING}:cll=800,200"}
    assert display_options("libsvtav1", values)["svtav1-params"] == (
        "mastering-display=G(0.170000,0.797000)B(0.131000,0.046000)R(0.708000,0.292000)"
        "WP(0.312700,0.329000)L(1000.000000,0.005000):content-light=800,200"
    )


@pytest.mark.parametrize(
    ("codec", "suffix", "more"),
    [("libx264", "mp4", {}), ("libx265", "mkv", {}), ("libsvtav1", "mkv", {"preset": "12"})],
)
def test_an_encoder_says_it_again(tmp_path: Path, codec: str, suffix: str, more: dict[str, str]) -> None:
    values = (DISPLAY, Light(800, 200))
    path = clips.make_clip(
        tmp_path / f"video.{suffix}",
        codec=codec,
        pix_fmt="yuv420p10le",
        size=(64, 64),
        times=range(3),
        options={**display_options(codec, values), **more},
    )
    found = {type(each): each for each in probe(path).display}
    assert found[Light] == Light(800, 200)
    assert found[Mastering].near(DISPLAY)


def test_near_is_not_far() -> None:
    other = Mastering((DISPLAY.red[0] + Fraction(1, 1000), DISPLAY.red[1]), *_rest())
    assert not other.near(DISPLAY)
    assert DISPLAY.near(DISPLAY)
    assert not DISPLAY.near(None)


def _rest() -> tuple[Any, ...]:
    return DISPLAY.green, DISPLAY.blue, DISPLAY.white, DISPLAY.darkest, DISPLAY.brightest


def test_what_an_encoder_cannot_say() -> None:
    assert unwritten_display_metadata("libx265", (DISPLAY,)) == ()
    assert unwritten_display_metadata("libvpx-vp9", ()) == ()
    assert "libvpx-vp9 does not write" in unwritten_display_metadata("libvpx-vp9", (DISPLAY,))[0]


def test_half_a_display_is_none() -> None:
    class Data:
        type = SimpleNamespace(name="MASTERING_DISPLAY_METADATA")

        def __bytes__(self) -> bytes:
            return bytes(88)

    assert display_metadata(SimpleNamespace(side_data=[Data()])) == ()
