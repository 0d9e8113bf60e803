"""A package of its own name: some distributions install one that is called `tests`, too."""
