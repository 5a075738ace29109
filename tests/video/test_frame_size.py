"""The size of a result and the shape of its pixels, by plain arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest

from subpixel.errors import InvalidArgument
from subpixel.upscaler import Target
from subpixel.video.frame_size import FrameSize, frame_size, is_turned
from subpixel.video.video_file import Tags, VideoStream
from video.clips import QUARTER

PAL = Fraction(64, 45)


def size_of(
    target: Target,
    size: tuple[int, int],
    aspect: Fraction | None = None,
    matrix: tuple[int, ...] | None = None,
    pix_fmts: tuple[str, ...] = ("yuv420p",),
) -> FrameSize:
    stream = VideoStream(size, pix_fmts[0], None, Fraction(1, 25), aspect, Tags(), matrix)
    return frame_size(target, stream, pix_fmts)


@pytest.mark.parametrize(
    ("target", "source", "aspect", "size", "pixels"),
    [
        # 854 · 9/4 = 1921.5, and 480 · 9/4 is exactly 1080.
        (Target(2.25), (854, 480), None, (1922, 1080), Fraction(3843, 3844)),
        (Target(2.25), (640, 480), None, (1440, 1080), None),
        (Target(2.25), (640, 480), Fraction(1), (1440, 1080), Fraction(1)),
        (Target(2.25), (720, 576), PAL, (1620, 1296), PAL),
        (Target(1.1), (50, 50), None, (56, 56), None),  # exactly 55, a tie between 54 and 56
        (Target(width=1920), (1280, 720), None, (1920, 1080), None),
        (Target(height=1080), (1280, 720), None, (1920, 1080), None),
        (Target(fit=(1920, 1080)), (640, 480), None, (1440, 1080), None),
        (Target(fit=(1920, 1080)), (1280, 400), None, (1920, 600), None),
        # The height would be 3.5, and rounded to 4 it would not fit.
        (Target(fit=(7, 3)), (700, 350), None, (6, 2), Fraction(2, 3)),
        (Target(fit=(1, 1)), (700, 350), None, (2, 2), Fraction(2)),
        (Target(width=1920), (720, 576), PAL, (1920, 1080), Fraction(1)),
        (Target(fit=(1920, 1080)), (720, 576), PAL, (1920, 1080), Fraction(1)),
        (Target(fit=(1920, 1080)), (1440, 1080), Fraction(4, 3), (1920, 1080), Fraction(1)),
        (Target(height=960), (720, 480), Fraction(8, 9), (1280, 960), Fraction(1)),
    ],
)
def test_sizes(
    target: Target,
    source: tuple[int, int],
    aspect: Fraction | None,
    size: tuple[int, int],
    pixels: Fraction | None,
) -> None:
    found = size_of(target, source, aspect)
    assert (found.size, found.aspect) == (size, pixels)


def test_a_result_has_the_shape_of_its_source() -> None:
    targets = [Target(1.37), Target(3), Target(width=333), Target(height=1001), Target(fit=(999, 700))]
    for source in ((854, 480), (719, 575), (33, 77)):
        for aspect in (None, PAL, Fraction(8, 9)):
            for pix_fmt in ("yuv420p", "yuv422p", "yuv411p", "yuv444p", "gray", "gbrp"):
                for target in targets:
                    found = size_of(target, source, aspect, None, (pix_fmt,))
                    before = Fraction(*source) * (aspect or 1)
                    after = Fraction(*found.size) * (found.aspect or 1)
                    # A shape of pixels is stored in 16 bits.
                    assert abs(after / before - 1) < Fraction(1, 65535) ** 1.5, (source, aspect, target)


@pytest.mark.parametrize(
    ("pix_fmts", "size"),
    [
        (("yuv420p",), (902, 678)),
        (("yuv422p",), (902, 677)),
        (("yuv411p",), (900, 677)),
        (("yuv440p",), (901, 678)),
        (("yuv444p",), (901, 677)),
        (("gray",), (901, 677)),
        (("gbrp",), (901, 677)),
        (("yuv420p", "yuv444p"), (902, 678)),
        (("gray", "yuv422p"), (902, 677)),
        (("yuv411p", "yuv420p"), (900, 678)),
    ],
)
def test_sides_are_whole_samples_of_chroma(pix_fmts: tuple[str, ...], size: tuple[int, int]) -> None:
    found = size_of(Target(width=901), (721, 542), None, None, pix_fmts)  # 677.3 high
    assert found.size == size
    rounded = [note for note in found.notes if " became " in note]
    assert len(rounded) == (size != (901, 677))
    needs = "yuv422p" if "yuv422p" in pix_fmts else pix_fmts[0]
    assert all(note.startswith(f"901×677 became {size[0]}×{size[1]}: pixel format {needs} ") for note in rounded)


def test_a_whole_factor_is_kept_with_odd_sides() -> None:
    assert size_of(Target(3), (33, 77)) == FrameSize((99, 231), None, Fraction(3))
    assert size_of(Target(width=99), (33, 77)) == FrameSize((99, 231), None, Fraction(3))
    assert size_of(Target(1), (33, 77)) == FrameSize((33, 77), None, Fraction(1))


def test_a_width_is_that_of_the_upright_image() -> None:
    assert size_of(Target(width=1080), (1280, 720), None, QUARTER).size == (1920, 1080)
    assert size_of(Target(height=1920), (1280, 720), None, QUARTER).size == (1920, 1080)
    assert size_of(Target(fit=(1080, 1500)), (1280, 720), None, QUARTER).size == (1500, 844)
    assert size_of(Target(1.5), (1280, 720), None, QUARTER).size == (1920, 1080)
    # Turned upright, 576 rows of pixels of 64:45 are 576 columns, and the image is 1024 high.
    assert size_of(Target(width=1080), (720, 576), PAL, QUARTER).size == (1920, 1080)


@pytest.mark.parametrize(
    ("matrix", "turned"),
    [
        (None, False),
        ((65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30), False),
        ((-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30), False),
        ((0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30), True),
        ((0, 65536, 0, 65536, 0, 0, 0, 0, 1 << 30), True),  # mirrored too
        ((46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30), False),  # an eighth
    ],
)
def test_quarters_of_a_turn(matrix: tuple[int, ...] | None, turned: bool) -> None:
    assert is_turned(matrix) is turned


def test_the_factor_is_that_of_the_side_that_grows_more() -> None:
    assert size_of(Target(height=576), (720, 576), PAL).factor == PAL
    assert size_of(Target(height=480), (720, 480), Fraction(8, 9)).factor == 1


def test_notes_say_what_was_rounded_and_the_shape_of_pixels() -> None:
    assert size_of(Target(width=1920), (1280, 720)).notes == ()
    assert size_of(Target(width=1920), (854, 480)).notes == (
        "1920×1079 became 1920×1080: pixel format yuv420p needs even sides",
        "1920×1080 has pixels of 1281:1280, so that the image keeps its shape",
    )
    assert size_of(Target(width=1920), (720, 576), PAL).notes == (
        "1920×1080 has square pixels instead of 64:45, so that the image keeps its shape",
    )
    assert size_of(Target(width=402), (200, 100), None, None, ("yuv411p",)).notes[0] == (
        "402×201 became 404×201: pixel format yuv411p needs multiples of 4×1"
    )


def test_more_than_64_times_larger_is_an_error() -> None:
    wanted = r"^width=1300: 65 times the 20×10 of the video; up to 64 times is possible$"
    with pytest.raises(InvalidArgument, match=wanted):
        size_of(Target(width=1300), (20, 10))
    with pytest.raises(InvalidArgument, match=r"66\.67 times"):  # the width grows more than the height
        size_of(Target(height=500), (10, 10), Fraction(4, 3))
