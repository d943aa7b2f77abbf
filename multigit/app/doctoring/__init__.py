"""Whether a release can be made: this machine, and every remote, asked before anything is tried."""
