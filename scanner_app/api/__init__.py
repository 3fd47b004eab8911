"""The HTTP interface: JSON under `/api/v1/scanner/`, described for its users in docs/api.md.

A view checks the request, calls one function of the rooms below and turns the result into an answer. It decides
nothing by itself. `...In` are the serializers of requests, `...Out` those of answers. Their names are the names of
the components in the OpenAPI schema.

One file for each resource, with its serializers, filters and views:

- alerts.py: alerts, and acknowledging and silencing them
- bars.py: sending bars, and the list of accepted bars
- board.py: the snapshot that the live board shows
- channels.py: how traders are told of hits
- chart.py: bars and signals of one series, for the page of a symbol
- deliveries.py: what was told of which hit, and what was not
- detectors.py: detectors, and switching them off and on
- explanations.py: why a symbol is in its state (the route is in symbols.py)
- failures.py: failed attempts, one by one and by their kind
- feeds.py: live feeds, and adding, changing and removing them
- gap_ledger.py: holes in the series of live feeds, and giving one up
- gaps.py: missing bars of a symbol (the route is in symbols.py)
- hooks.py: hooks of programs that send bars in a form of their own, and where these come in
- health.py: `/healthz` and `/readyz`
- hits.py: rules that became true
- index.py: the list of the API's addresses
- metrics.py: `/metrics` for Prometheus
- quarantine.py: bars in quarantine, and replaying and discarding them
- rules.py: conditions of traders
- rule_bodies.py, rule_outputs.py: their requests and answers
- signals.py: what the detectors found
- silences.py: sending nothing about a rule or a symbol until a time
- status.py: the status of all symbols and the overall status
- stream.py: signals and hits as they come
- symbols.py: the symbols, each of them, and operators' actions on a symbol
- symbol_outputs.py: how symbols are described in answers
- symbols_bulk.py: operators' actions on all symbols that match a filter (a part of the viewset in symbols.py)
- timelines.py: what happened to a symbol or a bar (the routes are in symbols.py and bars.py)
- tokens.py: a user's token for name and password
- watchlists.py: named lists of symbols
- worth.py: what signals were worth

What several of them use:

- authentication.py: signing in by a token
- bar_reports.py: what became of the bars of a request
- base.py: the base classes of the viewsets
- body.py: reading the body of `POST bars`: JSON or NDJSON, packed or not
- errors.py: one form for all errors
- fields.py: fields and serializers of requests and answers
- filter_fields.py: query parameters that several lists share
- foreign_shapes.py: other programs' bars, which are refused with the shape wanted
- openapi.py: what every operation of the schema has in common
- pagination.py: pages of lists, newest first
- parsers.py: reading JSON
- renderers.py: writing large answers
- patterns.py: what people call patterns
- permissions.py: which users may do what
- routers.py, urls.py: the addresses
- schema_view.py: the OpenAPI schema, made once a process

May import: reading, signals, alerts, engine and the rooms below; never admin or pages.
"""
