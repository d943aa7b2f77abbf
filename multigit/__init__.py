"""multigit: move a whole fleet of git repositories at once, prove that it arrived, and take it back."""

__version__ = "0.1.0"
