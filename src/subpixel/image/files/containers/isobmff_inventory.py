"""The parts that a HEIF file, AVIF among them, is known to have, and what a result lacks of those in a file.

Sources: as in :mod:`subpixel.image.files.containers.isobmff`; ISO/IEC 23001-17 (uncompressed images); C2PA 2.1, annex
A; Apple's and Samsung's own parts as libheif and ExifTool describe them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from subpixel.image.files.containers.inventory import Fate, Inventory, Part
from subpixel.image.files.containers.isobmff import CODED, Contents, Item

__all__ = ["INVENTORY", "list_losses", "list_parts"]

# Auxiliary images by their URNs: alpha is read, the others are lost.
_ALPHA = ("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:hevc:2015:auxid:1", "urn:mpeg:avc:2015:auxid:1")
_DEPTH = ("urn:mpeg:mpegB:cicp:systems:auxiliary:depth", "urn:mpeg:hevc:2015:auxid:2")
_APPLE = "urn:com:apple:photo:"
_MATTES = (
    *("portraiteffectsmatte", "semanticskinmatte", "semantichairmatte", "semanticteethmatte"),
    *("semanticglassesmatte", "semanticskymatte"),
)

INVENTORY = Inventory(
    "HEIF",
    "part",
    (
        # The file.
        Part("ftyp", "the brands", Fate.READ),
        Part("meta", "the items", Fate.READ),
        Part("mdat", "the coded images", Fate.READ),
        Part("free", "free space", Fate.RENEWED),
        Part("skip", "free space", Fate.RENEWED),
        Part("moov", "the tracks of an image sequence", Fate.READ, "an AVIF sequence is an animation"),
        Part("mpvd", "the video of the motion photo", Fate.LOST),
        Part("sefd", "the camera's own data", Fate.LOST, "by Samsung"),
        Part("uuid d8fec3d61b0e483c", "the signed history of the old pixels, C2PA", Fate.LOST),
        Part("trailer", "what lies behind the last box", Fate.LOST, "its size is in the note"),
        # The items' tables.
        *(Part(name, "a table of the items", Fate.READ) for name in ("hdlr", "pitm", "iloc", "iinf", "iprp", "iref")),
        Part("idat", "data of the items", Fate.READ),
        Part("dinf", "where the data are", Fate.READ),
        Part("ipro", "how items are protected", Fate.REFUSED),
        Part("grpl", "which items are alternatives", Fate.READ),
        # Items.
        *(Part(f"item {kind}", "the pixels of an image", Fate.READ) for kind in CODED),
        Part("item Exif", "EXIF", Fate.KEPT),
        Part("item mime application/rdf+xml", "XMP", Fate.KEPT),
        Part("item tmap", "the gain map for HDR screens", Fate.LOST),
        Part("thumbnail", "a preview of the old pixels", Fate.RENEWED, "an item that refers with thmb"),
        Part("alpha", "transparency", Fate.READ, "an auxiliary image"),
        Part("depth map", "the depth map", Fate.LOST, "an auxiliary image"),
        Part("Apple's hdrgainmap", "the gain map for HDR screens", Fate.LOST, "an auxiliary image"),
        *(Part(f"Apple's {name}", "a matte of Apple's", Fate.LOST, "an auxiliary image") for name in _MATTES),
        Part("hidden image", "an image that is hidden in the file", Fate.LOST),
        # Properties of the main image and its tiles.
        Part("ispe", "the size", Fate.READ),
        Part("pixi", "the bits of a sample", Fate.READ),
        Part(
            "colr nclx",
            "the colours as code points",
            Fate.CONVERTED,
            "a colour profile; PQ and HLG are kept where a format can state them",
        ),
        Part("colr prof", "the colour profile", Fate.KEPT),
        Part("colr rICC", "the colour profile", Fate.KEPT),
        *(Part(f"{code}C", "parameters of the codec", Fate.READ) for code in ("av1", "hvc", "avc", "vvc", "evc")),
        *(Part(name, "parameters of the codec", Fate.READ) for name in ("jpgC", "j2kH", "uncC", "cmpd", "lhvC")),
        Part("lsel", "the layer to show", Fate.READ),
        Part("a1op", "the operating point", Fate.READ),
        Part("a1lx", "the sizes of layers", Fate.READ),
        Part("irot", "a rotation", Fate.CONVERTED, "the pixels are upright"),
        Part("imir", "a mirroring", Fate.CONVERTED, "the pixels are upright"),
        Part("clap", "the part of the image to show", Fate.CONVERTED, "the others are cut off"),
        Part("auxC", "what an auxiliary image is", Fate.READ),
        Part("rloc", "where an image lies in another", Fate.LOST),
        Part("pasp", "the aspect ratio of the pixels", Fate.LOST),
        Part("clli", "the content light level", Fate.LOST),
        Part("mdcv", "the colour volume of the mastering display", Fate.LOST),
        Part("cclv", "the content colour volume", Fate.LOST),
        Part("amve", "the ambient light", Fate.LOST),
        Part("ndwt", "the nominal white of the display", Fate.LOST),
        Part("reve", "the reference viewing environment", Fate.LOST),
        Part("udes", "a description", Fate.LOST),
        Part("altt", "an alternative text", Fate.LOST),
        Part("iscl", "a scaling", Fate.LOST),
        Part("crtt", "the time of creation", Fate.LOST),
        Part("mdft", "the time of the last change", Fate.LOST),
        Part("cmin", "the camera's intrinsic parameters", Fate.LOST),
        Part("cmex", "the camera's position", Fate.LOST),
        Part("tols", "the layers to decode", Fate.READ),
    ),
)
# Parts that libvips reads, and its fields for them.
_FIELDS = {
    "item Exif": "exif-data",
    "item mime application/rdf+xml": "xmp-data",
    "colr prof": "icc-profile-data",
    "colr rICC": "icc-profile-data",
}


def list_parts(contents: Contents) -> tuple[str, ...]:
    """The parts of a file by the names of :data:`INVENTORY`, in order; of others their own names."""
    return tuple(dict.fromkeys(_parts(contents)))


def list_losses(contents: Contents, fields: Collection[str] | None = None) -> tuple[str, ...]:
    """What a result lacks, one sentence each. Further images are not counted here.

    Args:
        contents: of the file.
        fields: the names of the fields that libvips found; None if it was not asked.
    """
    names = list_parts(contents)
    losses = list(INVENTORY.losses(names))
    if contents.trailing:
        losses.append(f"{contents.trailing} bytes behind the last box are not kept")
    if fields is not None:
        unread = [name for name, field in _FIELDS.items() if name in names and field not in fields]
        losses += [f"{INVENTORY.by_name[name].meaning} ({name}) cannot be read: it is not kept" for name in unread]
    return tuple(losses)


def _parts(contents: Contents) -> Iterator[str]:
    yield from contents.boxes
    shown = _shown(contents)
    for item in contents.items.values():
        if item.number in shown:
            yield f"item {item.kind}"
            yield from _properties(item)
        else:
            yield from _other_item(contents, item)


def _shown(contents: Contents) -> set[int]:
    """The main image and the images that it is derived from."""
    shown: set[int] = set()
    waiting = [contents.primary]
    while waiting:
        number = waiting.pop()
        if number not in shown:
            shown.add(number)
            waiting += contents.referred("dimg", number)
    return shown


def _properties(item: Item) -> Iterator[str]:
    for kind, content in item.properties:
        if kind == "colr":
            yield f"colr {content[:4].decode('latin-1')}"
        elif kind == "pasp" and content[:4] == content[4:8]:
            continue  # square pixels
        else:
            yield kind


def _other_item(contents: Contents, item: Item) -> Iterator[str]:
    """The name of an item that is not shown; nothing for further images, which libvips counts."""
    auxiliary = item.auxiliary_type
    if auxiliary in _ALPHA:
        yield "alpha"
    elif auxiliary in _DEPTH:
        yield "depth map"
    elif auxiliary.startswith(_APPLE):
        yield f"Apple's {auxiliary.rpartition(':')[2]}"
    elif auxiliary:
        yield f"item {auxiliary}"
    elif item.kind == "mime":
        yield f"item mime {item.content_type}".rstrip()
    elif item.kind not in CODED:
        yield f"item {item.kind}"
    elif any(kind == "thmb" and origin == item.number for kind, origin, _ in contents.references):
        yield "thumbnail"
    elif item.hidden and not contents.referring("dimg", item.number):
        yield "hidden image"
