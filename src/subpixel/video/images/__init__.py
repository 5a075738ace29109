"""Still images as the frames of a video: sequences of files that are read, and frames that are written as files."""
