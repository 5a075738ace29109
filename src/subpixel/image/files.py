"""Reading and writing pictures with libvips: pixels as arrays, everything else carried beside them.

What is kept: orientation (applied to the pixels, its tag dropped), colour profile, EXIF, XMP, IPTC, resolution,
16 bits, alpha. What is converted is said in :attr:`Picture.notes`.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import ImageReadError, ImageWriteError, InvalidArgument

__all__ = ["WRITABLE", "Picture", "default_suffix", "read", "write"]

# Options of each format that can be written. JPEG: 95 without chroma subsampling, where its losses begin to hide
# below the network's own. PNG: level 3 with every filter tried is half as large as libvips' default in equal time.
WRITABLE: dict[str, dict[str, Any]] = {
    ".jpg": {"Q": 95, "subsample_mode": "off"},
    ".jpeg": {"Q": 95, "subsample_mode": "off"},
    ".png": {"compression": 3, "filter": "all"},
    ".tif": {"compression": "deflate", "predictor": "horizontal"},
    ".tiff": {"compression": "deflate", "predictor": "horizontal"},
    ".webp": {"lossless": True},
}

# Which dtypes a format holds; a format not named holds u8 alone.
_DTYPES: dict[str, tuple[str, ...]] = {
    ".png": ("uint8", "uint16"),
    ".tif": ("uint8", "uint16", "float32"),
    ".tiff": ("uint8", "uint16", "float32"),
}

# Spaces whose encoded values the networks may work on as they are.
_GRAY = ("b-w", "grey16")
_RGB = ("srgb", "rgb", "rgb16", "scrgb", "multiband")

# The header's entries that describe the old pixels, or that libvips derives anew.
_NOT_KEPT = ("exif-ifd1-", "jpeg-", "png-", "vips-", "orientation", "bits-per-sample", "palette", "n-pages")


@dataclass(frozen=True)
class Picture:
    """A picture in memory.

    Args:
        pixels: ``(H, W, C)``, C = 1, 2 (gray, alpha), 3 (RGB) or 4 (RGBA); u8, u16 or f32.
        header: the opened file, for its metadata; None for a picture that came from no file.
        notes: what was converted on the way in, a sentence each.
    """

    pixels: NDArray[Any]
    header: pyvips.Image | None = None
    notes: tuple[str, ...] = ()


def read(path: str | Path) -> Picture:
    """Read a picture, upright.

    Raises:
        ImageReadError: not there, not a picture, damaged, cut short, or of a kind that cannot be enlarged.
    """
    path = Path(path)
    if os.path.isdir(path):  # unlike Path.is_dir it never raises; what is wrong with a path shows when it is opened
        raise ImageReadError(f"{path}: is a folder; the path of a picture is needed")
    try:
        with open(path, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise ImageReadError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    if empty:
        raise ImageReadError(f"{path}: the file is empty")
    try:
        # "error", not "truncated": with the latter a TIFF cut short is filled up with black without a word.
        header = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="error")
    except pyvips.Error as error:
        raise ImageReadError(f"{path}: not a picture that can be read ({_reason(error)})") from None
    try:
        # Each new operation starts another sequential pass, so metadata is taken from the unread image.
        image = header.autorot()
        image, notes = _plain_colour(image)
        pixels = image.numpy()
    except pyvips.Error as error:
        raise ImageReadError(f"{path}: the picture is damaged or cut short ({_reason(error)})") from None
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    pages = header.get("n-pages") if header.get_typeof("n-pages") else 1
    if pages > 1:
        notes = (*notes, f"the file holds {pages} pictures; the first was read")
    if pixels.dtype == np.float64:
        pixels, notes = pixels.astype(np.float32), (*notes, "64-bit floating point was read as 32-bit")
    if pixels.dtype not in (np.uint8, np.uint16, np.float32) or pixels.shape[2] > 4:
        raise ImageReadError(
            f"{path}: {pixels.shape[2]} bands of {pixels.dtype}: 1 to 4 bands of uint8, uint16 or float32 are needed"
        )
    return Picture(pixels, header, notes)


def write(picture: Picture, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a picture beside its destination, then put it there in one step.

    Args:
        picture: pixels, and the header whose metadata goes along.
        path: its suffix chooses the format.
        overwrite: replace a file that is there.

    Raises:
        InvalidArgument: a format that cannot be written, or cannot hold these pixels.
        ImageWriteError: the destination exists or cannot be written. Whatever was there is unharmed.
    """
    path = Path(path)
    suffix = check_destination(path, overwrite=overwrite)
    pixels = picture.pixels
    held = _DTYPES.get(suffix, ("uint8",))
    if pixels.dtype.name not in held:
        raise InvalidArgument(f"{path}: {suffix[1:]} holds {' or '.join(held)}, the picture is {pixels.dtype}")
    if suffix in (".jpg", ".jpeg") and pixels.shape[2] in (2, 4):
        raise InvalidArgument(f"{path}: {suffix[1:]} has no transparency, the picture has; png would keep it")
    image = _with_metadata(pyvips.Image.new_from_array(np.ascontiguousarray(pixels)), picture)
    try:
        handle, scratch = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=suffix, dir=path.parent)
    except OSError as error:
        raise ImageWriteError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    os.close(handle)
    try:
        image.write_to_file(scratch, **WRITABLE[suffix])
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(scratch, 0o666 & ~umask)  # mkstemp gives 0600
        _put(scratch, path, overwrite)
    except pyvips.Error as error:
        raise ImageWriteError(f"{path}: cannot be written ({_reason(error)})") from None
    except OSError as error:
        raise ImageWriteError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    finally:
        Path(scratch).unlink(missing_ok=True)


def check_destination(path: Path, *, overwrite: bool) -> str:
    """Everything that can be known before the work begins; returns the suffix in lower case.

    Raises:
        InvalidArgument: a format that cannot be written.
        ImageWriteError: it exists, or its folder does not or cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITABLE:
        raise InvalidArgument(f"{path}: a name ending in {', '.join(WRITABLE)} is needed to write a picture")
    if os.path.isdir(path):
        raise ImageWriteError(f"{path}: is a folder")
    if os.path.exists(path) and not overwrite:
        raise ImageWriteError(f"{path}: exists already; --overwrite replaces it")
    if not os.path.isdir(path.parent):
        raise ImageWriteError(f"{path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise ImageWriteError(f"{path}: the folder {path.parent} cannot be written")
    return suffix


def default_suffix(dtype: np.dtype[Any]) -> str:
    """The format that loses nothing: PNG, or TIFF for floating point."""
    return ".tif" if dtype == np.float32 else ".png"


def _put(scratch: str, path: Path, overwrite: bool) -> None:
    if overwrite:
        os.replace(scratch, path)
        return
    try:
        os.link(scratch, path)  # unlike a rename it fails if somebody made the file meanwhile
    except FileExistsError:
        raise ImageWriteError(f"{path}: exists already; --overwrite replaces it") from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise ImageWriteError(f"{path}: exists already; --overwrite replaces it") from None
        os.rename(scratch, path)


def _plain_colour(image: pyvips.Image) -> tuple[pyvips.Image, tuple[str, ...]]:
    """Bring what is neither gray nor RGB (CMYK, Lab, …) to sRGB."""
    space = image.interpretation
    if space in _GRAY or (space in _RGB and image.bands <= 4):
        return image, ()
    with_profile = image.get_typeof("icc-profile-data") != 0
    converted = image.icc_transform("srgb") if with_profile else image.colourspace("srgb")
    return converted, (f"colours were converted from {space} to sRGB",)


def _with_metadata(image: pyvips.Image, picture: Picture) -> pyvips.Image:
    gray, wide = image.bands < 3, image.format == "ushort"
    if image.format == "float":
        space = "b-w" if gray else "scrgb"
    elif gray:
        space = "grey16" if wide else "b-w"
    else:
        space = "rgb16" if wide else "srgb"
    header = picture.header
    if header is None:
        return image.copy(interpretation=space)
    image = image.copy(interpretation=space, xres=header.xres, yres=header.yres)
    own = set(image.get_fields())
    converted = header.interpretation not in (*_GRAY, *_RGB)

    def dropped(name: str) -> bool:
        if converted and name == "icc-profile-data":
            return True  # it describes the colours before the conversion
        return name.startswith(_NOT_KEPT) or "Orientation" in name

    for name in header.get_fields():
        if name not in own and not dropped(name):
            image.set_type(header.get_typeof(name), name, header.get(name))
    # Setting the block of EXIF lays out all that is in it, and with it what must go: the old turn, the old preview.
    for name in image.get_fields():
        if name not in own and dropped(name):
            image.remove(name)
    return image


def _reason(error: pyvips.Error) -> str:
    """What libvips says, without the names of its own parts."""
    lines = [line.strip() for line in str(error).splitlines()[1:] if line.strip()]
    if not lines:
        return "its content is broken"
    if "is not a known file format" in lines[-1]:
        return "its content is of no known picture format"
    return lines[-1].split(": ", 1)[-1]
