"""Every part of a file is kept, converted, renewed or named in a note, whatever the format of the result."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subpixel.errors import ImageReadError
from subpixel.image import read, write
from subpixel.image.files.containers import INVENTORIES, gif, png, webp
from subpixel.image.files.containers.inventory import Fate, Inventory
from subpixel.image.files.icc import SRGB, build_profile

PIXELS = np.random.default_rng(5).integers(0, 256, (6, 8, 3), np.uint8)
WRITTEN = ("png", "jpg", "tif", "webp", "avif", "gif")


def saved(folder: Path, suffix: str, **options: object) -> bytes:
    path = folder / f"plain.{suffix}"
    frames = [Image.fromarray(np.roll(PIXELS, k, 0)) for k in range(2)]
    if suffix in ("gif", "webp"):
        options = {"save_all": True, "append_images": frames[1:], "duration": 100, **options}
    frames[0].save(path, **options)  # type: ignore[arg-type]
    return path.read_bytes()


def with_chunk(content: bytes, name: str, data: bytes = b"data") -> bytes:
    """A PNG with one more chunk after IHDR."""
    return content[:33] + png.chunk(name.encode(), data) + content[33:]


def with_webp_chunk(content: bytes, name: str, data: bytes = b"data") -> bytes:
    """A WebP with one more chunk at its end."""
    more = name.encode().ljust(4) + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    content += more
    return content[:4] + struct.pack("<I", len(content) - 8) + content[8:]


def with_extension(content: bytes, block: bytes) -> bytes:
    """A GIF with one more extension at its end."""
    return content[:-1] + block + b";"


def application(name: bytes, data: bytes = b"data") -> bytes:
    return b"!\xff\x0b" + name + bytes([len(data)]) + data + b"\0"


def notes_of(folder: Path, name: str, content: bytes, target: str | None = None) -> tuple[str, ...]:
    """The notes of reading a file, and of writing it in another format."""
    (folder / name).write_bytes(content)
    image = read(folder / name)
    if target is None:
        return image.notes
    return (*image.notes, *write(image, folder / f"result.{target}", overwrite=True))


def lost(inventory: Inventory) -> list[str]:
    return [part.name for part in inventory.parts if part.fate is Fate.LOST]


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda inventory: inventory.format)
def test_inventories_are_complete_sentences(inventory: Inventory) -> None:
    assert len(inventory.by_name) == len(inventory.parts)
    for part in inventory.parts:
        assert part.meaning
        assert part.meaning == part.meaning.strip()
        assert not part.meaning.endswith(".")


# PNG


@pytest.mark.parametrize("name", lost(png.INVENTORY))
def test_lost_chunks_of_a_png_are_named(tmp_path: Path, name: str) -> None:
    notes = notes_of(tmp_path, "a.png", with_chunk(saved(tmp_path, "png"), name))
    assert notes == (f"{png.INVENTORY.by_name[name].meaning} ({name}) is not kept",)


@pytest.mark.parametrize("name", ["abCd", "zzZz", "exIf", "caBx", "vpAG"])
def test_unknown_chunks_of_a_png_are_named(tmp_path: Path, name: str) -> None:
    content = with_chunk(saved(tmp_path, "png"), name, b"")
    assert notes_of(tmp_path, "a.png", content) == (f"the PNG chunk {name} is not known: it is not kept",)
    content = with_chunk(content, name, b"twice")
    assert notes_of(tmp_path, "a.png", content) == (f"the PNG chunk {name} is not known: it is not kept",)


@pytest.mark.parametrize("name", ["sBIT", "hIST", "iDOT"])
def test_renewed_chunks_of_a_png(tmp_path: Path, name: str) -> None:
    content = with_chunk(saved(tmp_path, "png"), name, b"\5\5\5")
    assert png.INVENTORY.by_name[name].fate is Fate.RENEWED
    assert notes_of(tmp_path, "a.png", content, "png") == ()
    assert name not in names_of(tmp_path / "result.png")


def test_chunks_that_an_image_cannot_be_read_without(tmp_path: Path) -> None:
    for name, message in (("CgBI", "Apple's own form"), ("ABCD", "chunk ABCD is critical"), ("abcd", "reserves")):
        (tmp_path / "a.png").write_bytes(with_chunk(saved(tmp_path, "png"), name))
        with pytest.raises(ImageReadError, match=message):
            read(tmp_path / "a.png")


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
POINTS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)

# A content of each kept chunk.
KEPT = {
    "cICP": bytes([12, 13, 0, 1]),
    "iCCP": b"P3\0\0" + zlib.compress(build_profile(SRGB)),
    "sRGB": b"\1",
    "gAMA": (50000).to_bytes(4, "big"),
    "cHRM": struct.pack(">8I", *POINTS),
    "mDCV": bytes(range(24)),
    "mDCv": bytes(range(24)),
    "cLLI": bytes(range(8)),
    "cLLi": bytes(range(8)),
    "eXIf": b"MM\0*\0\0\0\x08\0\1\x01\x0f\0\2\0\0\0\6\0\0\0\x1a\0\0\0\0Maker\0",
    "tEXt": b"Author\0Somebody",
    "zTXt": b"Author\0\0" + zlib.compress(b"Somebody"),
    "iTXt": b"Author\0\0\0de\0Autor\0Jemand",
    "pHYs": struct.pack(">IIB", 3, 2, 0),
    "bKGD": struct.pack(">3H", 10, 20, 30),
    "tIME": bytes([7, 232, 2, 29, 12, 30, 59]),
}
# What the notes of other formats call it; None for what every format but GIF has.
ELSEWHERE = {
    "cICP": None,
    "iCCP": None,
    "sRGB": None,
    "gAMA": None,
    "cHRM": None,
    "eXIf": None,
    **dict.fromkeys(("tEXt", "zTXt", "iTXt"), "holds no PNG texts: Author are not kept"),
}


def names_of(path: Path) -> list[str]:
    with open(path, "rb") as file:
        return list(png.read_contents(file).names)


def chunk_of(path: Path, name: str) -> bytes:
    content = path.read_bytes()
    at = content.index(name.encode())
    return content[at + 4 : at + 4 + int.from_bytes(content[at - 4 : at], "big")]


def test_every_kept_chunk_has_a_test() -> None:
    assert set(KEPT) == {part.name for part in png.INVENTORY.parts if part.fate is Fate.KEPT}


@pytest.mark.parametrize("name", KEPT)
def test_kept_chunks_of_a_png(tmp_path: Path, name: str) -> None:
    content = with_chunk(saved(tmp_path, "png"), name, KEPT[name])
    assert notes_of(tmp_path, "a.png", content, "png") == ()
    if name in ("iCCP", "eXIf"):  # which libvips writes anew
        result = read(tmp_path / "result.png").header
        assert result is not None
        profile = result.get("icc-profile-data") if name == "iCCP" else None
        assert profile == build_profile(SRGB) if name == "iCCP" else result.get("exif-ifd0-Make").startswith("Maker")
    else:
        assert chunk_of(tmp_path / "result.png", name) == KEPT[name]
    # A result states nothing that its source does not.
    stated = {"cICP", "iCCP", "sRGB", "gAMA", "cHRM", "mDCV", "cLLI", "bKGD", "tIME"} - {name}
    assert not stated & set(names_of(tmp_path / "result.png"))
    with Image.open(tmp_path / "result.png") as image:
        np.testing.assert_array_equal(np.asarray(image), PIXELS)


@pytest.mark.parametrize("target", [suffix for suffix in WRITTEN if suffix != "png"])
@pytest.mark.parametrize("name", KEPT)
def test_kept_chunks_of_a_png_in_other_formats(tmp_path: Path, name: str, target: str) -> None:
    notes = notes_of(tmp_path, "a.png", with_chunk(saved(tmp_path, "png"), name, KEPT[name]), target)
    notes = tuple(note for note in notes if "256 colours" not in note)
    has_profile = read(tmp_path / f"result.{target}").header.get_typeof("icc-profile-data") != 0  # type: ignore[union-attr]
    if ELSEWHERE.get(name, "") is None:
        if target == "gif" and name == "sRGB":
            assert notes == ()
        elif target == "gif":
            assert len(notes) == 1
            assert "no EXIF" in notes[0] if name == "eXIf" else "converted to sRGB" in notes[0]
        else:
            assert notes == ()
            assert has_profile == (name != "eXIf")
            header = read(tmp_path / f"result.{target}").header
            assert name != "eXIf" or header.get("exif-ifd0-Make").startswith("Maker")  # type: ignore[union-attr]
    else:
        expected = ELSEWHERE.get(name) or f"{png.INVENTORY.by_name[name].meaning} ({name}) is not kept in"
        assert not has_profile
        if name == "pHYs":  # others state the aspect ratio of pixels in their own ways
            assert "pHYs" not in str(notes)
            return
        assert len(notes) == 1
        assert expected in notes[0]


@pytest.mark.parametrize("name", [*KEPT, "PLTE"])
def test_damaged_chunks_are_named_and_not_written(tmp_path: Path, name: str) -> None:
    if name in ("iCCP", "eXIf", "PLTE"):
        return  # libvips' part
    plain = saved(tmp_path, "png")
    whole = png.chunk(name.encode(), KEPT[name])
    wrong_sum = plain[:33] + whole[:-1] + bytes([whole[-1] ^ 1]) + plain[33:]
    wrong_size = with_chunk(plain, name, KEPT[name] + b"more") if not name.endswith("Xt") else wrong_sum
    for content in (wrong_sum, wrong_size):
        notes = notes_of(tmp_path, "a.png", content, "png")
        assert notes == (f"the PNG chunk {name} is damaged: it is not kept",)
        assert name not in names_of(tmp_path / "result.png") or name == "pHYs"


@pytest.mark.parametrize("target", [suffix for suffix in WRITTEN if suffix != "gif"])
def test_the_orientation_in_exif_is_applied(tmp_path: Path, target: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    content = with_chunk(saved(tmp_path, "png"), "eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    assert notes_of(tmp_path, "a.png", content, target) == ()
    image = read(tmp_path / f"result.{target}")
    assert image.header is not None
    assert image.pixels.shape == (8, 6, 3)
    assert image.header.get("exif-ifd0-Make").startswith("Maker")
    assert not image.header.get_typeof("orientation") or image.header.get("orientation") == 1


@pytest.mark.parametrize("kind", ["plain", "compressed", "zTXt"])
def test_exif_and_xmp_behind_the_pixels(tmp_path: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    packet = zlib.compress(XMP) if kind != "plain" else XMP
    start = b"XML:com.adobe.xmp\0" + (b"\0" if kind == "zTXt" else bytes([kind == "compressed", 0]) + b"en\0XMP\0")
    content = saved(tmp_path, "png")
    behind = png.chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    behind += png.chunk(b"zTXt" if kind == "zTXt" else b"iTXt", start + packet)
    assert notes_of(tmp_path, "a.png", content[:-12] + behind + content[-12:], "png") == ()
    image = read(tmp_path / "result.png")
    assert image.header is not None
    assert image.pixels.shape == (8, 6, 3)  # turned upright
    assert image.header.get("exif-ifd0-Make").startswith("Maker")
    assert b"xmpmeta" in image.header.get("xmp-data")
    assert (tmp_path / "result.png").read_bytes().count(b"eXIf") == 1


def test_texts_without_end(tmp_path: Path) -> None:
    texts = with_chunk(with_chunk(saved(tmp_path, "png"), "tEXt", b"A\0" + bytes(9 << 20)), "iTXt", bytes(9 << 20))
    notes = notes_of(tmp_path, "a.png", texts, "png")
    assert notes == ("the PNG chunk tEXt makes more than 16 MB of texts: it is not kept",)


def test_the_first_of_two_chunks_holds(tmp_path: Path) -> None:
    content = with_chunk(saved(tmp_path, "png"), "gAMA", (1).to_bytes(4, "big"))
    content = with_chunk(content, "gAMA", (50000).to_bytes(4, "big"))
    notes_of(tmp_path, "a.png", content, "png")
    assert (tmp_path / "result.png").read_bytes().count(b"gAMA") == 1
    assert chunk_of(tmp_path / "result.png", "gAMA") == (50000).to_bytes(4, "big")


# WebP and GIF


@pytest.mark.parametrize("name", [*lost(webp.INVENTORY), "abcd", "JUMB"])
def test_lost_and_unknown_chunks_of_a_webp_are_named(tmp_path: Path, name: str) -> None:
    content = with_webp_chunk(saved(tmp_path, "webp", lossless=True), name, b"odd")
    known = webp.INVENTORY.by_name.get(name)
    expected = f"({name}) is not kept" if known else f"the WebP chunk {name} is not known: it is not kept"
    (note,) = notes_of(tmp_path, "a.webp", content)
    assert note.endswith(expected)
    for target in ("webp", "gif"):
        assert note in notes_of(tmp_path, "a.webp", content, target)


def test_the_background_of_a_webp(tmp_path: Path) -> None:
    content = saved(tmp_path, "webp", lossless=True, background=(10, 20, 30, 40))
    assert notes_of(tmp_path, "a.webp", content, "webp") == ()
    with open(tmp_path / "result.webp", "rb") as file:
        assert webp.read_background(file) == bytes([30, 20, 10, 40])
    assert any(
        "background of the animation is not kept in GIF" in note
        for note in notes_of(tmp_path, "a.webp", content, "gif")
    )
    assert notes_of(tmp_path, "a.webp", saved(tmp_path, "webp", lossless=True), "webp") == ()


UNKNOWN_EXTENSIONS = {
    "FRACTINT003": application(b"FRACTINT003"),
    "0x42": b"!\x42\4data\0",
    "without a name": b"!\xff\5short\0",
}
LOST_EXTENSIONS = {
    "plain text": b"!\x01\x0c" + bytes(12) + b"\5words\0",
    "user input": b"!\xf9\4\2\0\0\0\0",
    "ImageMagick": application(b"ImageMagick", b"gamma=0.45"),
    "C2PA_GIF": application(b"C2PA_GIF\1\0\0"),
}


def test_lost_and_unknown_extensions_of_a_gif_are_named(tmp_path: Path) -> None:
    assert set(LOST_EXTENSIONS) == set(lost(gif.INVENTORY))
    plain = saved(tmp_path, "gif", loop=0)
    assert notes_of(tmp_path, "a.gif", plain) == ()
    for name, block in LOST_EXTENSIONS.items():
        (note,) = notes_of(tmp_path, "a.gif", with_extension(plain, block))
        assert note == f"{gif.INVENTORY.by_name[name].meaning} ({name}) is not kept"
    for name, block in UNKNOWN_EXTENSIONS.items():
        (note,) = notes_of(tmp_path, "a.gif", with_extension(plain, block))
        assert note == f"the GIF extension {name} is not known: it is not kept"


def test_kept_and_converted_parts_of_a_gif(tmp_path: Path) -> None:
    plain = saved(tmp_path, "gif", loop=0)
    wide = plain[:12] + b"\x20" + plain[13:]
    caveat = notes_of(tmp_path, "a.gif", plain, "gif")
    assert notes_of(tmp_path, "a.gif", wide, "gif") == caveat
    assert (tmp_path / "result.gif").read_bytes()[12] == 0x20
    assert notes_of(tmp_path, "a.gif", wide, "webp") == ()
    profile = build_profile(SRGB)
    blocks = b"".join(bytes([len(part)]) + part for part in (profile[:255], profile[255:]))
    coloured = with_extension(plain, b"!\xff\x0bICCRGBG1012" + blocks + b"\0")
    assert notes_of(tmp_path, "a.gif", coloured, "webp") == ()
    assert read(tmp_path / "result.webp").header.get("icc-profile-data") == profile  # type: ignore[union-attr]
    assert "GIF holds no colour profile: colours were converted to sRGB" in notes_of(tmp_path, "a.gif", coloured, "gif")
    records = b"\x1c\x02\x05\x00\x05hello"
    for block in (
        application(b"MGKIPTC0000", records),
        application(b"MGK8BIM0000", b"8BIM\4\4\0\0\0\0\0\x0a" + records),
    ):
        still = Image.fromarray(PIXELS)
        still.save(tmp_path / "still.gif")
        content = with_extension((tmp_path / "still.gif").read_bytes(), block)
        assert notes_of(tmp_path, "a.gif", content, "jpg") == ()
        assert records in (tmp_path / "result.jpg").read_bytes()


# Bytes after the end


@pytest.mark.parametrize("suffix", ["png", "webp", "gif"])
@pytest.mark.parametrize(
    ("more", "note"),
    [
        (b"x", "1 byte after the end of the image is not kept"),
        (b"PK\3\4" + bytes(1230), "1,234 bytes after the end of the image (a ZIP archive) are not kept"),
        (b"\0\0\0\x18ftypmp42", "12 bytes after the end of the image (a video or an AVIF) are not kept"),
        (bytes(40), "40 bytes after the end of the image are not kept"),
    ],
)
def test_bytes_after_the_end(tmp_path: Path, suffix: str, more: bytes, note: str) -> None:
    plain = saved(tmp_path, suffix)
    assert notes_of(tmp_path, f"a.{suffix}", plain + more) == (*notes_of(tmp_path, f"b.{suffix}", plain), note)
    write(read(tmp_path / f"a.{suffix}"), tmp_path / f"result.{suffix}")
    assert not (tmp_path / f"result.{suffix}").read_bytes().endswith(more)


# What ImageMagick stores as text


def raw_profile(name: str, data: bytes, compress: Callable[[bytes], bytes] = zlib.compress) -> bytes:
    lines = "\n".join(data.hex()[k : k + 72] for k in range(0, 2 * len(data), 72))
    return f"Raw profile type {name}".encode() + b"\0\0" + compress(f"\n{name}\n{len(data):8}\n{lines}\n".encode())


def test_raw_profiles_of_imagemagick(tmp_path: Path) -> None:
    plain = saved(tmp_path, "png")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    for name in ("exif", "APP1"):
        content = with_chunk(plain, "zTXt", raw_profile(name, exif.tobytes()))
        assert notes_of(tmp_path, "a.png", content, "png") == ()
        with Image.open(tmp_path / "result.png") as image:
            assert image.size == (6, 8)  # turned upright
            assert image.getexif()[0x010F] == "Maker"
        assert b"Raw profile" not in (tmp_path / "result.png").read_bytes()
    content = with_chunk(plain, "zTXt", raw_profile("xmp", XMP))
    assert notes_of(tmp_path, "a.png", content, "webp") == ()
    assert b"xmpmeta" in (tmp_path / "result.webp").read_bytes()
    content = with_chunk(plain, "zTXt", raw_profile("icc", build_profile(SRGB)))
    assert notes_of(tmp_path, "a.png", content, "webp") == ()
    assert build_profile(SRGB) in (tmp_path / "result.webp").read_bytes()
    records = b"\x1c\x02\x05\x00\x05hello"
    content = with_chunk(plain, "zTXt", raw_profile("iptc", b"8BIM\4\4\0\0\0\0\0\x0a" + records))
    assert notes_of(tmp_path, "a.png", content, "jpg") == ()
    assert records in (tmp_path / "result.jpg").read_bytes()
    assert notes_of(tmp_path, "a.png", content, "png") == ()
    assert b"Raw profile type iptc" in (tmp_path / "result.png").read_bytes()
    content = with_chunk(plain, "zTXt", raw_profile("other", b"something"))
    assert notes_of(tmp_path, "a.png", content, "png") == ()
    assert b"Raw profile type other" in (tmp_path / "result.png").read_bytes()
    for broken in (b"Raw profile type exif\0\0" + b"no zlib", raw_profile("exif", b"")):
        assert notes_of(tmp_path, "a.png", with_chunk(plain, "zTXt", broken), "png") == ()
        assert b"Raw profile type exif" in (tmp_path / "result.png").read_bytes()


@pytest.mark.parametrize("compressed", [False, True])
def test_xmp_in_a_png(tmp_path: Path, compressed: bool) -> None:
    packet = zlib.compress(XMP) if compressed else XMP
    content = with_chunk(
        saved(tmp_path, "png"), "iTXt", b"XML:com.adobe.xmp\0" + bytes([compressed, 0]) + b"\0\0" + packet
    )
    assert notes_of(tmp_path, "a.png", content, "png") == ()
    assert b"xmpmeta" in read(tmp_path / "result.png").header.get("xmp-data")  # type: ignore[union-attr]
