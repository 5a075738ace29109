"""Metadata that libvips neither reads nor writes, one module for each format. Readers take an open binary file."""
