"""Convolution and transposed convolution of 1 to 3 spatial axes, one product at a time, in Python's numbers."""

import numpy as np


def conv(x, weight, bias, stride, padding, dilation, groups):
    """(N, C, *S) with (C_out, C/groups, *K) and ((before, after), …)."""
    out, per, *kernel = weight.shape
    counts = [
        (n + before + after - d * (k - 1) - 1) // s + 1
        for n, k, s, (before, after), d in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)
    ]
    y = np.empty((x.shape[0], out, *counts), object)
    for n, o, *place in np.ndindex(*y.shape):
        total = 0 if bias is None else bias[o].item()
        for c, *tap in np.ndindex(per, *kernel):
            at = [
                p * s - before + t * d
                for p, s, (before, _), t, d in zip(place, stride, padding, tap, dilation, strict=True)
            ]
            if all(0 <= a < size for a, size in zip(at, x.shape[2:], strict=True)):
                total += weight[(o, c, *tap)].item() * x[(n, o // (out // groups) * per + c, *at)].item()
        y[(n, o, *place)] = total
    return y


def conv_transpose(x, weight, bias, stride, padding, output_padding, dilation, groups):
    """(N, C, *S) with (C, C_out/groups, *K) and ((before, after), …)."""
    channels, per, *kernel = weight.shape
    sizes = [
        (n - 1) * s - before - after + d * (k - 1) + e + 1
        for n, k, s, (before, after), e, d in zip(
            x.shape[2:], kernel, stride, padding, output_padding, dilation, strict=True
        )
    ]
    y = np.zeros((x.shape[0], per * groups, *sizes), object)
    if bias is not None:
        y += np.array([b.item() for b in bias], object).reshape(-1, *(1 for _ in sizes))
    for n, c, *place in np.ndindex(*x.shape):
        for o, *tap in np.ndindex(per, *kernel):
            at = [
                p * s - before + t * d
                for p, s, (before, _), t, d in zip(place, stride, padding, tap, dilation, strict=True)
            ]
            if all(0 <= a < size for a, size in zip(at, sizes, strict=True)):
                group = c // (channels // groups)
                y[(n, group * per + o, *at)] += weight[(c, o, *tap)].item() * x[(n, c, *place)].item()
    return y
