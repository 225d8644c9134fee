"""Builds and tests without containers, conda-forge or a package index."""
