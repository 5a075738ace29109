"""Suffixes by which files are taken for images and for videos, where their content is not read."""

from __future__ import annotations

__all__ = ["IMAGES", "VIDEOS"]

_LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".heic", ".heif", ".jxl", ".jp2")
_EXACT = (".png", ".apng", ".tif", ".tiff", ".gif", ".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".pfm")
IMAGES = frozenset((*_LOSSY, *_EXACT))
_MPEG = (".mp4", ".m4v", ".mov", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".vob", ".3gp")
VIDEOS = frozenset((*_MPEG, ".mkv", ".webm", ".avi", ".flv", ".wmv", ".asf", ".ogv", ".mxf", ".nut", ".y4m"))
