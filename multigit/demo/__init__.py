"""`multigit demo`: the eight GLI repositories with a believable past, and everything multigit does, done to them."""
