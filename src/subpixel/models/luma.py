"""The luma that networks upscale: BT.601 in studio range, of full-range R, G and B.

``luma = BLACK + RED * R + GREEN * G + BLUE * B`` for values of 0 … 1: black is 16/255 and white 235/255. Luma of full
range, 0 … 1, times :data:`SPAN` plus :data:`BLACK` is the same.

Source: ITU-R BT.601-7, section 2.5.
"""

__all__ = ["BLACK", "BLUE", "GREEN", "RED", "SPAN"]

BLACK = 16 / 255
RED, GREEN, BLUE = 65.481 / 255, 128.553 / 255, 24.966 / 255
SPAN = 219 / 255
