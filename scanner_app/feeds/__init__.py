"""Where bars come from: files and, later, live feeds. All of them go through `scanner_app.engine.ingest`."""
