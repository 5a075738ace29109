"""Many images: what is found, where results go, who does them, what became of each."""
