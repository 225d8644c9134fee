"""Generates parts of the documentation site."""
