"""The admin's detectors, their history and incidents."""

import pytest

from scanner_app.engine import detector_switches
from scanner_app.models import DetectorEvent, DetectorSwitch, FailureIncident
from tests.admin.conftest import messages_of, sent_from
from tests.conftest import T0

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("breakable_detectors")]

LIST = "/admin/scanner_app/detectorswitch/"


def act(browser, name, row):
    first = browser.post(LIST, {"action": name, "_selected_action": [row.pk], "index": 0, "reason": "a bad deploy"})
    return browser.post(LIST, sent_from(first), follow=True)


def test_an_operator_switches_one_off_and_on_after_confirming(browser):
    assert browser.get(LIST).status_code == 200
    row = DetectorSwitch.objects.get(name="first")

    off = act(browser, "off", row)
    row.refresh_from_db()
    assert (row.state, row.by, row.reason) == ("off", "olga", "a bad deploy")
    assert messages_of(off) == [("success", "Switched off 1 detector.")]

    act(browser, "on", row)
    row.refresh_from_db()
    assert row.state == "on"
    assert list(DetectorEvent.objects.order_by("id").values_list("kind", flat=True)) == ["off", "on"]


def test_the_history_and_the_incidents_can_be_read(browser):
    detector_switches.switch_off("first", by="otto", now=T0, reason="why not")
    incident = FailureIncident.objects.create(
        detector="second", error_type="KeyError", place="a:1 b", began_at=T0, last_at=T0, symbols=7
    )

    assert "why not" in browser.get("/admin/scanner_app/detectorevent/").content.decode()
    assert "a:1 b" in browser.get("/admin/scanner_app/failureincident/").content.decode()
    assert browser.get(f"/admin/scanner_app/failureincident/{incident.pk}/change/").status_code == 200
