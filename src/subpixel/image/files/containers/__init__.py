"""What lies in image files beside pixels and what libvips neither reads nor writes of it, a file for each format."""
