"""Tests of scanner_app/signals."""
