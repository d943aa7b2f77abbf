"""Web hosts without a git process per question: connections that stay open, logins from git's helpers."""
