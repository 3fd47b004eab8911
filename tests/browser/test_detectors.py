"""The page of detectors in a real browser."""

import pytest
from playwright.sync_api import expect

from scanner_app.domain.enums import DetectorAct
from scanner_app.engine import detector_switches
from scanner_app.models import DetectorEvent, DetectorSwitch, FailureIncident
from tests.browser.conftest import as_user, failed
from tests.browser.test_accessibility import serious
from tests.conftest import T0

pytestmark = pytest.mark.usefixtures("breakable_detectors")


def in_trouble():
    failed("TSLA")
    FailureIncident.objects.create(
        detector="first", error_type="KeyError", place="my_detectors:41 detect", began_at=T0, last_at=T0, symbols=312
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_operator_switches_a_detector_by_keyboard_and_the_page_is_accessible(operator, errors, scheme):
    in_trouble()
    operator.emulate_media(color_scheme=scheme)
    operator.get_by_role("link", name="Detectors").click()
    expect(operator.get_by_role("alert").filter(has_text="first fails on 312 symbols")).to_be_visible()

    card = operator.locator("[data-detector=first]")
    card.locator("summary").focus()
    operator.keyboard.press("Enter")
    card.get_by_label("Reason, for the log (optional)").fill("a bad deploy")
    assert serious(operator) == []
    operator.keyboard.press("Enter")

    expect(card).to_have_attribute("data-state", "off")
    expect(card).to_contain_text("a bad deploy")
    assert serious(operator) == []
    card.locator("summary").click()
    card.get_by_role("button", name="Switch it on").click()
    expect(card).to_have_attribute("data-state", "on")
    assert DetectorSwitch.objects.get().state == "on"
    assert list(DetectorEvent.objects.order_by("id").values_list("kind", flat=True)) == [
        DetectorAct.OFF,
        DetectorAct.ON,
    ]
    assert errors == []


def test_it_is_no_wider_than_a_phone(page, live_server):
    in_trouble()
    detector_switches.switch_off("first", by="olga", now=T0, reason="a long reason " * 20)
    page.set_viewport_size({"width": 360, "height": 740})
    as_user(page, "stan", live_server, "operate_symbol")

    page.goto("/detectors/")
    expect(page.locator("[data-detector=first]")).to_be_visible()
    for summary in page.locator("main summary").all():
        summary.click()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
