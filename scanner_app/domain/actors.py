"""Who made a change, where no user did."""

SCANNER = "scanner"
"""The actor of changes that no user asked for."""
