"""Max pooling with positions, max unpooling and average unpooling."""
