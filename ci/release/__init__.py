"""Versions, releases, the nightly, and vulnerabilities of linked libraries."""
