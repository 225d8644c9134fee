"""A small training's worth of input, on a real store: makes it, reads it, and proves what was read.

Only ``objectpipes demo`` uses this package; it needs what the extra ``demo`` brings.
"""
