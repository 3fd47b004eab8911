"""Bars out of anyone's file, in stages, each a module tested by itself.

    container            what the file is, and what is packed in it
    encoding             of a text
    dialect, head        what separates its cells; the rows of its header, and those before it
    text_table (lines), arrow_table, json_table (json_leaves)
                         a table: a header, or none, above rows that can be walked as often as wanted
    columns (names), layouts
                         which column is what: by its name, or by what it holds
    first_walk (survey, shapes)
                         what the cells look like, all of them, in little memory
    decide_times, times, zones, numbers
                         how times and numbers are written
    understand (spacing, clashes, decide_timeframe, decide_bars, decide_zone, file_names, timeframe_names)
                         the second walk; timeframe, symbol, volume, zone; the plan
    moments, bars        rows become raw bars

feed runs them one after the other; spool keeps on the disk what can be read only once.

What is inferred is inferred from the whole file and said; what stays in doubt is refused with the option that decides.

Nothing is imported here: hooks read times and numbers as files have them, and need not load PyArrow for that.
"""
