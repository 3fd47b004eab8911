"""Django's admin: read-only lists and pages of the scanner's rows, and the operators' actions.

base.py        what all lists share: read-only, quick with millions of rows, columns and filters
links.py       links from one page to another, to the chart and to Flower
explained.py   explanation and timeline as HTML
actions.py     what the operators' actions share: who may, the reason, the page that asks for confirmation
symbols.py     the symbols with their state
symbol_filters.py, symbol_actions.py  the filters of their list, and the actions on them
quarantine.py  the bars in quarantine, and the actions on them
alerts.py      alerts, and the actions on them
silences.py    silences, and ending them
detectors.py   detectors, switching them, and their incidents
feeds.py       live feeds, their ledger of holes, and what venues call our symbols
hooks.py       hooks of all users, and removing them
channels.py    channels and deliveries of hits, and the actions on them
rules.py       traders' rules, their hits and failures
records.py     bars, signals, failures, events and notifications
drills.py      drills of the alarm path
unexpected.py  unexpected errors of the web, of tasks and of programs
watchlists.py  the watch lists of all users
users.py       users and their roles

The site itself, which decides who may enter, is in scanner_app/admin_site.py.

May import: api and the rooms below.
"""

from django.contrib import admin

from scanner_app.admin import (  # noqa: F401 - each registers its models
    alerts,
    channels,
    detectors,
    drills,
    feeds,
    hooks,
    quarantine,
    records,
    rules,
    silences,
    symbols,
    unexpected,
    users,
    watchlists,
)

admin.site.site_header = "Market scanner"
admin.site.site_title = "Market scanner"
admin.site.index_title = "Overview"
admin.site.index_template = "scanner_app/admin/index.html"
admin.site.enable_nav_sidebar = False  # the wide tables need its room; each page links to the other lists
