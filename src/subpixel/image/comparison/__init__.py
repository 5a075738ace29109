"""A picture of before and after."""
