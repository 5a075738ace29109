"""Side data of frames: every kind that libavutil has, and what becomes of it when a frame is upscaled.

Decoders attach most kinds whether or not they say anything: a pan-and-scan rectangle of zeros is in every MPEG-2 frame.
So each kind that can be lost has a test of its content. A kind that is not listed is named in a note.

Source: libavutil/frame.h, and the headers of the structures named below.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from av.sidedata.sidedata import Type

__all__ = ["SIDE_DATA", "STREAM_SIDE_DATA", "SideData", "lost_side_data", "lost_stream_side_data"]

# User data of H.264 and H.265 in which x264 and x265 name themselves and their settings.
_ENCODER_BANNERS = (
    bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef"),
    bytes.fromhex("2ca2de09b51747dbbb55a4fe7fc2fc4e"),
)
# Tags of TIFF 6.0 that describe how samples are stored, in which resolution they are printed, and by which program.
_STRUCTURE = {
    *(254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 296, 305, 317),
    *(318, 319, 320, 322, 323, 324, 325, 338, 339, 347, 529, 530, 531, 532),
}
# Kinds that PyAV has no name for, by their numbers in libavutil.
_NEWER_NAMES = {28: "LCEVC", 29: "VIEW_ID", 30: "3D_REFERENCE_DISPLAYS", 31: "EXIF"}


def _always(content: bytes, size: tuple[int, int]) -> bool:
    return True


def _not_zero(content: bytes, size: tuple[int, int]) -> bool:
    return any(content)


def _first_number(content: bytes, size: tuple[int, int]) -> bool:
    """Of ``AVStereo3D``, the first number is the kind of stereo; 0 is none."""
    return len(content) >= 4 and struct.unpack_from("=i", content)[0] != 0


def _another_rectangle(content: bytes, size: tuple[int, int]) -> bool:
    """``AVPanScan``: an identifier, a width and a height in 1/16 pixel, and three positions of two numbers."""
    if len(content) < 24:
        return any(content)
    _, width, height, *positions = struct.unpack_from("=3i6h", content)
    return any(positions) or (width, height) not in ((0, 0), (16 * size[0], 16 * size[1]))


def _part_of_the_frame(content: bytes, size: tuple[int, int]) -> bool:
    """The active format (SMPTE ST 2016-1): 0 is unknown, and 8 is the whole frame."""
    return content[:1] not in (b"", b"\0", b"\x08")


def _captions(content: bytes, size: tuple[int, int]) -> bool:
    """Triplets of CTA-708: five marker bits, whether the triplet is valid, its type, and two bytes.

    Lines of CEA-608 (types 0 and 1) are padded with zeros, each with a parity bit. CEA-708 without text is not valid.
    """
    triplets = zip(content[0::3], content[1::3], content[2::3], strict=False)
    return any(head & 4 and (head & 2 or (first & 0x7F, second & 0x7F) != (0, 0)) for head, first, second in triplets)


def _not_an_encoder_banner(content: bytes, size: tuple[int, int]) -> bool:
    return not content.startswith(_ENCODER_BANNERS)


def _not_the_beginning(content: bytes, size: tuple[int, int]) -> bool:
    """The 25 bits of a time code of MPEG-2 (ISO/IEC 13818-2, 6.3.8), but for its marker bit: 0 is 00:00:00:00."""
    return bool(int.from_bytes(content[:4], "little") & ~(1 << 12))


def _more_than_structure(content: bytes, size: tuple[int, int]) -> bool:
    """Whether the first directory of EXIF (which is a TIFF) has a tag that does not describe how samples are stored.

    The decoder of TIFF attaches all tags of a frame. The orientation becomes the display matrix.
    """
    order: Literal["little", "big"] = "little" if content[:2] == b"II" else "big"
    start = int.from_bytes(content[4:8], order)
    count = int.from_bytes(content[start : start + 2], order)
    entries = (start + 2 + 12 * number for number in range(count))
    return any(int.from_bytes(content[at : at + 2], order) not in _STRUCTURE for at in entries if at < len(content))


@dataclass(frozen=True)
class SideData:
    """A kind of side data.

    Args:
        name: in libavutil's ``AVFrameSideDataType``.
        meaning: what it holds, in a few words; empty if nothing is lost with it.
        speaks: whether content of it says anything of a frame of (width, height).
        once: whether only the video's first frame counts.
    """

    name: str
    meaning: str = ""
    speaks: Callable[[bytes, tuple[int, int]], bool] = _always
    once: bool = False


SIDE_DATA = {
    each.name: each
    for each in (
        # Kept, or written anew for the result.
        SideData("DISPLAYMATRIX"),
        SideData("MASTERING_DISPLAY_METADATA"),
        SideData("CONTENT_LIGHT_LEVEL"),
        # Of the decoder or the code, not of the image.
        SideData("MOTION_VECTORS"),
        SideData("VIDEO_ENC_PARAMS"),
        SideData("REGIONS_OF_INTEREST"),
        SideData("VIDEO_HINT"),
        SideData("VIEW_ID"),  # which of several views was decoded; that others are left out is a note of its own
        SideData("SKIP_SAMPLES"),
        # Lost.
        SideData("DOVI_RPU_BUFFER", "Dolby Vision metadata, which is made for the source's image"),
        SideData("DOVI_METADATA", "Dolby Vision metadata, which is made for the source's image"),
        SideData("DYNAMIC_HDR_PLUS", "HDR10+ metadata, which the encoders here do not write"),
        SideData("DYNAMIC_HDR_VIVID", "HDR Vivid metadata, which the encoders here do not write"),
        SideData("AMBIENT_VIEWING_ENVIRONMENT", "the ambient viewing environment"),
        SideData("A53_CC", "closed captions inside the video stream (CEA-608, CEA-708)", _captions),
        SideData("AFD", "the active format description", _part_of_the_frame),
        SideData("PANSCAN", "the pan-and-scan rectangle for narrower screens", _another_rectangle),
        SideData("STEREO3D", "the layout of stereoscopic views", _first_number),
        SideData("3D_REFERENCE_DISPLAYS", "the displays that stereoscopic views were made for"),
        SideData("LCEVC", "an enhancement layer of the video stream (LCEVC)"),
        SideData("SPHERICAL", "the projection of a spherical image"),
        SideData("ICC_PROFILE", "the ICC profile inside the video stream"),
        SideData("EXIF", "EXIF metadata of the frames", _more_than_structure),
        SideData("S12M_TIMECODE", "the timecode inside the video stream (SMPTE ST 12-1)"),
        SideData("GOP_TIMECODE", "the timecode of groups of pictures", _not_the_beginning, once=True),
        SideData("FILM_GRAIN_PARAMS", "film grain that a player adds"),
        SideData("DETECTION_BBOXES", "what was detected in the frames, and where"),
        SideData("SEI_UNREGISTERED", "user data inside the video stream", _not_an_encoder_banner),
    )
}


# Side data of whole streams that decoders do not pass on to frames, by libavcodec's names.
STREAM_SIDE_DATA = {
    "DOVI configuration record": SIDE_DATA["DOVI_METADATA"].meaning,
    "LCEVC NAL data": SIDE_DATA["LCEVC"].meaning,
}


def lost_stream_side_data(names: Iterable[str]) -> Iterator[str]:
    """A sentence for each kind of side data of a stream that a result lacks.

    Args:
        names: libavcodec's names of the kinds.
    """
    for name in names:
        if name in STREAM_SIDE_DATA:
            yield f"not kept: {STREAM_SIDE_DATA[name]}"


def lost_side_data(frame: Any, *, first: bool = False) -> Iterator[str]:
    """A sentence for each kind of side data of a frame that a result lacks, if it says anything.

    Args:
        frame: as it was decoded.
        first: whether it is the video's first frame.
    """
    for data in frame.side_data:
        name = _name(data.type)
        kind = SIDE_DATA.get(name)
        if kind is None:
            yield f"not kept: side data of the frames of an unknown kind ({name})"
        elif kind.meaning and (first or not kind.once) and kind.speaks(bytes(data), (frame.width, frame.height)):
            yield f"not kept: {kind.meaning}"


def _name(kind: Any) -> str:
    return str(_NEWER_NAMES.get(kind.value, kind.name))


def _unknown_kind(cls: type[Type], value: object) -> Type:
    """A kind for which PyAV has no name: without it, PyAV raises an error for all side data of the frame."""
    kind: Any = object.__new__(cls)
    kind._name_, kind._value_ = str(value), value
    return kind  # type: ignore[no-any-return]


if "_missing_" not in vars(Type):
    Type._missing_ = classmethod(_unknown_kind)  # type: ignore[assignment]
