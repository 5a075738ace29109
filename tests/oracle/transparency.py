"""Colour continued where an image is invisible: pixel by pixel, in f64."""

import numpy as np


def fill(image, reach):
    """``(H, W, C)`` codes or f32 to ``(H, W, C - 1)``, before rounding, and the codes as they are rounded."""
    height, width, channels = image.shape
    top = 1 if image.dtype == np.float32 else np.iinfo(image.dtype).max

    def around(h, w):
        return [(y, x) for y in (h - 1, h, h + 1) for x in (w - 1, w, w + 1) if 0 <= y < height and 0 <= x < width]

    def rounded(value):
        return value if image.dtype == np.float32 else np.floor(value + 0.5)

    alpha = np.clip(image[..., -1].astype(float) / top, 0, 1)
    colour = image[..., :-1].astype(float)
    exact = np.zeros((height, width, channels - 1))
    known = {}
    for h, w in np.ndindex(height, width):
        near = around(h, w)
        largest = max(alpha[p] for p in near)
        if largest > 0:
            own = alpha[h, w] / largest
            mean = sum(alpha[p] * colour[p] for p in near) / sum(alpha[p] for p in near)
            exact[h, w] = colour[h, w] if own == 1 else own * colour[h, w] + (1 - own) * mean
            known[h, w] = rounded(exact[h, w])
    for _ in range(reach - 1):
        ring = {}
        for h, w in np.ndindex(height, width):
            near = [known[p] for p in around(h, w) if p in known]
            if (h, w) not in known and near:
                exact[h, w] = sum(near) / len(near)
                ring[h, w] = rounded(exact[h, w])
        known |= ring
    return exact
