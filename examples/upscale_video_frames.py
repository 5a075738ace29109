"""Decode a video with PyAV, upscale the planes of each frame, and encode the result.

python examples/upscale_video_frames.py VIDEO RESULT

It takes 8-bit 4:2:0 video and drops sound. `subpixel video` takes any format and keeps every stream.
"""

from __future__ import annotations

import sys
from typing import Any

import av
import numpy as np

from subpixel import Upscaler


def planes(frame: av.VideoFrame) -> list[Any]:
    """Views of a frame's Y, U and V; rows may be padded, so their stride is the line size."""
    rows = [np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size) for plane in frame.planes]
    return [row[:, : plane.width] for row, plane in zip(rows, frame.planes, strict=True)]


def main(source: str, destination: str) -> None:
    upscaler = Upscaler(2, model="fast")
    with av.open(source) as video, av.open(destination, "w") as result:
        stream = video.streams.video[0]
        encoder = result.add_stream("libx264", rate=stream.average_rate, options={"crf": "18"})
        encoder.width, encoder.height, encoder.pix_fmt = 2 * stream.width, 2 * stream.height, "yuv420p"
        for frame in video.decode(stream):
            large = av.VideoFrame(2 * frame.width, 2 * frame.height, "yuv420p")
            y, u, v = planes(frame.reformat(format="yuv420p"))
            # Written into the new frame's memory: nothing is copied.
            upscaler.yuv(y, u, v, subsampling="420", siting="left", bits=8, full_range=False, out=planes(large))
            large.pts, large.time_base = frame.pts, frame.time_base
            result.mux(encoder.encode(large))
        result.mux(encoder.encode(None))


if __name__ == "__main__":
    if len(sys.argv) - 1 != 2:
        print((__doc__ or "").splitlines()[2], file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
