"""A network for videos sample by sample, as oracle.network does it for images, strides and warps included."""

from functools import cache
from math import floor

import numpy as np

from oracle.conv import activation
from subpixel.models.spec import Add, Concat, Conv, PixelShuffle, Resize, Warp


def run(spec, weights, inputs):
    """(C, H, W) of each input by name to the values of ``spec.outputs``, f64."""
    layers = {layer.name: layer for layer in spec.layers}
    height, width = next(iter(inputs.values())).shape[1:]
    multiple = spec.multiple
    padded = [-(-side // multiple) * multiple for side in (height, width)]

    def inside(k, side):
        return min(max(k, 0), side - 1)

    @cache
    def at(name, c, h, w):
        value = spec.values[name]
        high, wide = (int(side * value.scale) for side in padded)
        if spec.border == "zero" and not (0 <= h < high and 0 <= w < wide):
            return 0.0
        if name in inputs:
            return float(inputs[name][c, inside(h, height), inside(w, width)])
        layer = layers[name]
        if isinstance(layer, Conv):
            owner = layer.shared or name
            weight, s = weights[f"{owner}.weight"], layer.stride
            total = float(weights[f"{owner}.bias"][c]) if layer.bias else 0.0
            _, cin, kh, kw = weight.shape
            for k, i, j in np.ndindex(cin, kh, kw):
                total += float(weight[c, k, i, j]) * at(layer.source, k, h * s + i - kh // 2, w * s + j - kw // 2)
            slope = weights[f"{owner}.slope"][c] if layer.activation == "prelu" else 0.0
            return activation(total, layer.activation, slope)
        if isinstance(layer, Warp):
            x, y = (layer.reach * min(max(at(layer.flow, k, h, w), -1.0), 1.0) for k in (0, 1))
            y, x = min(max(h + y, 0.0), high - 1.0), min(max(w + x, 0.0), wide - 1.0)
            total = 0.0
            for i in (0, 1):
                for j in (0, 1):
                    part = (1 - abs(y - floor(y) - i)) * (1 - abs(x - floor(x) - j))
                    if part:
                        total += part * at(layer.source, c, floor(y) + i, floor(x) + j)
            return total
        if isinstance(layer, Add):
            return sum(at(source, c, h, w) for source in layer.sources)
        if isinstance(layer, Concat):
            for source in layer.sources:
                if c < spec.values[source].channels:
                    return at(source, c, h, w)
                c -= spec.values[source].channels
        r = layer.factor
        if isinstance(layer, PixelShuffle):
            assert layer.order == "CRD"
            return at(layer.source, c * r * r + h % r * r + w % r, h // r, w // r)
        assert isinstance(layer, Resize)
        assert layer.mode == "nearest"
        return at(layer.source, c, h // r, w // r)

    result = {}
    for name in spec.outputs:
        value = spec.values[name]
        y = np.empty((value.channels, int(height * value.scale), int(width * value.scale)))
        for c, h, w in np.ndindex(*y.shape):
            y[c, h, w] = at(name, c, h, w)
        result[name] = y
    return result
