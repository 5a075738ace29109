"""Colour profiles for colours that a file states as numbers: code points of ITU-T H.273, or a gamma and chromaticities.

The profiles are small matrix profiles of ICC version 4 (ISO 15076-1): three colorants, one curve, adapted to D50 by
Bradford's matrix. Equal colours give equal bytes.

Sources: ITU-T H.273 (2021), tables 2 and 3; ICC.1:2022, sections 7 to 10 and annex E.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["HDR_TRANSFERS", "SRGB", "Colours", "build_profile"]

# x and y of red, green, blue and white.
Chromaticities = tuple[float, float, float, float, float, float, float, float]

_D65, _C = (0.3127, 0.3290), (0.310, 0.316)
_BT709, _BT601 = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060), (0.630, 0.340, 0.310, 0.595, 0.155, 0.070)
_P3 = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)

# Names and chromaticities by H.273's ColourPrimaries.
_PRIMARIES: dict[int, tuple[str, Chromaticities]] = {
    1: ("BT.709", (*_BT709, *_D65)),
    4: ("BT.470 M", (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, *_C)),
    5: ("BT.470 BG", (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65)),
    6: ("BT.601", (*_BT601, *_D65)),
    7: ("SMPTE 240M", (*_BT601, *_D65)),
    8: ("film", (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, *_C)),
    9: ("BT.2020", (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65)),
    10: ("XYZ", (1, 0, 0, 1, 0, 0, 1 / 3, 1 / 3)),
    11: ("DCI-P3", (*_P3, 0.314, 0.351)),
    12: ("Display P3", (*_P3, *_D65)),
    22: ("EBU Tech 3213", (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65)),
}

# Parameters g, a, b, c, d of ICC's curve type 3: (a·x + b)^g from d on, c·x below.
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_A = 1.09929682680944
_BT709_CURVE = (1 / 0.45, 1 / _A, (_A - 1) / _A, 1 / 4.5, 4.5 * 0.018053968510807)
_SMPTE240_CURVE = (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 4 * 0.0228)

# Names by H.273's TransferCharacteristics, and from samples to light: an exponent, the parameters above, or a function.
_TRANSFERS: dict[int, tuple[str, float | tuple[float, ...] | Callable[[float], float]]] = {
    **{code: ("BT.709 curve", _BT709_CURVE) for code in (1, 6, 11, 12, 14, 15)},
    4: ("gamma 2.2", 2.2),
    5: ("gamma 2.8", 2.8),
    7: ("SMPTE 240M curve", _SMPTE240_CURVE),
    8: ("linear", 1.0),
    9: ("logarithm 100:1", lambda x: 10 ** (2.0 * (x - 1)) if x > 0 else 0.0),
    10: ("logarithm 316:1", lambda x: 10 ** (2.5 * (x - 1)) if x > 0 else 0.0),
    13: ("sRGB curve", _SRGB_CURVE),
    17: ("gamma 2.6", 2.6),
}

# Transfers whose light is absolute or relative to a display, which a matrix profile cannot state.
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])
_SAMPLES = 1024  # of a curve without a formula in ICC


@dataclass(frozen=True)
class Colours:
    """What the samples of an image mean.

    Args:
        name: for the profile's description.
        chromaticities: x and y of red, green, blue and white.
        curve: from samples 0 … 1 to light: an exponent, or g, a, b, c, d of ICC's parametric curve of type 3, or a
            function.

    Raises:
        InvalidArgument: the chromaticities span no colours, or the exponent is not above 0.
    """

    name: str
    chromaticities: Chromaticities
    curve: float | tuple[float, ...] | Callable[[float], float]

    def __post_init__(self) -> None:
        if isinstance(self.curve, float | int) and not 0 < self.curve < 100:
            raise InvalidArgument(f"a gamma of {self.curve:g} is impossible")
        try:
            usable = bool(np.isfinite(self.colorants).all() and np.abs(self.colorants).max() < 16)
        except (ArithmeticError, np.linalg.LinAlgError):
            usable = False
        if not usable:
            raise InvalidArgument("these chromaticities of red, green, blue and white are impossible")

    @classmethod
    def from_code_points(cls, primaries: int, transfer: int) -> Colours | None:
        """Colours by ITU-T H.273; None if a code point is unspecified, reserved, or one of :data:`HDR_TRANSFERS`.

        Args:
            primaries: ColourPrimaries, as 9 for BT.2020.
            transfer: TransferCharacteristics, as 13 for sRGB.

        >>> Colours.from_code_points(12, 13).name
        'Display P3, sRGB curve'
        """
        if primaries not in _PRIMARIES or transfer not in _TRANSFERS:
            return None
        (space, chromaticities), (curve_name, curve) = _PRIMARIES[primaries], _TRANSFERS[transfer]
        return cls(f"{space}, {curve_name}", chromaticities, curve)

    @classmethod
    def from_gamma(cls, gamma: float | None, chromaticities: Chromaticities | None = None) -> Colours:
        """Colours by numbers.

        Args:
            gamma: the exponent from samples to light, as 2.2; None for the curve of sRGB.
            chromaticities: x and y of red, green, blue and white; None for those of sRGB.

        Raises:
            InvalidArgument: they are impossible.

        >>> Colours.from_gamma(2.2).name
        'BT.709, gamma 2.2'
        """
        space = "BT.709" if chromaticities is None else "stated primaries"
        curve_name = "sRGB curve" if gamma is None else f"gamma {gamma:.4g}"
        points = _PRIMARIES[1][1] if chromaticities is None else chromaticities
        return cls(f"{space}, {curve_name}", points, _SRGB_CURVE if gamma is None else gamma)

    @property
    def white(self) -> NDArray[np.float64]:
        """X, Y, Z of white, with Y = 1."""
        x, y = self.chromaticities[6:]
        return np.array([x / y, 1.0, (1 - x - y) / y])

    @property
    def adaptation(self) -> NDArray[np.float64]:
        """``(3, 3)``, from X, Y, Z under the image's white to those under D50."""
        cones = (_BRADFORD @ _D50) / (_BRADFORD @ self.white)
        return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD)

    @cached_property
    def colorants(self) -> NDArray[np.float64]:
        """``(3, 3)``: X, Y, Z under D50 of red, green and blue, in columns."""
        points = np.array(self.chromaticities, np.float64).reshape(4, 2)[:3]
        columns = np.stack([points[:, 0], points[:, 1], 1 - points.sum(1)])
        return np.asarray(self.adaptation @ (columns * np.linalg.solve(columns, self.white)))


SRGB = Colours("sRGB", _PRIMARIES[1][1], _SRGB_CURVE)


def build_profile(colours: Colours, *, gray: bool = False) -> bytes:
    """A colour profile.

    Args:
        colours: what the samples mean.
        gray: for an image of one channel.

    Returns:
        The profile, of a few hundred bytes.

    >>> len(build_profile(SRGB))
    496
    """
    curve = _curve(colours.curve)
    tags = [(b"desc", _text(colours.name)), (b"cprt", _text("No copyright")), (b"wtpt", _xyz(_D50))]
    tags.append((b"chad", b"sf32" + bytes(4) + _fixed(colours.adaptation.ravel())))
    if gray:
        tags.append((b"kTRC", curve))
    else:
        tags += [(name, _xyz(colorant)) for name, colorant in zip(_COLORANTS, colours.colorants.T, strict=True)]
        tags += [(name, curve) for name in _CURVES]
    table, content = b"", b""
    offsets: dict[bytes, int] = {}
    for name, data in tags:
        if data not in offsets:  # the three curves are one
            offsets[data] = 128 + 4 + 12 * len(tags) + len(content)
            content += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, offsets[data], len(data))
    body = struct.pack(">I", len(tags)) + table + content
    return _head(128 + len(body), b"GRAY" if gray else b"RGB ") + body


_COLORANTS, _CURVES = (b"rXYZ", b"gXYZ", b"bXYZ"), (b"rTRC", b"gTRC", b"bTRC")


def _head(size: int, space: bytes) -> bytes:
    """The 128 bytes of ICC.1, section 7.2. The date is fixed, so that equal colours give equal bytes."""
    date = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    start = struct.pack(">I4sI", size, bytes(4), 0x04300000) + b"mntr" + space + b"XYZ " + date + b"acsp"
    return (start + bytes(28) + _fixed(_D50)).ljust(128, b"\0")


def _curve(curve: float | tuple[float, ...] | Callable[[float], float]) -> bytes:
    if isinstance(curve, tuple):
        return b"para" + struct.pack(">IHH", 0, 3, 0) + _fixed(curve)
    if callable(curve):
        values = [round(65535 * curve(k / (_SAMPLES - 1))) for k in range(_SAMPLES)]
        return b"curv" + struct.pack(f">II{_SAMPLES}H", 0, _SAMPLES, *values)
    return b"para" + struct.pack(">IHH", 0, 0, 0) + _fixed([curve])


def _text(text: str) -> bytes:
    """A multi-localized text with one entry, in English."""
    encoded = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">III4sII", 0, 1, 12, b"enUS", len(encoded), 28) + encoded


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: Iterable[float]) -> bytes:
    """Signed numbers with 16 bits before and after the point."""
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)
