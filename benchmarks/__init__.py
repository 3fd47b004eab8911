"""Measurements, each a comparison within one run on one machine. `make bench`; described in README.md."""
