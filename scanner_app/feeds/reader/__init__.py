"""Bars out of anyone's file, in stages, each a module.

container -> encoding -> dialect -> head -> columns (names) or layouts -> survey -> times, zones -> numbers
-> spacing, file_names -> plan -> bars. What is inferred is inferred from the whole file and said; what stays in
doubt is refused with the option that decides it.
"""

from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.feed import Feed, open_feeds
from scanner_app.feeds.reader.options import Options, columns_from_text

__all__ = ["Feed", "FeedError", "Options", "columns_from_text", "open_feeds"]
