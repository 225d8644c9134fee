"""``python -m objectpipes``, for when the command is not in the PATH."""

import sys

from .cli import main

sys.exit(main())
