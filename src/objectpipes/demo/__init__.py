"""Makes the input of a small training job on a real store, reads it, and checks it.

Only ``objectpipes demo`` uses this package; it needs what the extra ``demo`` brings.
"""
