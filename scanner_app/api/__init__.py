"""The HTTP interface: JSON under `/api/v1/scanner/`, described for its users in docs/api.md.

A view checks the request, calls one function of the rooms below and turns the result into an answer. It decides
nothing by itself. `...In` are the serializers of requests, `...Out` those of answers. Their names are the names of
the components in the OpenAPI schema.

One file for each resource, with its serializers, filters and views:

- alerts.py: alerts, and acknowledging and silencing them
- bars.py: sending bars, and the list of accepted bars
- board.py: the snapshot that the live board shows
- chart.py: bars and signals of one series, for the page of a symbol
- explanations.py: why a symbol is in its state (the route is in symbols.py)
- failures.py: failed attempts
- gaps.py: missing bars of a symbol (the route is in symbols.py)
- health.py: `/healthz` and `/readyz`
- index.py: the list of the API's addresses
- metrics.py: `/metrics` for Prometheus
- quarantine.py: bars in quarantine, and replaying and discarding them
- signals.py: what the detectors found
- status.py: the status of all symbols and the overall status
- symbols.py: the watch list, each symbol on it, and operators' actions on a symbol
- timelines.py: what happened to a symbol or a bar (the routes are in symbols.py and bars.py)
- tokens.py: a user's token for name and password

What several of them use:

- base.py: the base classes of the viewsets
- errors.py: one form for all errors
- fields.py: fields and serializers of requests and answers
- filter_fields.py: query parameters that several lists share
- pagination.py: pages of lists, newest first
- parsers.py: reading JSON
- permissions.py: which users may do what
- routers.py, urls.py: the addresses

May import: reading, alerts, engine and the rooms below; never admin or pages.
"""
