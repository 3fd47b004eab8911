"""The WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scanner_project.settings")
application = get_wsgi_application()

from django.utils import timezone  # noqa: E402 - the settings come first

from scanner_app.reading import status  # noqa: E402 - needs the models

status.serve_from(timezone.now())
