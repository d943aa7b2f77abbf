"""Servers for the tests, on loopback, gone when their context ends: git over HTTP and SSH, and distance to them."""

from tests.support.delay import DelayProxy
from tests.support.httpgit import HttpGit
from tests.support.sshgit import SshGit

__all__ = ["DelayProxy", "HttpGit", "SshGit"]
