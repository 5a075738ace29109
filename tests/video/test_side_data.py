"""What is attached to frames: each kind is kept, renewed or named, and a note only says what is true."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
from av.sidedata.sidedata import Type
from PIL import Image

from subpixel.video.side_data import SIDE_DATA, STREAM_SIDE_DATA, lost_side_data, lost_stream_side_data
from subpixel.video.video_file import open_video, probe
from video import clips

# Kinds that only sound has.
SOUND = {"MATRIXENCODING", "DOWNMIX_INFO", "REPLAYGAIN", "AUDIO_SERVICE_TYPE"}


def frame(kind: str | int, content: bytes) -> Any:
    """A frame of 720×576 with side data of a kind, by name or number."""
    number = Type[kind] if isinstance(kind, str) else Type(kind)
    data = type("Data", (), {"type": number, "__bytes__": lambda self: content})()
    return SimpleNamespace(side_data=[data], width=720, height=576)


def losses(kind: str | int, content: bytes, *, first: bool = True) -> list[str]:
    return list(lost_side_data(frame(kind, content), first=first))


def pan_scan(width: int, height: int, *positions: int) -> bytes:
    return struct.pack("=3i6h", 1, width, height, *positions, *[0] * (6 - len(positions)))


def exif(*tags: int, order: str = "<") -> bytes:
    """EXIF of one directory with some tags, each of one short number."""
    entries = b"".join(struct.pack(f"{order}HHIHH", tag, 3, 1, 1, 0) for tag in tags)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return head + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)


def test_every_kind_that_pyav_knows_is_listed() -> None:
    assert {kind.name for kind in Type} - SOUND <= set(SIDE_DATA)
    assert {kind.name for kind in Type if kind.name.isdigit()} == set()


@pytest.mark.parametrize(
    ("kind", "silent", "speaking"),
    [
        ("PANSCAN", bytes(24), pan_scan(540 * 16, 576 * 16)),
        ("PANSCAN", pan_scan(720 * 16, 576 * 16), pan_scan(720 * 16, 576 * 16, 0, 8)),
        ("AFD", b"\x08", b"\x0a"),
        ("STEREO3D", bytes(28), struct.pack("=i", 1) + bytes(24)),
        ("GOP_TIMECODE", (1 << 12).to_bytes(8, "little"), (1 << 12 | 1 << 19).to_bytes(8, "little")),
        ("A53_CC", b"\xfc\x80\x80\xfd\x80\x80\xf8\0\0", b"\xfc\x80\x80\xfc\x94\x2c"),
        ("A53_CC", b"\xfa\0\0", b"\xff\x02\x21"),
        ("A53_CC", b"", b"\xfe\x41\x42"),
        (
            "SEI_UNREGISTERED",
            bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef") + b"x264 - core 165",
            bytes(range(16)) + b"position",
        ),
    ],
)
def test_a_note_only_if_it_says_something(kind: str, silent: bytes, speaking: bytes) -> None:
    assert losses(kind, silent) == []
    assert losses(kind, speaking) == [f"not kept: {SIDE_DATA[kind].meaning}"]


@pytest.mark.parametrize("kind", ["DOVI_METADATA", "DYNAMIC_HDR_PLUS", "SPHERICAL", "ICC_PROFILE", "FILM_GRAIN_PARAMS"])
def test_what_cannot_be_kept_is_named(kind: str) -> None:
    assert losses(kind, b"\1") == [f"not kept: {SIDE_DATA[kind].meaning}"] != ["not kept: "]


@pytest.mark.parametrize("kind", ["DISPLAYMATRIX", "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"])
def test_what_is_kept_has_no_note(kind: str) -> None:
    assert losses(kind, b"\1") == []


def test_time_codes_of_later_groups_are_no_loss() -> None:
    assert losses("GOP_TIMECODE", (1 << 12 | 1 << 19).to_bytes(8, "little"), first=False) == []


def test_kinds_that_pyav_does_not_know() -> None:
    assert losses(28, b"\1") == ["not kept: an enhancement layer of the video stream (LCEVC)"]
    said = ["not kept: EXIF metadata of the frames"]
    assert losses(31, exif(0x0100, 0x0112, 0x0131)) == []  # width, orientation, software
    assert losses(31, exif(0x0100, 0x010E)) == said  # a description
    assert losses(31, exif(0x8769, order=">")) == said  # the directory of the camera
    assert losses(77, b"\1") == ["not kept: side data of the frames of an unknown kind (77)"]


def test_side_data_of_streams() -> None:
    assert list(lost_stream_side_data(["CPB properties", "DOVI configuration record"])) == [
        "not kept: Dolby Vision metadata, which is made for the source's image"
    ]
    names = {av.packet.PacketSideData(number, 4).data_desc for number in range(40)}
    assert set(STREAM_SIDE_DATA) <= names


def test_frames_with_exif(tmp_path: Path) -> None:
    """PyAV has no name for EXIF, and raises an error for all side data of such a frame."""
    content, exif = io.BytesIO(), Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "words"
    Image.new("RGB", (48, 32)).save(content, "JPEG", exif=exif)
    path = tmp_path / "video.mjpeg"
    path.write_bytes(content.getvalue() * 3)
    video = probe(path)
    assert video.losses == ("not kept: EXIF metadata of the frames",)
    assert video.stream.matrix == clips.QUARTER


@pytest.mark.parametrize("suffix", ["mkv", "ts"])
def test_mpeg2_has_a_pan_scan_rectangle_that_says_nothing(tmp_path: Path, suffix: str) -> None:
    path = clips.make_clip(tmp_path / f"video.{suffix}", codec="mpeg2video", times=range(30))
    assert probe(path).losses == ()
    with open_video(path) as container:
        kinds = {data.type.name for each in container.decode(video=0) for data in each.side_data}
    assert "PANSCAN" in kinds
