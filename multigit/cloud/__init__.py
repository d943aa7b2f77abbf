"""Edge: what checks and targets both ask of AWS; neither imports the other (docs/adr/0016)."""
