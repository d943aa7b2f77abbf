"""Readers of what services write: one file per place where logs are kept."""
