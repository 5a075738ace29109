"""BMP and Netpbm's formats, which libvips does not read: every kind to the same pixels, damage in one sentence."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from malformed.images import corrupted, truncated
from subpixel import Upscaler
from subpixel.errors import ImageReadError
from subpixel.image import Job, read
from subpixel.image.files.source_metadata import get_blob

Y, X = np.mgrid[:5, :7]
RGB = np.dstack([X * 40, Y * 60, (X + Y) * 20]).astype(np.uint8)
ALPHA = (30 + X * 30).astype(np.uint8)
CODES = ((X + Y) % 2).astype(np.uint8)
WIDE = ((X + 3 * Y) % 16).astype(np.uint8)
PALETTE = np.random.default_rng(0).integers(0, 256, (16, 3), np.uint8)


def bmp(
    bits: int,
    rows: list[bytes] | bytes,
    *,
    palette: NDArray[np.uint8] | None = None,
    compression: int = 0,
    masks: tuple[int, ...] = (),
    top_down: bool = False,
    length: int = 40,
    resolution: int = 0,
    extra: bytes = b"",
    size: tuple[int, int] = (7, 5),
) -> bytes:
    """A file with rows from the bottom (or from the top, for ``top_down``), padded here."""
    width, height = size
    if isinstance(rows, list):
        pixels = b"".join(row + bytes(-len(row) % 4) for row in (rows if top_down else rows[::-1]))
    else:
        pixels = rows
    colours = b""
    if palette is not None:
        filler = b"" if length == 12 else b"\0"
        colours = b"".join(bytes(entry[::-1]) + filler for entry in palette)
    if length == 12:
        head = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        used = 0 if palette is None else len(palette)
        head = struct.pack("<IiiHHIIiiII", length, width, -height if top_down else height, 1, bits, compression, 0,
                           resolution, resolution, used, 0)  # fmt: skip
        head += b"".join(struct.pack("<I", mask) for mask in masks)
        head = head.ljust(14 + length - 14, b"\0") + extra if length > 40 else head
    start = 14 + len(head) + len(colours)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + head + colours + pixels


def packed(codes: NDArray[np.uint8], bits: int) -> list[bytes]:
    """Rows of palette entries of 1, 2 or 4 bits."""
    rows = []
    for row in codes:
        text = "".join(f"{int(code):0{bits}b}" for code in row)
        text += "0" * (-len(text) % 8)
        rows.append(int(text, 2).to_bytes(len(text) // 8, "big"))
    return rows


def words(values: NDArray[Any], kind: str) -> list[bytes]:
    return [row.astype(kind).tobytes() for row in values]


def scaled(values: NDArray[Any], bits: int, most: int = 255) -> NDArray[Any]:
    top = (1 << bits) - 1
    return np.rint(values.astype(float) * most / top)


R5, G6, B5 = RGB[..., 0] >> 3, RGB[..., 1] >> 2, RGB[..., 2] >> 3
G5 = RGB[..., 1] >> 3
W16 = R5.astype(int) << 10 | G5.astype(int) << 5 | B5
W565 = R5.astype(int) << 11 | G6.astype(int) << 5 | B5
W32 = RGB[..., 0].astype(int) << 16 | RGB[..., 1].astype(int) << 8 | RGB[..., 2]
W32A = W32 | ALPHA.astype(int) << 24
TEN = (RGB.astype(int) * 1023) // 255
W10 = TEN[..., 0] << 20 | TEN[..., 1] << 10 | TEN[..., 2]
GRAY = np.repeat(np.arange(0, 256, 17, dtype=np.uint8)[:, None], 3, axis=1)
RLE8 = (
    b"\x07\x03\x00\x00"  # a run
    b"\x00\x04\x01\x02\x03\x04\x03\x09\x00\x00"  # four entries, then a run
    b"\x00\x03\x05\x06\x07\x00\x04\x08\x00\x00"  # three entries with a filler
    b"\x02\x01\x00\x02\x01\x00\x04\x02\x00\x00"  # a step of one
    b"\x09\x0a\x00\x01"  # a run beyond the edge, and the end
)
RLE8_ROWS = [[3] * 7, [1, 2, 3, 4, 9, 9, 9], [5, 6, 7, 8, 8, 8, 8], [1, 1, 0, 2, 2, 2, 2], [10] * 7]
RLE4 = b"\x07\x12\x00\x00" + b"\x00\x05\x34\x56\x70\x00\x02\xab\x00\x00" + b"\x07\x11\x00\x00" * 2 + b"\x07\x99\x00\x01"
RLE4_ROWS = [[1, 2, 1, 2, 1, 2, 1], [3, 4, 5, 6, 7, 10, 11], [1] * 7, [1] * 7, [9] * 7]

BITMAPS: dict[str, tuple[bytes, NDArray[Any]]] = {
    "1 bit": (bmp(1, packed(CODES, 1), palette=PALETTE[:2]), PALETTE[CODES]),
    "2 bits": (bmp(2, packed(WIDE % 4, 2), palette=PALETTE[:4]), PALETTE[WIDE % 4]),
    "4 bits": (bmp(4, packed(WIDE, 4), palette=PALETTE), PALETTE[WIDE]),
    "8 bits": (bmp(8, words(WIDE, "u1"), palette=PALETTE), PALETTE[WIDE]),
    "grays": (bmp(8, words(WIDE, "u1"), palette=GRAY), GRAY[WIDE][..., :1]),
    "black and white": (bmp(1, packed(CODES, 1), palette=GRAY[[0, 15]]), (CODES * 255)[..., None]),
    "OS/2": (bmp(4, packed(WIDE, 4), palette=PALETTE, length=12), PALETTE[WIDE]),
    "OS/2, 24 bits": (bmp(24, words(RGB[..., ::-1], "u1"), length=12), RGB),
    "24 bits": (bmp(24, words(RGB[..., ::-1], "u1")), RGB),
    "top-down": (bmp(24, words(RGB[..., ::-1], "u1"), top_down=True), RGB),
    "16 bits": (bmp(16, words(W16, "<u2")), np.dstack([scaled(v, 5) for v in (R5, G5, B5)])),
    "565": (
        bmp(16, words(W565, "<u2"), compression=3, masks=(0xF800, 0x7E0, 0x1F)),
        np.dstack([scaled(R5, 5), scaled(G6, 6), scaled(B5, 5)]),
    ),
    "32 bits": (bmp(32, words(W32, "<u4")), RGB),
    "32 bits, all with the same rest": (bmp(32, words(W32 | 255 << 24, "<u4")), RGB),
    "32 bits in another order": (
        bmp(32, words(RGB[..., 0].astype(int) | RGB[..., 1].astype(int) << 8 | RGB[..., 2].astype(int) << 16, "<u4"),
            compression=3, masks=(0xFF, 0xFF00, 0xFF0000)),
        RGB,
    ),
    "alpha": (
        bmp(32, words(W32A, "<u4"), compression=3, masks=(0xFF0000, 0xFF00, 0xFF, 0xFF000000), length=56),
        np.dstack([RGB, ALPHA]),
    ),
    "10 bits": (
        bmp(32, words(W10, "<u4"), compression=3, masks=(0x3FF00000, 0xFFC00, 0x3FF)),
        scaled(TEN, 10, 65535),
    ),
    "run lengths": (bmp(8, RLE8, palette=PALETTE, compression=1), PALETTE[np.array(RLE8_ROWS[::-1])]),
    "run lengths of 4 bits": (bmp(4, RLE4, palette=PALETTE, compression=2), PALETTE[np.array(RLE4_ROWS[::-1])]),
}  # fmt: skip


@pytest.mark.parametrize("name", BITMAPS)
def test_bmp(tmp_path: Path, name: str) -> None:
    content, expected = BITMAPS[name]
    (tmp_path / "a.bmp").write_bytes(content)
    image = read(tmp_path / "a.bmp")
    assert image.notes == ()
    assert image.pixels.dtype == (np.uint16 if name == "10 bits" else np.uint8)
    np.testing.assert_array_equal(image.pixels, expected)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_bmp_by_pillow(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(np.dstack([RGB, ALPHA])).convert(mode)
    image.save(tmp_path / "a.bmp")
    kept = Image.open(tmp_path / "a.bmp")
    expected = np.asarray(kept.convert("L" if mode in "1L" else "RGB"))
    found = read(tmp_path / "a.bmp")
    np.testing.assert_array_equal(found.pixels.squeeze(), expected)
    unused = "the fourth byte of each pixel, to which BMP gives no meaning, is not kept; it may be alpha"
    assert found.notes == ((unused,) if mode == "RGBA" else ())


@pytest.mark.parametrize(("value", "noted"), [(0, False), (255, False), (128, True), (1, True)])
def test_equal_fourth_bytes_of_a_bmp(tmp_path: Path, value: int, noted: bool) -> None:
    """0 and 255 are what writers put where nothing is to be stored."""
    Image.fromarray(np.dstack([RGB, np.full(RGB.shape[:2], value, np.uint8)])).save(tmp_path / "a.bmp")
    found = read(tmp_path / "a.bmp")
    np.testing.assert_array_equal(found.pixels, RGB)
    assert len(found.notes) == noted


@pytest.mark.parametrize(("more", "noted"), [(b"", False), (b"\0\0\0", False), (b"PK\3\4", True)])
def test_what_lies_behind_the_pixels_of_a_bmp(tmp_path: Path, more: bytes, noted: bool) -> None:
    content = bmp(24, [row.tobytes() for row in RGB[..., ::-1]])
    (tmp_path / "a.bmp").write_bytes(content + more)
    notes = read(tmp_path / "a.bmp").notes
    assert notes == (("4 bytes after the end of the image (a ZIP archive) are not kept",) if noted else ())


def test_metadata_of_a_bmp(upscaler: Upscaler, tmp_path: Path, wide: bytes) -> None:
    rows = words(RGB[..., ::-1], "u1")
    (tmp_path / "a.bmp").write_bytes(bmp(24, rows, resolution=11811))
    result = Job(tmp_path / "a.bmp", upscaler, tmp_path / "a.png").run()
    with Image.open(result.destination) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    (tmp_path / "fine.bmp").write_bytes(bmp(24, rows, resolution=2**31 - 1))
    notes = Job(tmp_path / "fine.bmp", upscaler, tmp_path / "fine.png").run().notes
    assert notes == ("the resolution (2.54e+07×2.54e+07 dpi) is implausible: it is not kept",)
    pixels = b"".join(row + bytes(-len(row) % 4) for row in rows[::-1])
    head = bytearray(bmp(24, pixels, length=124)[: 14 + 124])
    struct.pack_into("<I", head, 10, 14 + 124)
    struct.pack_into("<I", head, 14 + 56, 0x4D424544)
    struct.pack_into("<II", head, 14 + 112, 124 + len(pixels), len(wide))
    (tmp_path / "b.bmp").write_bytes(bytes(head) + pixels + wide)
    image = read(tmp_path / "b.bmp")
    assert image.notes == ()
    assert get_blob(image.header, "icc-profile-data") == wide
    np.testing.assert_array_equal(image.pixels, RGB)
    (tmp_path / "c.bmp").write_bytes(bytes(head) + pixels + wide[:-1])
    damaged = "the colour profile is not kept: it is damaged (empty or cut short)"
    assert read(tmp_path / "c.bmp").notes == (damaged,)
    struct.pack_into("<I", head, 14 + 116, 0)
    (tmp_path / "d.bmp").write_bytes(bytes(head) + pixels + wide)
    assert read(tmp_path / "d.bmp").notes == (damaged,)


WRONG: dict[str, tuple[bytes, str]] = {
    "a header alone": (b"BM" + bytes(12), "the BMP is truncated"),
    "a header of another size": (b"BM" + bytes(12) + struct.pack("<I", 99) + bytes(99), "a header of 99 bytes"),
    "no size": (bmp(24, b"", size=(0, 5)), r"the BMP has no size \(0×5\)"),
    "a JPEG inside": (bmp(0, b"", compression=4), "a BMP with a JPEG inside cannot be read; convert it to PNG"),
    "an unknown compression": (bmp(8, b"", compression=99), "a BMP with compression 99 cannot be read"),
    "5 bits": (bmp(5, b""), "5 bits per pixel with compression 0"),
    "run lengths of 24 bits": (bmp(24, b"", compression=1), "24 bits per pixel with compression 1"),
    "run lengths, top-down": (bmp(8, b"", compression=1, top_down=True), "it has run lengths and is top-down"),
    "a mask with a hole": (bmp(16, b"", compression=3, masks=(0xF800, 0x7A0, 0x1F)), "a mask of 0x7a0"),
    "no mask": (bmp(16, b"", compression=3, masks=(0, 0x7E0, 0x1F)), "a mask of 0x0"),
    "few pixels": (bmp(24, bytes(99)), r"damaged or truncated \(99 of 120 bytes of pixels are there\)"),
    "vast": (bmp(24, bytes(99), size=(30000, 30000)), "99 of 2700000000 bytes of pixels are there"),
    "a missing colour": (bmp(8, words(WIDE, "u1"), palette=PALETTE[:3]), "a pixel has colour 15 of a palette of 3"),
    "runs that end": (bmp(8, RLE8[:9], palette=PALETTE, compression=1), "the run lengths end early"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_bitmaps(tmp_path: Path, name: str) -> None:
    content, text = WRONG[name]
    (tmp_path / "a.bmp").write_bytes(content)
    with pytest.raises(ImageReadError, match=f"^{tmp_path}/a.bmp: .*{text}"):
        read(tmp_path / "a.bmp")


# Netpbm


def plain(kind: str, values: NDArray[Any], most: int | None = 255) -> bytes:
    words = "\n".join(" ".join(str(value) for value in row.reshape(-1)) for row in values)
    return f"{kind}\n# a comment\n7 5\n{'' if most is None else most}\n{words}\n".encode()


def raw(kind: str, values: NDArray[Any], most: float | None = 255) -> bytes:
    return f"{kind} 7 5{'' if most is None else f' {most:g}'}\n".encode() + values.tobytes()


def pam(values: NDArray[Any], depth: int, kind: str, most: int = 255) -> bytes:
    head = (
        f"P7\nWIDTH 7\nHEIGHT 5\nDEPTH {depth}\nMAXVAL {most}\n" + (f"TUPLTYPE {kind}\n" if kind else "") + "ENDHDR\n"
    )
    return head.encode() + values.tobytes()


FLOATS = RGB.astype(np.float32) / 300
COMMENT = "the PNM comment is not kept: a comment"
BLACK_AND_WHITE = "1-bit gray was read as 8-bit: upscaled edges need the grays between"
NETPBM: dict[str, tuple[bytes, NDArray[Any], tuple[str, ...]]] = {
    "P1": (plain("P1", CODES, None), (255 - CODES * 255)[..., None], (BLACK_AND_WHITE, COMMENT)),
    "P1 without spaces": (
        b"P1 7 5\n" + b"\n".join(bytes(ord("0") + code for code in row) for row in CODES),
        (255 - CODES * 255)[..., None],
        (BLACK_AND_WHITE,),
    ),
    "P2": (plain("P2", RGB[..., :1]), RGB[..., :1], (COMMENT,)),
    "P3": (plain("P3", RGB), RGB, (COMMENT,)),
    "P4": (
        raw("P4", np.packbits(CODES, axis=1), None),
        (255 - CODES * 255)[..., None],
        (BLACK_AND_WHITE,),
    ),
    "P5": (raw("P5", RGB[..., :1]), RGB[..., :1], ()),
    "P6": (raw("P6", RGB), RGB, ()),
    "P6 up to 15": (
        raw("P6", RGB >> 4, 15),
        (RGB >> 4) * 17,
        ("4-bit samples were read as 8-bit: upscaled edges need the values between",),
    ),
    "P6 of 16 bits": (raw("P6", (RGB.astype(np.uint16) * 257).astype(">u2"), 65535), RGB.astype(np.uint16) * 257, ()),
    "P5 up to 1023": (raw("P5", TEN[..., :1].astype(">u2"), 1023), scaled(TEN[..., :1], 10, 65535), ()),
    "P7 gray": (pam(RGB[..., :1], 1, "GRAYSCALE"), RGB[..., :1], ()),
    "P7 RGBA": (pam(np.dstack([RGB, ALPHA]), 4, "RGB_ALPHA"), np.dstack([RGB, ALPHA]), ()),
    "P7 without a type": (pam(RGB, 3, ""), RGB, ()),
    "PF": (raw("PF", FLOATS[::-1].astype("<f4"), -1), FLOATS, ()),
    "Pf, big-endian": (raw("Pf", FLOATS[::-1, :, :1].astype(">f4"), 1), FLOATS[..., :1], ()),
    "PF with a scale": (
        raw("PF", FLOATS[::-1].astype("<f4"), -2),
        FLOATS,
        ("the scale of the PFM (2) is not kept: the samples are as they are stored",),
    ),
    "two images": (raw("P6", RGB) * 2, RGB, ("116 bytes behind the first image are not kept",)),
}


@pytest.mark.parametrize("name", NETPBM)
def test_pnm(tmp_path: Path, name: str) -> None:
    content, expected, notes = NETPBM[name]
    (tmp_path / "a.ppm").write_bytes(content)
    image = read(tmp_path / "a.ppm")
    assert image.notes == notes
    assert image.pixels.dtype == (np.float32 if name.startswith(("PF", "Pf")) else np.uint16 if "16 " in name or "1023" in name else np.uint8)  # fmt: skip  # noqa: E501
    np.testing.assert_array_equal(image.pixels, expected)


WRONG_PNM: dict[str, tuple[bytes, str]] = {
    "no size": (b"P6\n", "the header of the PNM is truncated"),
    "a size in words": (b"P6 seven five 255\n", "the header of the PNM is damaged"),
    "no pixel": (b"P6 0 5 255\n", "0×5 pixels"),
    "too many codes": (b"P6 7 5 70000\n" + bytes(210), "samples up to 70000"),
    "few bytes": (raw("P6", RGB)[:-1], "damaged or truncated .104 of 105 bytes of samples are there"),
    "vast": (b"P6 30000 30000 255\n" + bytes(9), "9 of 2700000000 bytes"),
    "few numbers": (plain("P3", RGB)[:-9], "of 105 samples are there"),
    "words": (plain("P2", RGB[..., :1]).replace(b"120", b"one"), "a sample is no number"),
    "a code beyond the largest": (raw("P5", RGB[..., :1], 99), "samples are not all of 0 … 99"),
    "many channels": (pam(np.zeros((5, 7, 5), np.uint8), 5, ""), "a PAM with 5 channels and no tuple type"),
    "a wrong type": (pam(RGB, 3, "GRAYSCALE"), "a PAM with 3 channels and GRAYSCALE cannot be read"),
    "a header without end": (b"P7\nWIDTH 7\n", "the header of the PAM is truncated"),
}


@pytest.mark.parametrize("name", WRONG_PNM)
def test_wrong_pnm(tmp_path: Path, name: str) -> None:
    content, text = WRONG_PNM[name]
    (tmp_path / "a.ppm").write_bytes(content)
    with pytest.raises(ImageReadError, match=f"^{tmp_path}/a.ppm: .*{text}"):
        read(tmp_path / "a.ppm")


@pytest.mark.parametrize("name", ["24 bits", "10 bits", "run lengths", "P3", "P6", "PF", "P7 RGBA", "P1"])
def test_damaged_files_raise_one_error(tmp_path: Path, name: str) -> None:
    content = BITMAPS[name][0] if name in BITMAPS else NETPBM[name][0]
    path = tmp_path / "a.bmp"
    for changed in (*truncated(content, pieces=6), *corrupted(content, seed=5, count=30)):
        path.write_bytes(changed)
        with suppress(ImageReadError):
            read(path, limit=1)


def test_results(upscaler: Upscaler, tmp_path: Path) -> None:
    for name, (content, expected, _) in NETPBM.items():
        (tmp_path / "a.pnm").write_bytes(content)
        result = Job(tmp_path / "a.pnm", upscaler, overwrite=True).run()
        assert result.destination.suffix == (".tif" if name.startswith(("PF", "Pf")) else ".png")
        np.testing.assert_array_equal(read(result.destination).pixels.squeeze(), upscaler(expected.astype(read(tmp_path / "a.pnm").pixels.dtype)).squeeze())  # fmt: skip  # noqa: E501
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "PPM")
    (tmp_path / "b.ppm").write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(read(tmp_path / "b.ppm").pixels, RGB)
