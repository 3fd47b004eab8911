"""`failures`: the list of failed attempts."""

from scanner_app.models import Bar, ProcessingFailure
from tests.api.conftest import API
from tests.conftest import T0, fail_head


def test_a_failed_attempt_has_every_documented_field(reader, dispatched_head):
    symbol, _ = dispatched_head()
    fail_head(symbol, 3, now=T0)

    latest, second, first = reader.get(f"{API}/failures?symbol=tsla").json()["results"]

    assert first.pop("traceback").endswith("ValueError: no good\n")
    assert first == {
        "id": ProcessingFailure.objects.order_by("id")[0].pk,
        "symbol": "TSLA",
        "bar": Bar.objects.get().pk,
        "timestamp": "2024-01-01T00:00:00Z",
        "attempt": 1,
        "failed_at": "2024-05-31T14:30:00Z",
        "error_type": "ValueError",
        "message": "no good",
        "retry_delay_s": 1.0,
        "next_attempt_at": "2024-05-31T14:30:01Z",
        "times": 1,
    }
    assert (second["attempt"], second["next_attempt_at"]) == (2, "2024-05-31T14:30:03Z")
    assert (latest["retry_delay_s"], latest["next_attempt_at"]) == (4.0, "2024-05-31T14:30:33Z"), "the breaker is open"
