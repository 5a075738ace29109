"""Image files: reading, writing, and all that belongs to them besides pixels."""
