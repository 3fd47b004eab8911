"""The ASGI entry point, which the web server uses: Django's WSGI application behind a bridge (web/bridge.py)."""

import gc
import os
from importlib import import_module

from scanner_app.domain.proxies import TrustedProxies
from scanner_app.workers.command_lines import WEB_THREADS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scanner_project.settings")

from django.conf import settings

from scanner_project.web.bridge import Bridge
from scanner_project.wsgi import application as wsgi_application

application = Bridge(
    wsgi_application,
    threads=WEB_THREADS,
    trusted=TrustedProxies.of(settings.TRUSTED_PROXIES),
    max_body=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
)

# Pages and API, 30 MB: here, so that the web processes, which are forked later, share them.
import_module(settings.ROOT_URLCONF)

# What is there now stays: the collector need not visit it again and again while large answers are made (a status of
# ten thousand symbols took 70 ms longer with every second request).
gc.collect()
gc.freeze()
