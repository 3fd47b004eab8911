"""A plug-in module that cannot be imported."""

raise RuntimeError("no licence file")
