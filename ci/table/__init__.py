"""The table of what is shipped, and what must agree with it."""
