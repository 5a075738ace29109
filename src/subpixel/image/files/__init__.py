"""Image files: reading, writing, formats and metadata."""
