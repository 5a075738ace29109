"""VESPCN, for videos: motion compensation aligns both neighbours with the frame, then an ESPCN reads all three.

Source: Caballero et al., arXiv 1611.05250.
"""

from __future__ import annotations

from subpixel.models.spec import Activation, Add, Concat, Conv, Frame, Layer, PixelShuffle, Resize, Spec, Warp

__all__ = ["vespcn", "vespcn_slow"]

_BEFORE, _NOW, _AFTER = "before", "now", "after"

# The largest displacement, in low-resolution samples, of each of the two estimates. Videos of at least 24 frames a
# second that need upscaling seldom move further. Faster motion is blurred anyway.
_REACH = 12.0


def vespcn(scale: int, *, layers: int = 10, width: int = 24, first: int = 5) -> Spec:
    """Early fusion: the first layer reads all three frames. It is "9L-E3-MC" of the paper, with one more layer.

    Differences from the paper: the result is added to the frame, each sample repeated, as in all our networks; flows
    count samples (see :class:`subpixel.models.spec.Warp`); and the first kernel is larger, as in our networks, so that
    the training can start from one of them.

    Args:
        scale: the upscaling factor r, at least 2.
        layers: number of convolutions after the motion compensation.
        width: channels between them.
        first: side of the first kernel; the others are 3x3.

    Source: arXiv 1611.05250, sections 2.2 and 2.3, table 1.

    >>> spec = vespcn(4)
    >>> [frame.offset for frame in spec.frames], spec.multiple, spec.macs_per_pixel, spec.parameters
    ([-1, 0, 1], 4, 63372, 100352)
    """
    body: list[Layer] = [Concat("joined", ("before_moved", _NOW, "after_moved"))]
    body += _convs("joined", 3, width, layers - 1, first)
    return _network(body, width, scale)


def vespcn_slow(scale: int, *, layers: int = 9, width: int = 24, pair: int = 12) -> Spec:
    """Slow fusion: each neighbour is first joined with the frame, with shared weights, then both pairs are joined.

    Args:
        scale: the upscaling factor r, at least 2.
        layers: number of 3x3 convolutions from a frame to the result.
        width: channels of the layers after both pairs are joined.
        pair: channels of the layers before. With half of ``width``, the cost is that of early fusion.

    Source: arXiv 1611.05250, section 2.2; its widths there are for five frames.

    >>> vespcn_slow(4).parameters < vespcn(4).parameters
    True
    """
    body: list[Layer] = [
        Concat("pair_before", ("before_moved", _NOW)),
        Concat("pair_after", ("after_moved", _NOW)),
        Conv("met_before", "pair_before", 2, pair, (3, 3), "relu"),
        Conv("met_after", "pair_after", 2, pair, (3, 3), "relu", shared="met_before"),
        Concat("joined", ("met_before", "met_after")),
    ]
    body += _convs("joined", 2 * pair, width, layers - 2)
    return _network(body, width, scale)


def _convs(source: str, channels: int, width: int, count: int, first: int = 3) -> list[Layer]:
    result: list[Layer] = []
    for number in range(1, count + 1):
        side = first if number == 1 else 3
        result.append(Conv(f"conv{number}", source, channels, width, (side, side), "relu"))
        source, channels = f"conv{number}", width
    return result


def _network(body: list[Layer], width: int, scale: int) -> Spec:
    """The network around its body: motion compensation before it, the sub-pixel end after it."""
    end = Conv("end", body[-1].name, width, scale * scale, (3, 3))
    tail: list[Layer] = [
        PixelShuffle("detail", "end", scale),
        Resize("base", _NOW, scale, "nearest"),
        Add("sum", ("base", "detail")),
    ]
    motion = _motion_compensation(_BEFORE, "") + _motion_compensation(_AFTER, _BEFORE)
    frames = (Frame(_BEFORE, -1), Frame(_NOW, 0), Frame(_AFTER, 1))
    return Spec((*motion, *body, end, *tail), scale, "luma", "zero", frames)


def _motion_compensation(neighbour: str, owner: str) -> list[Layer]:
    """The spatial transformer of table 1: a coarse flow at a quarter of the size, then a fine one at half of it.

    Args:
        neighbour: the name of the frame that is warped.
        owner: the name of the neighbour whose weights are shared; empty for own weights.
    """

    def conv(name: str, source: str, channels: tuple[int, int], side: int, stride: int, last: bool = False) -> Conv:
        shared = f"{owner}_{name}" if owner else ""
        kind: Activation = "tanh" if last else "relu"
        return Conv(
            f"{neighbour}_{name}", f"{neighbour}_{source}", *channels, (side, side), kind, stride=stride, shared=shared
        )

    def full_name(name: str) -> str:
        return f"{neighbour}_{name}"

    return [
        Concat(full_name("seen"), (_NOW, neighbour)),
        conv("coarse1", "seen", (2, 24), 5, 2),
        conv("coarse2", "coarse1", (24, 24), 3, 1),
        conv("coarse3", "coarse2", (24, 24), 5, 2),
        conv("coarse4", "coarse3", (24, 24), 3, 1),
        conv("coarse5", "coarse4", (24, 32), 3, 1, True),
        PixelShuffle(full_name("coarse"), full_name("coarse5"), 4),
        Warp(full_name("nearer"), neighbour, full_name("coarse"), _REACH),
        Concat(full_name("seen_again"), (_NOW, neighbour, full_name("coarse"), full_name("nearer"))),
        conv("fine1", "seen_again", (5, 24), 5, 2),
        conv("fine2", "fine1", (24, 24), 3, 1),
        conv("fine3", "fine2", (24, 24), 3, 1),
        conv("fine4", "fine3", (24, 24), 3, 1),
        conv("fine5", "fine4", (24, 8), 3, 1, True),
        PixelShuffle(full_name("fine"), full_name("fine5"), 2),
        Add(full_name("flow"), (full_name("coarse"), full_name("fine"))),
        Warp(full_name("moved"), neighbour, full_name("flow"), _REACH),
    ]
