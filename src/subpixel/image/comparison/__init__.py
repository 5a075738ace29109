"""A sheet that shows images of one size beside each other."""
