"""Where bars come from: files and, later, live feeds. All of them go through `scanner_app.engine.ingest`.

May import: alerts and the rooms below; it needs the domain, and of workers what counts as an
outage. The command hands it ingest.
"""
