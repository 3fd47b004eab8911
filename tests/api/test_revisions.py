"""Corrections by HTTP: `POST bars?revise=true`, and where their progress is shown."""

import pytest
from django.contrib.auth.models import User

from scanner_app import mailbox
from scanner_app.models import Bar, BarRevision, Rerun, Signal, Symbol
from tests.api.conftest import API, signal_on
from tests.conftest import T0, accept_days, raw_bar, start_head

pytestmark = pytest.mark.django_db


@pytest.fixture
def processed():
    """A symbol whose first two bars were processed."""
    accept_days("TSLA", 2)
    symbol = Symbol.objects.get()
    for _ in range(2):
        mailbox.complete(start_head(symbol), [], now=T0)
    return symbol


def revise(client, *bars, how="revise=true"):
    return client.post(f"{API}/bars?{how}", list(bars), format="json")


def test_new_values_replace_the_stored_ones_and_say_who_sent_them(feeder, processed):
    answer = revise(feeder, raw_bar(day=0, close=10.5), raw_bar(day=1), raw_bar(day=2))

    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "duplicates": 1,
        "forming": 0,
        "revised": 1,
        "conflicts": [],
        "rejected": [],
    }
    bar = Bar.objects.get(sequence=1)
    assert (bar.close, bar.revised, bar.status) == (10.5, True, "processed")
    before = BarRevision.objects.get()
    assert (before.bar, before.close) == (bar, 11.0)
    assert before.source == User.objects.get().username


def test_a_call_of_revised_bars_alone_is_202(feeder, processed):
    assert revise(feeder, raw_bar(day=0, close=10.5)).status_code == 202


@pytest.mark.parametrize("how", ["", "revise=false", "revise=0"])
def test_without_it_they_are_a_conflict(feeder, processed, how):
    answer = revise(feeder, raw_bar(day=0, close=10.5), how=how)

    assert answer.status_code == 400
    assert len(answer.json()["conflicts"]) == 1
    assert not BarRevision.objects.exists()


def test_anything_but_true_or_false_is_refused(feeder, processed):
    answer = revise(feeder, raw_bar(day=0, close=10.5), how="revise=yes")

    assert (answer.status_code, answer.json()) == (400, {"detail": "revise must be true or false, not 'yes'."})


def test_the_first_of_two_revisions_in_one_call_wins(feeder, processed):
    answer = revise(
        feeder, raw_bar(day=0, close=10.5), raw_bar(day=0, close=10.6), raw_bar(day=2), raw_bar(day=2, close=10)
    )

    body = answer.json()
    assert (body["accepted"], body["revised"], [one["index"] for one in body["conflicts"]]) == (1, 1, [1, 3])


def test_the_symbols_status_and_explanation_show_the_second_look(feeder, processed):
    revise(feeder, raw_bar(day=0, close=10.5))

    (span,) = feeder.get(f"{API}/symbols/TSLA/status").json()["reruns"]
    assert span == {
        "timeframe": "1d",
        "first": "2024-01-01T00:00:00Z",
        "last": "2024-01-01T00:00:00Z",
        "cause": "revision",
        "detector": None,
        "bars_done": 0,
        "bars_left": 1,
        "failures": 0,
        "next_attempt_at": None,
        "last_error": None,
    }
    notes = feeder.get(f"{API}/symbols/TSLA/explain").json()["notes"]
    assert "The detectors look again at its 1d bars, because bars were revised: 0 done, 1 left." in notes
    Rerun.objects.update(failures=2, last_error="ZeroDivisionError: no good", next_attempt_at=T0)
    notes = feeder.get(f"{API}/symbols/TSLA/explain").json()["notes"]
    assert any(
        "(ZeroDivisionError: no good). The signals stay as they were; the next attempt is at" in one for one in notes
    )


def test_the_timelines_say_what_was_revised_and_what_became_of_its_signals(feeder, processed):
    bar = Bar.objects.get(sequence=1)
    Signal.objects.create(
        symbol=processed, bar=bar, timeframe="1d", timestamp=bar.timestamp, detector="d", pattern="STAR",
        direction="bullish", strength=1, created_at=T0, withdrawn_at=T0,
    )  # fmt: skip
    revise(feeder, raw_bar(day=0, close=10.5))
    user = User.objects.get().username

    line = feeder.get(f"{API}/symbols/TSLA/timeline").json()["results"][0]
    assert (line["kind"], line["sentence"]) == ("revised", f"{user} sent new values: 1d bar of 2024-01-01.")
    story = feeder.get(f"{API}/bars/{bar.pk}/timeline").json()["results"]
    sentences = [line["sentence"] for line in story]
    assert f"{user} sent new values; the ones before: open 10, high 12, low 9, close 11, volume 1000." in sentences
    assert "Signal STAR by d was withdrawn: the detectors did not find it again." in sentences


def test_withdrawn_signals_can_be_listed_alone_or_left_out(reader, symbol):
    kept, gone = signal_on(symbol, 0), signal_on(symbol, 1)
    Signal.objects.filter(pk=gone.pk).update(withdrawn_at=T0)

    def found(query):
        return [row["id"] for row in reader.get(f"{API}/signals{query}").json()["results"]]

    assert found("") == [gone.pk, kept.pk]
    assert found("?withdrawn=true") == [gone.pk]
    assert found("?withdrawn=false") == [kept.pk]
