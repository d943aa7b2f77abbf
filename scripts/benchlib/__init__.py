"""The parts of scripts/bench: hosts at a distance, two workspaces, races between two commands, a table."""
