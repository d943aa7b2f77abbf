"""One shared ssh connection per host, and its sessions."""
