"""An image of before and after."""
