"""Harnesses of image files: every container by itself, its edits in place, and the decoders of this package.

An edit keeps the coded pixels: they are compared by their bytes before and after. Functions that write raise a
ValueError for a file that is not as libvips writes it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from fuzz.harness import Harness, contents_of, reader_of, scratch
from malformed.originals import image_files, read_image
from subpixel.image.files import exif_place
from subpixel.image.files.compression_info import read_compression
from subpixel.image.files.containers import (
    apng,
    geotiff,
    gif,
    gif_pixels,
    isobmff,
    isobmff_colours,
    isobmff_damage,
    jpeg,
    jpeg_segments,
    png,
    tiff,
    tiff_extent,
    tiff_images,
    tiff_pieces,
    webp,
    webp_pixels,
)
from subpixel.image.files.content import read_content
from subpixel.image.files.formats import FORMATS

__all__ = ["HARNESSES", "originals"]

_FORM = {form.name: form for form in FORMATS}
# A small TIFF, as EXIF is.
_BLOCK = b"II*\0\x08\0\0\0\1\0\x0f\1\2\0\4\0\0\0abc\0\0\0\0\0"
_MOST_PIXELS = 1 << 20


def originals(*suffixes: str) -> dict[str, bytes]:
    """The right image files with one of these suffixes."""
    return {name: content for name, content in image_files().items() if name.endswith(suffixes)}


def _edited(content: bytes, suffix: str, edit: Callable[[Path], object]) -> bytes | None:
    """The file after an edit; None if it is refused, and then it is as it was."""
    path = scratch(content, suffix)
    try:
        edit(path)
    except ValueError:
        return None
    return path.read_bytes()


def _read_pieces(content: bytes, suffix: str, pixels: Callable[[BinaryIO], object]) -> object:
    with reader_of(content, suffix) as file:
        return pixels(file)


def check_jpeg(content: bytes) -> None:
    """The segments of a JPEG, what is read of them, and EXIF put into it."""
    with reader_of(content, ".jpg") as file:
        parts = jpeg.list_parts(file)
        losses = jpeg.list_losses(file, ())
        assert all(loss and "\n" not in loss for loss in losses), losses
        for read in (
            jpeg.states_resolution, jpeg.pixel_aspect, jpeg.unsupported_coding, jpeg_segments.is_cut_short,
            jpeg_segments.end_without_last_codes, read_compression, read_content,
        ):  # fmt: skip
            read(file)
        assert jpeg_segments.shorter_side(file) >= 1
        if not parts:
            return
    write = partial(exif_place.write_block, form=_FORM["JPEG"], block=_BLOCK)
    changed = _edited(content, ".jpg", write)
    assert changed is not None
    assert changed.endswith(content[2:])
    with reader_of(changed, ".jpg") as file:
        assert exif_place.read_block(file, _FORM["JPEG"]) == _BLOCK
        # A file that goes on after its first two bytes with what is no segment stays as it is.
        assert jpeg.list_parts(file)[:2] == ("APP1 Exif", *parts[:1])


def check_photoshop(content: bytes) -> None:
    """Photoshop's resources, as they are or in a segment."""
    records = jpeg.from_photoshop(content)
    without = jpeg.remove_previews(content)
    assert jpeg.remove_previews(without) == without
    assert jpeg.from_photoshop(jpeg.to_photoshop(content)) == content
    if records is not None:
        assert jpeg.from_photoshop(without) == records
    jpeg.resources(content)


def _png_pixels(file: BinaryIO) -> tuple[bytes, list[bytes]]:
    """The header, and the contents of chunks of pixels up to the end."""
    file.seek(8)
    header, pixels = b"", []
    while len(start := file.read(8)) == 8:
        content = file.read(min(int.from_bytes(start[:4], "big"), 1 << 24) + 4)
        if start[4:] == b"IHDR":
            header = header or content
        elif start[4:] in (b"IDAT", b"fdAT"):
            pixels.append(content)
        if start[4:] == b"IEND":
            break
    return header, pixels


def check_png(content: bytes) -> None:
    """The chunks of a PNG, its animation, and chunks put into it and taken out."""
    with reader_of(content, ".png") as file:
        contents = png.read_contents(file)
        _ = contents.refusal, contents.reserved, contents.profile, contents.has_gray_palette
        assert all(loss and "\n" not in loss for loss in contents.losses), contents.losses
        png.resolution(file)
        assert png.declared_frames(file) >= 1
        for each in contents.carried:
            if each[4:8] == b"bKGD":
                png.background(each[8:-4], contents.header, contents.palette)
        with suppress(ValueError):
            animation = apng.read_animation(contents, file)
            for control in animation.frames if animation is not None else ():
                with suppress(ValueError):
                    assert apng.frame_png(animation, control, file).startswith(png.SIGNATURE)
    text = png.chunk(b"tEXt", b"Author\0A name")
    edits: dict[str, Callable[[Path], object]] = {
        "texts": partial(png.add_texts, chunks=(text,)),
        "chunks": partial(png.insert_chunks, chunks=(png.chunk(b"gAMA", struct.pack(">I", 45455)),)),
        "exif": partial(exif_place.write_block, form=_FORM["PNG"], block=_BLOCK),
        "removed": _without_exif,
    }
    for name, edit in edits.items():
        changed = _edited(content, ".png", edit)
        if changed is None:
            continue
        if contents.complete:
            before, after = (_read_pieces(each, ".png", _png_pixels) for each in (content, changed))
            assert before == after, name
        with reader_of(changed, ".png") as file:
            again = png.read_contents(file)
            if name == "exif" and contents.complete:
                assert exif_place.read_block(file, _FORM["PNG"]) == _BLOCK
            if name == "texts" and contents.complete and not contents.notes:
                assert text in again.texts


def _without_exif(path: Path) -> None:
    with open(path, "r+b") as file:
        png.remove_chunk(file, b"eXIf")


def check_tiff(content: bytes) -> None:
    """The directories of a TIFF, all that is read of them, and metadata added to it."""
    with reader_of(content, ".tif") as file:
        read_content(file)
        images = tiff_images.read_images(file)
        if images is None:
            return
        for page in range(1, min(len(images.pages), 3) + 1):
            with suppress(IndexError):
                images.choose(page)
        _ = images.options, images.notes, images.refusal(file), images.channels(file), images.alpha(file)
        images.has_large_pieces(file)
        images.known_units(file)
        tiff_extent.find_damage(images, file)
        notes = (*tiff_extent.list_extent(images, file), *tiff.list_losses(file, images))
        assert all(note and "\n" not in note for note in notes), notes
        block, records, tags = tiff.read_exif(file, images), tiff.read_iptc(file, images), tiff.read_tags(file, images)
        assert tiff.unpack_tags(tiff.pack_tags(tags)) == tags
        changed_tags = geotiff.for_size(dict(tags), (19, 13), (38, 26))
        assert changed_tags.keys() == tags.keys()
        for tag in (700, 34377, 34675):
            tiff.read_blob(file, images, tag)
        for _ in tiff_pieces.jpegs_of(images, file):
            pass
        with suppress(ValueError):
            tiff_pieces.check_deflate(images, file)
    added = _edited(content, ".tif", partial(tiff.add_metadata, block=block, records=records, tags=changed_tags))
    if added is None:
        return
    # Only the offset of the first directory changes of what was there.
    head = 16 if content[2:4] in (b"+\0", b"\0+") else 8
    assert added[head : len(content)] == content[head:]
    if block is not None:
        with reader_of(added, ".tif") as file:
            assert tiff.holds_exif(file, block)


def check_webp(content: bytes) -> None:
    """The chunks of a WebP, its coded images, its background and durations, and EXIF put into it."""
    with reader_of(content, ".webp") as file:
        losses = webp.list_losses(file)
        assert all(loss and "\n" not in loss for loss in losses), losses
        webp.read_background(file)
        read_compression(file)
        for image in webp_pixels.coded_images(file):
            for shortened in webp_pixels.shortened_images(image):
                assert shortened.startswith(b"RIFF")
        before = _coded(file)
        blocks = list(webp.chunks(file))
    for edit in (
        partial(webp.set_background, colour=b"\1\2\3\4"),
        partial(webp.set_durations, written=(40, 40, 40), wanted=(10, 20, 30)),
        partial(exif_place.write_block, form=_FORM["WebP"], block=_BLOCK),
    ):
        changed = _edited(content, ".webp", edit)
        if changed is None or any(at + length > len(content) for _, at, length in blocks):
            continue
        assert _read_pieces(changed, ".webp", _coded) == before
    if changed is not None:
        with reader_of(changed, ".webp") as file:
            assert exif_place.read_block(file, _FORM["WebP"]) == _BLOCK


def _coded(file: BinaryIO) -> list[bytes]:
    places = [(at, length) for kind, at, length in webp.chunks(file) if kind in (b"ALPH", b"VP8 ", b"VP8L")]
    return contents_of(file, places)


def check_gif(content: bytes) -> None:
    """The blocks of a GIF, how many pixels its frames hold, and blocks added at its end."""
    with reader_of(content, ".gif") as file:
        contents = gif.read_contents(file)
        assert all(loss and "\n" not in loss for loss in contents.losses), contents.losses
        gif.read_canvas(file)
        before = list(gif.frames(file))
        assert len(list(gif.frame_areas(file))) >= len(before)
        for each in gif_pixels.count_pixels(file):
            assert each.held >= 0
            assert each.rest >= 0
    comments = (b"a comment", b"x" * 300)
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    changed = _edited(content, ".gif", partial(gif.add_blocks, packet=packet, comments=comments))
    if changed is None or not contents.names or any("end" in note for note in contents.notes):
        return
    with reader_of(changed, ".gif") as file:
        assert list(gif.frames(file)) == before
        again = gif.read_contents(file)
        assert again.packet == packet
        assert again.comments == (*contents.comments, *comments)


def check_heif(content: bytes) -> None:
    """The boxes of a HEIF file, and code points and EXIF put into it."""
    with reader_of(content, ".avif") as file:
        isobmff.is_heif(content[:64])
        contents = isobmff.read_contents(file)
        isobmff_damage.find_damage(contents, len(content))
        _ = contents.sequence, contents.main, contents.pages, contents.codec
        isobmff.nclx_of(contents.main)
        for track in contents.tracks:
            _ = track.bits, track.is_gray
            isobmff.nclx_of(track)
            assert len(track.times) <= track.samples
        read_content(file)
        coded = _items(contents, file)
    for name, edit in {
        "colours": partial(isobmff_colours.set_code_points, primaries=9, transfer=16),
        "exif": partial(exif_place.write_block, form=_FORM["AVIF"], block=_BLOCK),
    }.items():
        changed = _edited(content, ".avif", edit)
        if changed is None:
            continue
        with reader_of(changed, ".avif") as file:
            again = isobmff.read_contents(file)
            if name == "exif":
                exif_place.read_block(file, _FORM["AVIF"])
            elif again.places.keys() == contents.places.keys() and contents.lacking is None:
                assert again.items.keys() == contents.items.keys()
                _ = coded


def _items(contents: isobmff.Contents, file: BinaryIO) -> dict[int, list[bytes]]:
    most = 1 << 16
    return {
        number: contents_of(file, [(at, min(length, most)) for at, length in places[:4] if at < 1 << 40])
        for number, places in list(contents.places.items())[:64]
    }


def check_decoder(content: bytes) -> None:
    """BMP and Netpbm: a header, and all pixels that it states."""
    from subpixel.image.files.decoders.decoder import header_image
    from subpixel.image.files.decoders.registry import open_decoder
    from subpixel.image.files.open_file import OpenFile

    with OpenFile(scratch(content, ".bin")) as file:
        decoder = open_decoder(file)
        if decoder is None:
            return
        layout = decoder.layout
        width, height = layout.size
        header_image(layout)
        if width * height * layout.pages > _MOST_PIXELS:
            return
        with suppress(ValueError):
            pixels = decoder.load(file, layout.bands, layout.dtype)
            assert pixels.shape == (height * layout.pages, width, layout.bands)
            assert pixels.dtype == layout.dtype


def check_image(content: bytes) -> object:
    """Any file, read as an image with all its metadata."""
    return read_image(scratch(content, ".img"))


def _photoshop() -> Mapping[str, bytes]:
    records = b"\x1c\x02\x69\0\x06A city"
    preview = b"8BIM\x04\x0c\0\0\0\0\0\x1c" + bytes(28)
    return {"records": jpeg.to_photoshop(records), "preview": jpeg.to_photoshop(records, preview)}


HARNESSES = (
    Harness("jpeg", check_jpeg, partial(originals, ".jpg")),
    Harness("photoshop", check_photoshop, _photoshop),
    Harness("png", check_png, partial(originals, ".png")),
    Harness("tiff", check_tiff, partial(originals, ".tif")),
    Harness("webp", check_webp, partial(originals, ".webp")),
    Harness("gif", check_gif, partial(originals, ".gif")),
    Harness("heif", check_heif, partial(originals, ".avif")),
    Harness("decoder", check_decoder, partial(originals, ".bmp", ".pbm", ".pgm", ".ppm", ".pam", ".pfm")),
    Harness("image", check_image, image_files),
)
