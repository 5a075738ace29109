"""Many images: finding them, planning, running them in processes."""
