"""Bars out of anyone's file, in stages, each a module tested by itself.

    container            what the file is, and what is packed in it
    encoding             of a text
    dialect, head        what separates its cells; the rows of its header, and those before it
    text_table, arrow_table, json_table (json_leaves)
                         a table: a header, or none, above rows that can be walked as often as wanted
    columns (names), layouts
                         which column is what: by its name, or by what it holds
    first_walk (survey, shapes)
                         what the cells look like, all of them, in little memory
    decide_times, times, zones, numbers
                         how times and numbers are written
    understand (spacing, decide_timeframe, decide_bars, decide_zone, file_names)
                         the second walk; timeframe, symbol, volume, zone; the plan
    moments, bars        rows become raw bars

What is inferred is inferred from the whole file and said; what stays in doubt is refused with the option that decides.
"""

from scanner_app.feeds.reader.errors import FeedError
from scanner_app.feeds.reader.feed import Feed, open_feeds
from scanner_app.feeds.reader.options import Options, columns_from_text

__all__ = ["Feed", "FeedError", "Options", "columns_from_text", "open_feeds"]
