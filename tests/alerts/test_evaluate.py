"""The evaluation: once whoever does it, what is told to whom, and what it costs."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scanner_app import mailbox
from scanner_app.alerts import acknowledge, evaluate, gather, watcher_ping
from scanner_app.domain.alert_rules import Finding, Rule
from scanner_app.domain.errors import AlertOver
from scanner_app.mailbox.accept import CHUNK, create_symbols
from scanner_app.messaging import sweep_memory
from scanner_app.models import Alert, Evaluation, Notification, Symbol, SymbolStatus
from scanner_app.notifications import delivery, outbox
from scanner_app.reading import status
from scanner_app.tasks import watch
from tests.alerts.watching import LOOK_S, redis_server, state_of, told, watched
from tests.conftest import T0, accept_days, make_symbol, new_bar, start_head
from tests.mailbox.test_races import at_once

__all__ = ["redis_server", "watched"]  # fixtures

HOUR = 3_600


def rule_of(find, **values):
    fields = {
        "name": "made_up",
        "severity": "warning",
        "title": "made up",
        "for_s": 0,
        "clear_s": 10,
        "renew_s": 60,
        "find": find,
    }
    return Rule(**{**fields, **values})


class Judge:
    """Judges by one made-up rule, which holds while `holds`, and moves the clock on."""

    def __init__(self, clock):
        self.holds = True
        self.clock = clock
        self.rule = rule_of(lambda _: [Finding(message="It is so.")] if self.holds else [])

    def __call__(self, times=1):
        for _ in range(times):
            report = evaluate.run(gather.gather(self.clock.now, by_beat=True), rules=[self.rule])
            self.clock.move(LOOK_S)
        return report


@pytest.fixture
def judge(watched):
    return Judge(watched.clock)


def the_alert():
    return Alert.objects.get()


def test_it_is_told_again_at_the_interval_until_it_is_over(judge):
    judge(25)  # 125 s at an interval of 60
    judge.holds = False
    judge(10)

    assert told("made_up") == ["fired", "renewed", "renewed", "cleared"]


def test_a_message_says_what_held_when_it_was_told(judge):
    count = 0

    def find(_):
        nonlocal count
        count += 1
        return [Finding(message=f"Look {count}.")]

    judge.rule = rule_of(find)
    judge(13)

    assert [body.partition("\n")[0] for body in Notification.objects.order_by("pk").values_list("body", flat=True)] == [
        "Look 1.",
        "Look 13.",
    ]
    assert the_alert().message == "Look 13."


def test_one_that_swings_is_one_alert_told_once(judge):
    for _ in range(10):
        judge.holds = not judge.holds
        judge()
    judge.holds = True
    judge(2)

    assert (state_of("made_up"), told("made_up")) == (["firing"], ["fired"])


def test_one_that_comes_again_after_it_was_over_is_another(judge):
    judge()
    judge.holds = False
    judge(3)
    judge.holds = True
    judge()

    assert (state_of("made_up"), told("made_up")) == (["resolved", "firing"], ["fired", "cleared", "fired"])


def test_acknowledged_it_is_not_told_again_but_that_it_is_over_is(judge):
    judge()
    acknowledge.acknowledge(the_alert(), by="olga", now=judge.clock.now, reason="on it")
    judge(100)
    judge.holds = False
    judge(4)

    assert told("made_up") == ["fired", "cleared"]
    assert (the_alert().acknowledged_by, the_alert().acknowledge_reason) == ("olga", "on it")


def test_the_first_who_acknowledges_stays(judge):
    judge()
    acknowledge.acknowledge(the_alert(), by="olga", now=T0, reason="on it")
    acknowledge.acknowledge(the_alert(), by="bo", now=judge.clock.now)

    assert (the_alert().acknowledged_by, the_alert().acknowledged_at) == ("olga", T0)


def test_silenced_nothing_is_told_and_then_that_it_still_fires(judge):
    judge()
    acknowledge.silence(the_alert(), minutes=5, by="olga", now=judge.clock.now, reason="known")
    judge(59)
    assert told("made_up") == ["fired"]

    judge(3)

    assert told("made_up") == ["fired", "renewed"]


def test_silenced_not_even_that_it_is_over_is_told(judge):
    judge()
    acknowledge.silence(the_alert(), minutes=5, by="olga", now=judge.clock.now)
    judge.holds = False
    judge(80)

    assert (state_of("made_up"), told("made_up")) == (["resolved"], ["fired"])


def test_a_silence_outlives_its_alert_and_ends_in_time(judge):
    judge()
    acknowledge.silence(the_alert(), minutes=5, by="olga", now=judge.clock.now, reason="known")
    for judge.holds in (False, True):
        judge(4)
    assert (state_of("made_up"), told("made_up")) == (["resolved", "firing"], ["fired"])
    assert Alert.objects.latest("pk").silence_reason == "known"

    judge(60)

    assert told("made_up") == ["fired", "fired"], "told once the silence is over, since it still fires"


def test_a_silence_on_an_alert_that_never_fired_outlives_it_too_and_leaves_one_row(judge):
    judge.rule = replace(judge.rule, for_s=10)
    judge()
    acknowledge.silence(the_alert(), minutes=5, by="olga", now=judge.clock.now, reason="known")
    for _ in range(3):  # swings, and never holds for long enough
        for judge.holds in (False, True):
            judge()
    assert list(Alert.objects.order_by("pk").values_list("state", "silence_reason")) == [
        ("resolved", "known"),
        ("pending", "known"),
    ]

    judge(10)
    assert (state_of("made_up"), told("made_up")) == (["resolved", "firing"], [])
    judge(50)

    assert told("made_up") == ["fired"], "told once the silence is over, since it still fires"


def test_a_silence_that_is_put_anew_on_one_that_never_fired_is_the_one_that_outlives(judge):
    judge.rule = replace(judge.rule, for_s=10)
    for minutes in (5, 60):
        judge.holds = True
        judge()
        acknowledge.silence(
            Alert.objects.latest("pk"), minutes=minutes, by="olga", now=judge.clock.now, reason=f"{minutes}"
        )
        judge.holds = False
        judge()
    judge.holds = True
    judge(100)

    assert (Alert.objects.latest("pk").silence_reason, told("made_up")) == ("60", [])


def test_a_silence_is_ended_by_zero_minutes(judge):
    judge()
    acknowledge.silence(the_alert(), minutes=60, by="olga", now=judge.clock.now)
    acknowledge.silence(the_alert(), minutes=0, by="olga", now=judge.clock.now)
    judge.holds = False
    judge(4)

    assert told("made_up") == ["fired", "cleared"]


def test_a_silence_that_is_ended_does_not_come_back_from_an_alert_that_is_over(judge):
    judge()
    acknowledge.silence(the_alert(), minutes=60, by="olga", now=judge.clock.now)
    for judge.holds in (False, True):
        judge(4)
    acknowledge.silence(Alert.objects.latest("pk"), minutes=0, by="olga", now=judge.clock.now)
    for judge.holds in (False, True):
        judge(4)

    assert told("made_up") == ["fired", "fired"], "the first and the third"


def test_an_alert_of_a_rule_that_there_is_no_more_ends_without_a_word(watched):
    Alert.objects.create(rule="gone", severity="error", state="firing", message="m", began_at=T0, told_at=T0)

    watched.look()

    assert (state_of("gone"), told("gone")) == (["resolved"], [])


@pytest.mark.parametrize(
    "act",
    [
        lambda alert: acknowledge.acknowledge(alert, by="o", now=T0),
        lambda alert: acknowledge.silence(alert, minutes=1, by="o", now=T0),
    ],
)
def test_an_alert_that_is_over_can_be_neither_acknowledged_nor_silenced(judge, act):
    judge()
    judge.holds = False
    judge(4)
    before = Alert.objects.values().get()

    with pytest.raises(AlertOver):
        act(the_alert())

    assert Alert.objects.values().get() == before


@pytest.mark.parametrize("minutes", [-1, 30 * 24 * 60 + 1])
def test_a_silence_has_bounds(judge, minutes):
    judge()

    with pytest.raises(ValueError, match="minutes must be 0 to"):
        acknowledge.silence(the_alert(), minutes=minutes, by="olga", now=T0)


# ------------------------------------------------------------------------------------------------ muting


def stuck_symbols(watched, *tickers):
    for ticker in tickers:
        accept_days(ticker, 1, now=watched.clock.now)


def test_while_nobody_consumes_a_lane_its_stuck_symbols_are_not_told(watched):
    stuck_symbols(watched, "TSLA", "AAPL")
    SymbolStatus.objects.filter(symbol__ticker="AAPL").update(lane="slow")
    watched.forget("slow")

    watched.look_for(90)

    assert told("no_worker") == ["fired"]
    assert dict(Alert.objects.filter(rule="stuck_head").values_list("symbol__ticker", "muted_by")) == {
        "AAPL": "no_worker",
        "TSLA": "",
    }
    assert list(
        Notification.objects.filter(kind="fired", symbol__isnull=False).values_list("symbol__ticker", flat=True)
    ) == ["TSLA"]


def test_what_was_muted_and_is_over_with_its_cause_was_never_told(watched):
    stuck_symbols(watched, "TSLA")
    watched.forget("main")
    watched.look_for(90)
    assert state_of("stuck_head") == ["firing"]

    watched.beat("main")
    mailbox.complete(start_head(Symbol.objects.get(), now=watched.clock.now), [], now=watched.clock.now)
    watched.look_for(60)

    assert (state_of("stuck_head"), told("stuck_head")) == (["resolved"], [])
    assert told("no_worker") == ["fired", "cleared"]


def test_what_was_muted_and_still_fires_is_told_when_its_cause_is_over(watched):
    stuck_symbols(watched, "TSLA")
    watched.forget("main")
    watched.look_for(90)
    watched.beat("main")

    watched.look_for(60)

    assert told("no_worker") == ["fired", "cleared"]
    assert told("stuck_head") == ["fired"]


def test_two_hundred_muted_symbols_are_one_message(watched):
    stuck_symbols(watched, *(f"S{number}" for number in range(200)))
    watched.forget("main")

    watched.look_for(120)

    assert Alert.objects.filter(rule="stuck_head", state="firing").count() == 200
    assert list(Notification.objects.values_list("kind", "alert__rule")) == [("fired", "no_worker")]
    assert status.overview(watched.clock.now).alerts == 201


# ------------------------------------------------------------------------------- what can't be judged, and bugs


def test_while_the_broker_is_away_what_is_known_of_workers_stays_as_it_is(watched):
    watched.forget("slow")
    watched.look_for(40)
    watched.redis.kill()

    report = watched.look()

    assert state_of("no_worker") == ["firing"]
    assert not report.complete
    assert not Evaluation.objects.get().complete
    assert told("broker_away") == ["fired"]


def test_a_rule_that_raises_keeps_its_alerts_and_blinds_no_other(judge):
    judge()

    def bug(_):
        raise ZeroDivisionError

    good = rule_of(lambda _: [Finding(message="So it is.")], name="good")
    report = evaluate.run(gather.gather(judge.clock.now), rules=[rule_of(bug), good])

    assert (state_of("made_up"), state_of("good")) == (["firing"], ["firing"])
    assert not report.complete


def test_a_symbol_that_is_being_deleted_has_no_alerts(watched):
    stuck_symbols(watched, "TSLA")
    watched.look_for(90)
    mailbox.delete(Symbol.objects.get(), by="olga", now=watched.clock.now, force=True)

    assert status.overview(watched.clock.now).alerts == 0
    watched.look_for(60)
    assert state_of("stuck_head") == ["resolved"]
    while mailbox.remove_rows(Symbol.objects.get().pk):
        pass
    assert not Symbol.objects.exists()
    assert not Alert.objects.exists()


# ------------------------------------------------------------------------------------------------- at once


@pytest.mark.django_db
def test_there_is_one_open_alert_of_a_rule_for_each_symbol_and_subject():
    symbols = [make_symbol("A"), make_symbol("B")]
    for symbol in (None, *symbols):
        for subject in ("", "x"):
            Alert.objects.create(rule="r", severity="info", symbol=symbol, subject=subject, began_at=T0, message="m")
            Alert.objects.create(
                rule="r", severity="info", symbol=symbol, subject=subject, began_at=T0, message="m", state="resolved"
            )
            with pytest.raises(IntegrityError), transaction.atomic():
                Alert.objects.create(
                    rule="r", severity="info", symbol=symbol, subject=subject, began_at=T0, message="m", state="firing"
                )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same_moment", [True, False])
def test_of_many_that_evaluate_at_once_one_fires(clock, redis_server, same_moment):
    make_symbol("TSLA")
    rule = rule_of(lambda _: [Finding(message="It is so.")])
    judged = [
        gather.gather(clock.now if same_moment else clock.now + timedelta(milliseconds=number)) for number in range(8)
    ]

    reports = at_once([partial(evaluate.run, one, rules=[rule]) for one in judged])

    assert (state_of("made_up"), told("made_up")) == (["firing"], ["fired"])
    assert sum(report.told.get("fired", 0) for report in reports) == 1
    if same_moment:
        assert sum(not report.superseded for report in reports) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_that_evaluate_more_than_a_transaction_stores_each_alert_is_told_once(clock, redis_server):
    rule = rule_of(
        lambda _: [Finding(message="So it is.", subject=f"{number}") for number in range(3 * evaluate.CHUNK)]
    )
    judged = [gather.gather(clock.now + timedelta(milliseconds=number)) for number in range(8)]

    reports = at_once([partial(evaluate.run, one, rules=[rule]) for one in judged])

    assert told("made_up") == ["fired"] * 3 * evaluate.CHUNK
    assert sum(report.told["fired"] for report in reports) == 3 * evaluate.CHUNK


@pytest.mark.django_db(transaction=True)
def test_of_many_that_see_it_over_at_once_one_tells(clock, redis_server):
    evaluate.run(gather.gather(clock.now), rules=[rule_of(lambda _: [Finding(message="It is so.")], clear_s=0)])
    clock.move(5)
    over = [gather.gather(clock.now + timedelta(milliseconds=number)) for number in range(8)]

    at_once([partial(evaluate.run, one, rules=[rule_of(lambda _: [], clear_s=0)]) for one in over])

    assert (state_of("made_up"), told("made_up")) == (["resolved"], ["fired", "cleared"])


def test_facts_that_are_older_than_those_judged_change_nothing(judge):
    old = gather.gather(judge.clock.now - timedelta(seconds=1))
    judge()
    judge.holds = False

    assert evaluate.run(old, rules=[judge.rule]).superseded
    assert state_of("made_up") == ["firing"]


def test_a_clock_that_is_set_back_by_an_hour_blinds_nobody(watched):
    watched.look()
    watched.forget("slow")  # pending when the clock is set back
    watched.look()
    watched.clock.move(-HOUR)
    watched.forget("main")

    watched.look()
    assert watcher_ping.unwell(watched.clock.now) == ""
    watched.look_for(20)

    fired = Alert.objects.filter(rule="no_worker").order_by("subject").values_list("subject", "state")
    assert list(fired) == [("main 0/1", "firing"), ("slow 0/1", "firing")]
    assert told("no_worker") == ["fired", "fired"]
    assert status.overview(watched.clock.now).reasons == ["No worker: 2 (slow 0/1, main 0/1)."]
    assert watcher_ping.unwell(watched.clock.now) == "alerts: no_worker"


def test_a_beat_that_died_before_the_clock_was_set_back_is_missed(watched):
    watched.look()
    watched.by_beat = False
    watched.clock.move(-HOUR)

    watched.look_for(10)

    assert told("beat_late") == ["fired"]


@pytest.mark.parametrize(
    ("back_s", "superseded"), [pytest.param(30, True, id="half a minute"), pytest.param(31, False, id="longer")]
)
def test_facts_of_an_earlier_time_count_once_nobody_else_can_have_judged_later_ones(judge, back_s, superseded):
    now = judge.clock.now
    judge()

    report = evaluate.run(gather.gather(now - timedelta(seconds=back_s)), rules=[judge.rule])

    assert report.superseded is superseded


@pytest.mark.django_db(transaction=True)
def test_after_a_crash_every_alert_is_told_once(clock, redis_server, monkeypatch):
    count = 2 * evaluate.CHUNK + 1
    rule = rule_of(lambda _: [Finding(message="So it is.", subject=f"{number}") for number in range(count)])
    store, stored = outbox.store, []

    def crash_in_the_second_chunk(*written):
        stored.append(written)
        if len(stored) == 2:
            raise KeyboardInterrupt
        return store(*written)

    monkeypatch.setattr(outbox, "store", crash_in_the_second_chunk)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(gather.gather(clock.now), rules=[rule])
    assert Alert.objects.count() == len(told("made_up")) == evaluate.CHUNK
    monkeypatch.undo()

    clock.move(5)
    evaluate.run(gather.gather(clock.now), rules=[rule])

    assert (state_of("made_up"), told("made_up")) == (["firing"] * count, ["fired"] * count)


@pytest.mark.django_db(transaction=True)
def test_between_two_chunks_others_write_and_a_later_evaluation_takes_over(clock, redis_server, monkeypatch):
    count = 2 * evaluate.CHUNK + 1
    rule = rule_of(lambda _: [Finding(message="So it is.", subject=f"{number}") for number in range(count)])
    earlier, later = gather.gather(clock.now), gather.gather(clock.now + timedelta(seconds=5))
    reports = []

    def overtake(*_, **__):  # after the first chunk's commit
        monkeypatch.undo()
        (report,) = at_once([partial(evaluate.run, later, rules=[rule])])
        reports.append(report)

    monkeypatch.setattr(evaluate.log, "warning", overtake)
    reports.append(evaluate.run(earlier, rules=[rule]))

    after, before = reports
    assert (before.superseded, before.told["fired"]) == (True, evaluate.CHUNK)
    assert (after.superseded, after.told["fired"]) == (False, count - evaluate.CHUNK)
    assert (state_of("made_up"), told("made_up")) == (["firing"] * count, ["fired"] * count)


def test_the_task_evaluates_by_the_real_time_and_is_beats_sign_of_life(watched):
    watch(by="beat")
    row = Evaluation.objects.get()
    watch(by="understudy")

    assert row.beat_at == row.evaluated_at == Evaluation.objects.get().beat_at
    assert Evaluation.objects.get().evaluated_at > row.evaluated_at


def test_an_evaluation_that_judged_nothing_is_no_sign_of_life(watched):
    Evaluation.objects.create(pk=1, evaluated_at=timezone.now() + timedelta(seconds=20))

    watch()
    assert sweep_memory.last_evaluation() is None
    Evaluation.objects.update(evaluated_at=timezone.now())
    watch()

    assert sweep_memory.last_evaluation() is not None


# ------------------------------------------------------------------------------------------------ messages


def test_messages_reach_the_mail_server_with_a_link_to_the_alert(judge, mail_server):
    judge()
    delivery.run(judge.clock)

    (mail,) = mail_server.mails
    text = mail.get_payload(decode=True).decode()
    assert mail_server.subjects == ["Made up"]
    assert "docs/runbook/made_up.md" in text
    assert f"http://127.0.0.1:8000/admin/scanner_app/alert/{the_alert().pk}/change/" in text


def test_many_alerts_at_once_are_one_digest(watched, mail_server):
    stuck_symbols(watched, *(f"S{number}" for number in range(30)))
    watched.look_for(80)
    delivery.run(watched.clock)
    watched.clock.move(60)
    delivery.run(watched.clock)

    assert len(mail_server.mails) == 2
    assert mail_server.subjects[1] == "30 alerts began to fire"
    first, digest = (mail.get_payload(decode=True).decode().replace("\r\n", "\n") for mail in mail_server.mails)
    assert first.endswith("/change/\nhttp://127.0.0.1:8000/runbook/stuck_head/\n")
    assert digest.endswith("\n\nhttp://127.0.0.1:8000/admin/scanner_app/alert/\n")


# --------------------------------------------------------------------------------------------------- status


def fire(rule="made_up", severity="warning", **values):
    fields = {"symbol": None, "state": "firing", "message": f"{rule} is so.", "began_at": T0, "fired_at": T0}
    return Alert.objects.create(rule=rule, severity=severity, **{**fields, **values})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rule", "values", "verdict"),
    [
        pytest.param("backlog", {}, "degraded", id="a warning"),
        pytest.param("no_worker", {"severity": "error"}, "unhealthy", id="an error"),
        pytest.param("quarantine", {"severity": "info"}, "healthy", id="info leaves it alone"),
        pytest.param("no_worker", {"severity": "error", "state": "pending"}, "healthy", id="not fired yet"),
        pytest.param("no_worker", {"severity": "error", "state": "recovering"}, "unhealthy", id="not over yet"),
        pytest.param("no_worker", {"severity": "error", "state": "resolved"}, "healthy", id="over"),
        pytest.param(
            "no_worker", {"severity": "error", "silenced_until": T0 + timedelta(days=1)}, "unhealthy", id="silenced"
        ),
        pytest.param("no_worker", {"severity": "error", "acknowledged_at": T0}, "unhealthy", id="acknowledged"),
        pytest.param("stuck_head", {"severity": "error", "muted_by": "no_worker"}, "unhealthy", id="muted"),
        pytest.param("open_breakers", {"severity": "error"}, "healthy", id="a rule that is judged when it is read"),
    ],
)
def test_alerts_decide_the_overall_status_and_are_its_reasons(rule, values, verdict):
    fire(rule, **values)

    seen = status.overview(T0)

    assert seen.overall_status == verdict
    assert seen.reasons == ([f"{rule} is so."] if verdict != "healthy" else [])


@pytest.mark.django_db
def test_many_alerts_of_a_rule_are_one_reason_and_errors_come_first():
    for number in range(7):
        fire("stale_symbol", symbol=make_symbol(f"S{number}"))
    fire("no_worker", "error", message="No worker.")

    seen = status.overview(T0)

    assert seen.reasons == ["No worker.", "7 symbols are stale: S0, S1, S2, S3, S4 and 2 more."]
    assert seen.alerts == 8


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("evaluated_s", "serving_s", "verdict", "says"),
    [
        pytest.param(None, None, "healthy", "", id="a command, and nobody has ever evaluated"),
        pytest.param(30, None, "healthy", "", id="evaluated 30 s ago"),
        pytest.param(31, None, "degraded", "for 31 s", id="evaluated 31 s ago"),
        pytest.param(HOUR, 10, "healthy", "", id="just started, evaluated in another run"),
        pytest.param(HOUR, 31, "degraded", "for 3,600 s", id="started, and still not evaluated"),
        pytest.param(None, 31, "degraded", "rules yet", id="started for the first time, and still not evaluated"),
        pytest.param(10, HOUR, "healthy", "", id="runs, and is evaluated"),
        pytest.param(31, HOUR, "degraded", "for 31 s", id="runs, and nobody evaluates any more"),
        pytest.param(-30, None, "healthy", "", id="evaluated by a clock that is half a minute ahead"),
        pytest.param(-HOUR, -HOUR, "degraded", "3,600 s ahead", id="runs, and its clock was set back by an hour"),
    ],
)
def test_the_status_does_not_freeze_when_nobody_evaluates(monkeypatch, evaluated_s, serving_s, verdict, says):
    if evaluated_s is not None:
        Evaluation.objects.create(pk=1, evaluated_at=T0 - timedelta(seconds=evaluated_s))
    if serving_s is not None:
        monkeypatch.setattr(status, "_serving_since", T0 - timedelta(seconds=serving_s))

    seen = status.overview(T0)

    assert seen.overall_status == verdict
    assert all(says in reason for reason in seen.reasons)
    assert bool(seen.reasons) is bool(says)


# ---------------------------------------------------------------------------------------------------- costs


def many_symbols(count, now):
    """Symbols with a head each, accepted `now`."""
    tickers = [f"S{number}" for number in range(count)]
    create_symbols(tickers, at_most=count, now=now)
    for start in range(0, count, CHUNK):
        mailbox.accept([new_bar(ticker) for ticker in tickers[start : start + CHUNK]], now=now)


@pytest.mark.parametrize("count", [1, 40])
def test_an_evaluation_takes_the_same_queries_whatever_the_number_of_symbols_and_alerts(watched, count):
    many_symbols(count, watched.clock.now)
    watched.look_for(90)
    assert Alert.objects.filter(rule="stuck_head", state="firing").count() == count

    with CaptureQueriesContext(connection) as queries:
        watched.look()

    transaction_ends = sum(query["sql"].startswith(("SAVEPOINT", "RELEASE")) for query in queries)
    clock = int(connection.vendor == "postgresql")
    assert len(queries) - transaction_ends == 8 + clock, [query["sql"][:90] for query in queries]


def test_a_thousand_alerts_that_begin_at_once_take_some_queries_a_chunk(watched):
    many_symbols(1_000, watched.clock.now)
    watched.clock.move(61)
    watched.look_for(10)

    with CaptureQueriesContext(connection) as queries:
        fires = watched.look()

    assert fires.told == {"fired": 1_000}
    statements = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    in_a_chunk = ["UPDATE", "UPDATE", "UPDATE", "INSERT"]  # guard, what is alike, messages, notifications
    clock = int(connection.vendor == "postgresql")
    assert len(statements) == 8 + clock + len(in_a_chunk) * 1_000 / evaluate.CHUNK
    assert [statement.split()[0] for statement in statements[-2 * len(in_a_chunk) :]] == 2 * in_a_chunk
