"""Programs that measure objectpipes beside its rivals; README.md tells how."""
