"""The encoders of graphics cards that libavcodec has, as data. They are used only if they are asked for by name.

What libavcodec's source says of them is written here: the pixel formats that they take, the option of their constant
quality, their presets. None of it was run on such a card.

Sources: libavcodec/nvenc.c, qsvenc.c, amfenc.c and videotoolboxenc.c of FFmpeg 8.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from subpixel.video.encoder import ALL_TAGS, Encoder

__all__ = ["HARDWARE_ENCODERS", "UNUSABLE"]

# Pixel formats of results, and what these encoders take for them.
_EIGHT, _TEN = {"yuv420p": "nv12"}, {"yuv420p10le": "p010le"}

_NVENC = Encoder(
    "h264_nvenc",
    "h264_nvenc",
    (20, 1, 51),
    "p4",
    tuple(f"p{number}" for number in range(1, 8)),
    # A variable rate without a limit, whose quality is constant.
    options={"rc": "vbr", "b": "0"},
    colours=ALL_TAGS,
    even=True,
    quality=(("cq", 0, 1),),
    given={"yuv420p": "yuv420p", "yuv444p": "yuv444p"},
    device="an NVIDIA graphics card with NVENC",
)
_QSV = Encoder(
    "h264_qsv",
    "h264_qsv",
    (20, 1, 51),
    "medium",
    ("veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"),
    colours=ALL_TAGS,
    even=True,
    quality=(("global_quality", 0, 1),),
    given=_EIGHT,
    device="an Intel graphics processor with Quick Sync",
)
_AMF = Encoder(
    "h264_amf",
    "h264_amf",
    (20, 0, 51),
    "balanced",
    ("speed", "balanced", "quality"),
    "quality",
    # Constant quantisers.
    {"rc": "cqp"},
    colours=ALL_TAGS,
    even=True,
    quality=(("qp_i", 0, 1), ("qp_p", 0, 1)),
    given=_EIGHT,
    device="an AMD graphics card",
)
_VIDEOTOOLBOX = Encoder(
    "h264_videotoolbox",
    "h264_videotoolbox",
    (35, 0, 99),
    None,
    # Constant quality; its numbers go up with the quality, from 1 to 100, in units of 118 (FF_QP2LAMBDA).
    options={"flags": "+qscale"},
    colours=ALL_TAGS,
    even=True,
    quality=(("global_quality", 100 * 118, -118),),
    given=_EIGHT,
    device="a Mac with VideoToolbox",
)


def _encoders() -> Iterator[Encoder]:
    yield _NVENC
    yield replace(_NVENC, name="hevc_nvenc", codec="hevc_nvenc", given={**_NVENC.given, **_TEN})
    yield replace(_NVENC, name="av1_nvenc", codec="av1_nvenc", crf=(30, 1, 51), given={"yuv420p": "yuv420p", **_TEN})
    yield _QSV
    yield replace(_QSV, name="hevc_qsv", codec="hevc_qsv", given={**_EIGHT, **_TEN})
    yield replace(_QSV, name="av1_qsv", codec="av1_qsv", crf=(25, 1, 51), given={**_EIGHT, **_TEN})
    yield _AMF
    yield replace(_AMF, name="hevc_amf", codec="hevc_amf", given={**_EIGHT, **_TEN})
    yield replace(_AMF, name="av1_amf", codec="av1_amf", crf=(90, 0, 255), given={**_EIGHT, **_TEN})
    yield _VIDEOTOOLBOX
    yield replace(_VIDEOTOOLBOX, name="hevc_videotoolbox", codec="hevc_videotoolbox", given={**_EIGHT, **_TEN})


HARDWARE_ENCODERS = {each.name: each for each in _encoders()}

# Encoders that take only frames that lie in the memory of a device.
_VAAPI = "it takes only frames in the memory of a graphics processor, and PyAV cannot put them there"
UNUSABLE = dict.fromkeys(("h264_vaapi", "hevc_vaapi", "av1_vaapi", "vp9_vaapi", "h264_vulkan", "hevc_vulkan"), _VAAPI)
