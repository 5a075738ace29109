"""Images that libvips does not read: their headers as libvips' images without pixels, and their pixels as arrays."""
