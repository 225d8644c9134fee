"""Lets fork() wait while another thread imports what objectpipes needs late."""

from __future__ import annotations

import os
import threading

# Python locks a module while a thread imports it. A child that is forked meanwhile does not have
# that thread, and would wait for the lock for ever. So late imports hold this one, and fork() takes
# it.
importing = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=importing.acquire,
        after_in_parent=importing.release,
        after_in_child=importing.release,
    )
