"""The bundled real price series: `bars.parquet`, and `build.py`, which makes it. Sources: SOURCES.md.

May import: domain.
"""
