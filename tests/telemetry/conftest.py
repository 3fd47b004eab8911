"""Read metrics as Prometheus does."""

from tests.scraping import growth, quiet_broker, scrape

__all__ = ["growth", "quiet_broker", "scrape"]
