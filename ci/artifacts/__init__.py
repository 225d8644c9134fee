"""Wheels, conda packages and the source distribution: built, checked and tested."""
