"""Equal content in other frames is equal, and nothing else is."""

from __future__ import annotations

import pytest

from subpixel.video.packet_content import content_of, may_be_repacked


@pytest.mark.parametrize(
    ("codec", "content", "bare"),
    [
        ("aac", b"\xff\xf1" + bytes(8), bytes(3)),  # without a checksum: 7 bytes
        ("aac", b"\xff\xf0" + bytes(8), bytes(1)),  # with one: 9 bytes
        ("aac", b"\xff\xf9" + bytes(8), bytes(3)),  # MPEG-2
        ("aac", b"\x21\xf1" + bytes(8), b"\x21\xf1" + bytes(8)),
        ("mp3", b"\xff\xf1" + bytes(8), b"\xff\xf1" + bytes(8)),
    ],
)
def test_headers_of_aac_in_transport_streams(codec: str, content: bytes, bare: bytes) -> None:
    assert content_of(codec, content) == bare


def test_only_packets_of_pcm_are_split_elsewhere() -> None:
    assert may_be_repacked("pcm_s16le")
    assert not may_be_repacked("aac")


ONE, TWO = bytes([0x67, 1, 2, 3]), bytes([0x65, 9, 8, 7, 6])


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_nal_units_are_separated_by_start_codes_or_lengths(codec: str) -> None:
    lengths = b"".join(len(unit).to_bytes(4, "big") + unit for unit in (ONE, TWO))
    wanted = content_of(codec, lengths)
    assert content_of(codec, b"\0\0\0\1" + ONE + b"\0\0\1" + TWO) == wanted
    assert content_of(codec, b"\0\0\1" + ONE + b"\0\0\0\0\1" + TWO + b"\0") == wanted
    assert content_of(codec, b"\0\0\1" + TWO + b"\0\0\1" + ONE) != wanted
    assert content_of(codec, lengths[:-1]) == lengths[:-1]
    assert content_of("mpeg4", b"\0\0\1" + ONE) == b"\0\0\1" + ONE


def test_obus_that_only_separate_others_do_not_count() -> None:
    frame = bytes([0x32, 3, 1, 2, 3])
    assert content_of("av1", bytes([0x12, 0]) + frame) == content_of("av1", frame)
    assert content_of("av1", bytes([0x30, 1, 2, 3])) == content_of("av1", frame)  # the last one needs no size
    assert content_of("av1", bytes([0x32, 3, 1, 2, 4])) != content_of("av1", frame)
    assert content_of("av1", bytes([0x32, 255])) != b""  # a size that does not end
