"""Files of any format: claims, scratch files, digests and errors of the operating system."""
