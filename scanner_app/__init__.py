"""The scanner: bars in, one ordered task a bar on its symbol's queue, signals and status out."""
