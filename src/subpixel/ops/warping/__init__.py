"""Warping: sampling images at the positions of a grid or a flow field, and affine grids."""
