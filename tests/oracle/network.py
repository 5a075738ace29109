"""A network sample by sample, on a plane without end: no padding, no cropping, no tiles to get wrong.

With the ``replicate`` border the image's edge goes on for ever; with ``zero`` every value is 0 beyond its image,
only that interpolation sees the edge go on.
"""

from functools import cache

import numpy as np

from oracle.conv import activation
from oracle.resize import taps
from oracle.shuffle import source_channel
from subpixel.models.spec import INPUT, Add, Concat, Conv, ConvTranspose, PixelShuffle, Resize


def run(spec, weights, x):
    """(C, H, W) to (C, H * scale, W * scale) in f64."""
    layers = {layer.name: layer for layer in spec.layers}
    channels, scales = {INPUT: x.shape[0]}, {INPUT: 1}

    def clamped(k, side):
        return min(max(k, 0), side - 1)

    @cache
    def at(name, c, h, w):
        height, width = x.shape[1] * scales[name], x.shape[2] * scales[name]
        if spec.border == "zero" and not (0 <= h < height and 0 <= w < width):
            return 0.0
        if name == INPUT:
            return float(x[c, clamped(h, height), clamped(w, width)])
        layer = layers[name]
        if isinstance(layer, Conv):
            weight = weights[f"{name}.weight"]
            total = float(weights[f"{name}.bias"][c]) if layer.bias else 0.0
            _, cin, kh, kw = weight.shape
            for k, i, j in np.ndindex(cin, kh, kw):
                total += float(weight[c, k, i, j]) * at(layer.source, k, h + i - kh // 2, w + j - kw // 2)
            slope = weights[f"{name}.slope"][c] if layer.activation == "prelu" else 0.0
            return activation(total, layer.activation, slope)
        if isinstance(layer, ConvTranspose):
            weight, s = weights[f"{name}.weight"], layer.stride
            total = float(weights[f"{name}.bias"][c]) if layer.bias else 0.0
            cin, _, kh, kw = weight.shape
            for k, i, j in np.ndindex(cin, kh, kw):
                down, right = h + layer.padding[0] - i, w + layer.padding[1] - j
                if down % s == right % s == 0:
                    total += float(weight[k, c, i, j]) * at(layer.source, k, down // s, right // s)
            return total
        if isinstance(layer, Add):
            return sum(at(source, c, h, w) for source in layer.sources)
        if isinstance(layer, Concat):
            for source in layer.sources:
                if c < channels[source]:
                    return at(source, c, h, w)
                c -= channels[source]
        if isinstance(layer, PixelShuffle):
            r = layer.factor
            k = source_channel(c, h % r, w % r, r, channels[name], layer.order)
            return at(layer.source, k, h // r, w // r)
        assert isinstance(layer, Resize)
        rows = taps((h + 0.5) / layer.factor - 0.5, layer.mode)
        columns = taps((w + 0.5) / layer.factor - 0.5, layer.mode)
        if spec.border == "zero":
            rows = [(clamped(k, height // layer.factor), v) for k, v in rows]
            columns = [(clamped(k, width // layer.factor), v) for k, v in columns]
        return sum(v * u * at(layer.source, c, k, m) for k, v in rows for m, u in columns)

    for layer in spec.layers:
        sources = layer.sources if isinstance(layer, Add | Concat) else (layer.source,)
        factor = layer.factor if isinstance(layer, Resize | PixelShuffle) else 1
        factor = layer.stride if isinstance(layer, ConvTranspose) else factor
        scales[layer.name] = scales[sources[0]] * factor
        have = sum(channels[s] for s in sources) if isinstance(layer, Concat) else channels[sources[0]]
        if isinstance(layer, Conv | ConvTranspose):
            have = layer.out_channels
        channels[layer.name] = have // factor**2 if isinstance(layer, PixelShuffle) else have
    last = spec.layers[-1].name
    y = np.empty((channels[last], x.shape[1] * scales[last], x.shape[2] * scales[last]))
    for c, h, w in np.ndindex(*y.shape):
        y[c, h, w] = at(last, c, h, w)
    return y
