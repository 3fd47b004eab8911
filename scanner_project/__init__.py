"""The Django project and Celery application around `scanner_app`."""

from scanner_project.celery import app as celery_app

__all__ = ["celery_app"]
