"""Files as the system keeps them, whatever is in them: claims and scratch files, digests, what the system says."""
