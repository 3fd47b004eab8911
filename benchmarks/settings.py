"""The scanner's settings, and workers that know the plain tasks beside its own."""

from scanner_project.settings import *  # noqa: F403 - this is what they are: all of them, and one more

CELERY_IMPORTS = ("benchmarks.plain",)
