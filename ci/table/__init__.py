"""The table of shipped artifacts, and the files that must agree with it."""
