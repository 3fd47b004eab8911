"""`detectors`: the list, off and on; and `failures/groups`."""

from datetime import timedelta

import pytest

from scanner_app import mailbox
from scanner_app.engine import detector_switches
from scanner_app.models import DetectorEvent, Symbol
from tests.api.conftest import API
from tests.conftest import T0, accept_days, start_head

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("breakable_detectors")]


def fail(ticker, detector="first", *, now=T0):
    if not Symbol.objects.filter(ticker=ticker).exists():
        accept_days(ticker, 3)
    error = KeyError("no good")
    if detector:
        error.__dict__["scanner_detector"] = (detector, "1")
    ticket = start_head(Symbol.objects.get(ticker=ticker), now=now)
    mailbox.fail(ticket, error, now=now, worker_since=T0 - timedelta(hours=1))


def complete(ticker, **more):
    mailbox.complete(start_head(Symbol.objects.get(ticker=ticker)), [], now=T0, **more)


def test_a_detector_has_every_documented_field(reader):
    fail("TSLA")
    accept_days("IBM", 3)
    complete("IBM", without=["first"])
    complete("IBM", without=["first"])
    complete("IBM")
    detector_switches.switch_off("first", by="olga", now=T0, reason="a bad deploy")

    answer = reader.get(f"{API}/detectors").json()

    assert answer == {
        "next": None,
        "previous": None,
        "results": [
            {
                "id": "first",
                "name": "first",
                "version": "1",
                "state": "off",
                "failures": 1,
                "missing_bars": 2,
                "changed_at": "2024-05-31T14:30:00Z",
                "by": "olga",
                "reason": "a bad deploy",
                "probe_at": None,
            },
            {
                "id": "second",
                "name": "second",
                "version": "1",
                "state": "on",
                "failures": 0,
                "missing_bars": 0,
                "changed_at": None,
                "by": None,
                "reason": None,
                "probe_at": None,
            },
        ],
    }


def test_an_operator_switches_one_off_and_on(operator):
    off = operator.post(f"{API}/detectors/first/off", {"reason": "a bad deploy"}, format="json")
    on = operator.post(f"{API}/detectors/first/on", format="json")

    assert (off.status_code, off.json()["state"], off.json()["reason"]) == (200, "off", "a bad deploy")
    assert (on.status_code, on.json()["state"]) == (200, "on")
    lines = DetectorEvent.objects.order_by("id").values_list("detector", "kind", "actor", "reason")
    assert list(lines) == [("first", "off", "olga", "a bad deploy"), ("first", "on", "olga", "")]


@pytest.mark.parametrize("act", ["off", "on"])
def test_only_operators_switch(reader, feeder, act):
    for client in (reader, feeder):
        assert client.post(f"{API}/detectors/first/{act}").status_code == 403
    assert not DetectorEvent.objects.exists()


def test_an_unknown_name_is_not_found(operator):
    answer = operator.post(f"{API}/detectors/third/off")

    assert (answer.status_code, answer.json()) == (404, {"detail": "Detector third not found"})


@pytest.mark.parametrize("body", [{"reason": 1}, {"reason": "x" * 1_001}, []])
def test_a_wrong_body_is_refused(operator, body):
    assert operator.post(f"{API}/detectors/first/off", body, format="json").status_code == 400
    assert not DetectorEvent.objects.exists()


def test_the_list_costs_as_many_queries_for_many_symbols(reader, django_assert_max_num_queries):
    for number in range(10):
        accept_days(f"SYM{number}", 1)
        complete(f"SYM{number}", without=["first"])

    with django_assert_max_num_queries(6):
        assert reader.get(f"{API}/detectors").json()["results"][0]["missing_bars"] == 10


def test_failures_are_grouped_by_detector_type_and_place(reader):
    fail("TSLA")
    fail("IBM")
    fail("IBM", now=T0 + timedelta(seconds=1))
    fail("AAPL", "")

    first, other = sorted(reader.get(f"{API}/failures/groups").json()["results"], key=lambda one: -one["symbols"])

    assert first == {
        "id": first["id"],
        "detector": "first",
        "error_type": "KeyError",
        "place": None,
        "symbols": 2,
        "times": 3,
        "first_at": "2024-05-31T14:30:00Z",
        "last_at": "2024-05-31T14:30:01Z",
        "version": "1",
        "worker_since": "2024-05-31T13:30:00Z",
    }
    assert (other["detector"], other["symbols"], other["version"]) == (None, 1, None)
    assert first["id"] != other["id"]


def test_a_kind_keeps_its_id(reader):
    fail("TSLA")
    (before,) = reader.get(f"{API}/failures/groups").json()["results"]
    fail("IBM", now=T0 + timedelta(seconds=1))

    (after,) = reader.get(f"{API}/failures/groups").json()["results"]

    assert (after["id"], after["symbols"]) == (before["id"], 2)


def test_groups_of_one_detector(reader):
    fail("TSLA")
    fail("IBM", "second")

    (group,) = reader.get(f"{API}/failures/groups?detector=second").json()["results"]

    assert group["detector"] == "second"
