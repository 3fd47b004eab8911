"""The admin: what there is, to be read; and operators' acts, as actions that call the mailbox.

base.py         what all pages share: read-only, quick on millions of rows
acts.py         what the acts share: who may, the reason, the page that asks first
symbols.py      the symbols with their state, and the acts on them
quarantined.py  the bars in quarantine, and the acts on them
alerts.py       what is or was wrong, and the acts on it
records.py      bars, signals, failures, events and notifications
users.py        users and their roles

May import: api and the rooms below.
"""

from django.contrib import admin

from scanner_app.admin import alerts, quarantine, records, symbols, users  # noqa: F401 - each registers its models

admin.site.site_header = "Market scanner"
admin.site.site_title = "Market scanner"
admin.site.index_title = "Overview"
admin.site.index_template = "scanner_app/admin/index.html"
admin.site.enable_nav_sidebar = False  # the wide tables need its room; each page links to the other lists
