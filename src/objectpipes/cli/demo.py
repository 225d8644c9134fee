"""demo."""
__all__=["add_arguments","run"]
def add_arguments(p):
    pass
def run(o):
    return 0
