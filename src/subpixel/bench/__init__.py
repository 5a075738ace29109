"""What the machine can do, what this package does with it, and what others do, side by side in one run."""
