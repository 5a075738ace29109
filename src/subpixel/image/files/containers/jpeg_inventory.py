"""The parts that a JPEG is known to have: its markers, and the segments of applications by how their content begins.

Sources: ITU-T T.81, table B.1; ITU-T T.87 (JPEG-LS); JFIF 1.02; EXIF 2.32; CIPA DC-007 (MPF); ISO 21496-1 (gain maps);
Adobe's XMP specification, part 3; ISO 19566-5 (JUMBF) and C2PA 2.1; ExifTool's tables for the others.
"""

from __future__ import annotations

from subpixel.image.files.containers.inventory import Fate, Inventory, Part
from subpixel.image.files.containers.jpeg_segments import END, Segment

__all__ = ["CODINGS", "INVENTORY", "PHOTOSHOP", "part_name"]

PHOTOSHOP = b"Photoshop 3.0\0"

# Codings by the marker of the frame, and whether libvips' decoder reads them, at 8 bits per sample.
CODINGS: dict[int, tuple[str, bool]] = {
    0xC0: ("baseline", True),
    0xC1: ("extended", True),
    0xC2: ("progressive", True),
    0xC3: ("lossless", False),
    0xC5: ("hierarchical", False),
    0xC6: ("hierarchical progressive", False),
    0xC7: ("hierarchical lossless", False),
    0xC9: ("arithmetic", True),
    0xCA: ("progressive arithmetic", True),
    0xCB: ("lossless arithmetic", False),
    0xCD: ("hierarchical arithmetic", False),
    0xCE: ("hierarchical progressive arithmetic", False),
    0xCF: ("hierarchical lossless arithmetic", False),
    0xF7: ("JPEG-LS", False),
}

# Segments of applications: marker, how their content begins, and the part.
_APPLICATIONS: tuple[tuple[int, bytes, Part], ...] = (
    (0xE0, b"JFIF\0", Part("APP0 JFIF", "the resolution, and a preview of the old pixels", Fate.RENEWED)),
    (0xE0, b"JFXX\0", Part("APP0 JFXX", "a preview of the old pixels", Fate.RENEWED)),
    (0xE0, b"AVI1", Part("APP0 AVI1", "the field of a video frame", Fate.LOST)),
    (0xE1, b"Exif\0", Part("APP1 Exif", "EXIF", Fate.KEPT)),
    (0xE1, b"http://ns.adobe.com/xap/1.0/\0", Part("APP1 XMP", "XMP", Fate.KEPT)),
    (
        0xE1,
        b"http://ns.adobe.com/xmp/extension/\0",
        Part("APP1 extended XMP", "extended XMP, beyond the first 64 KB", Fate.LOST),
    ),
    (0xE1, b"FLIR\0", Part("APP1 FLIR", "the temperatures of a thermal camera", Fate.LOST)),
    (0xE2, b"ICC_PROFILE\0", Part("APP2 ICC_PROFILE", "the colour profile", Fate.KEPT)),
    (0xE2, b"MPF\0", Part("APP2 MPF", "the index of further images", Fate.LOST)),
    (0xE2, b"FPXR\0", Part("APP2 FPXR", "a FlashPix extension", Fate.LOST)),
    (0xE2, b"urn:iso:std:iso:ts:21496", Part("APP2 gain map", "the gain map for HDR screens", Fate.LOST)),
    (0xE3, b"_JPSJPS_", Part("APP3 JPS", "the layout of a stereo image", Fate.LOST)),
    (0xE3, b"Meta\0", Part("APP3 Meta", "Kodak's metadata", Fate.LOST)),
    (0xE6, b"GoPro\0", Part("APP6 GoPro", "the settings of a GoPro camera", Fate.LOST)),
    (0xE8, b"SPIFF\0", Part("APP8 SPIFF", "the SPIFF header", Fate.LOST)),
    (0xEB, b"HDR_RI", Part("APP11 JPEG-HDR", "the HDR part of a JPEG-HDR image", Fate.LOST)),
    (0xEB, b"JP", Part("APP11 JUMBF", "the signed history of the old pixels, C2PA", Fate.LOST)),
    (0xEC, b"Ducky", Part("APP12 Ducky", "the quality that Photoshop used", Fate.RENEWED)),
    (0xEC, b"PictureInfo", Part("APP12 PictureInfo", "the camera's PictureInfo", Fate.LOST)),
    (0xEC, b"[picture info]", Part("APP12 picture info", "the camera's picture info", Fate.LOST)),
    (0xED, PHOTOSHOP, Part("APP13 Photoshop", "IPTC with Photoshop's other resources", Fate.KEPT)),
    (0xED, b"Adobe_CM", Part("APP13 Adobe_CM", "Adobe's colour management", Fate.LOST)),
    (0xEE, b"Adobe", Part("APP14 Adobe", "the colour space of the samples", Fate.READ)),
)

_MARKERS = {
    0xC4: Part("DHT", "Huffman tables", Fate.READ),
    0xCC: Part("DAC", "conditions of arithmetic coding", Fate.READ),
    0xDA: Part("SOS", "a scan", Fate.READ),
    0xDB: Part("DQT", "quantisation tables", Fate.READ),
    0xDC: Part("DNL", "the number of lines", Fate.REFUSED),
    0xDD: Part("DRI", "the interval of restarts", Fate.READ),
    0xFE: Part("COM", "a comment", Fate.LOST),
    END: Part("EOI", "the end", Fate.READ),
    **{
        marker: Part(f"SOF{marker - 0xC0}", f"{coding} frames", Fate.READ if readable else Fate.REFUSED)
        for marker, (coding, readable) in CODINGS.items()
    },
}

INVENTORY = Inventory(
    "JPEG",
    "segment",
    (
        Part("SOI", "the start", Fate.READ),
        *_MARKERS.values(),
        Part("RST", "a restart", Fate.READ),
        *(part for _, _, part in _APPLICATIONS),
        Part("trailer", "what lies behind the end, such as the video of a motion photo", Fate.LOST),
    ),
)


def part_name(segment: Segment) -> str:
    """The name of a segment in :data:`INVENTORY`, or one that tells an unknown segment from others: APP5 RMETA."""
    marker, content = segment.marker, segment.content
    if marker in _MARKERS:
        return _MARKERS[marker].name
    for known, start, part in _APPLICATIONS:
        if marker == known and content.startswith(start):
            return part.name
    if not 0xE0 <= marker <= 0xEF:
        return f"{marker:02X}"
    identifier = content[:32].partition(b"\0")[0].decode("latin-1")
    readable = identifier if identifier.isprintable() and identifier.isascii() else ""
    return f"APP{marker - 0xE0} {readable}".rstrip()
