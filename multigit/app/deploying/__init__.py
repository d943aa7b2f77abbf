"""Deployments: what is planned, driven to its end, taken back, watched, and gone on with."""
