"""`make up`: everything on one machine, in the foreground, under supervisor."""
