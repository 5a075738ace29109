"""Convolution, transposed and sub-pixel convolution, conversions between the latter two, and ICNR weights."""
