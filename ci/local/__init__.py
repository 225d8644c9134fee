"""What exists only to build and test without containers, conda-forge or a package index."""
