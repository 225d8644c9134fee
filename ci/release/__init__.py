"""Versions, releases, the nightly, and vulnerabilities of what is linked in."""
