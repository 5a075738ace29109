"""Convolution, transposed convolution, and what turns one into the other."""
