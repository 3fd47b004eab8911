"""Where bars come from: files and, later, live feeds. All of them go through `scanner_app.engine.ingest`.

May import: alerts and the rooms below; it needs the domain alone. The command hands it ingest.
"""
