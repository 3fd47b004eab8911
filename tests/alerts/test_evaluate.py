"""The evaluation: several at once, which notifications it writes, and what it costs."""

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
from tests.alerts.watching import LOOK_S, notified, redis_server, state_of, watched
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


def test_a_firing_alert_is_notified_again_at_the_interval_until_it_is_resolved(judge):
    judge(25)  # 125 s at an interval of 60
    judge.holds = False
    judge(10)

    assert notified("made_up") == ["fired", "renewed", "renewed", "cleared"]


def test_a_notification_has_the_message_of_its_time(judge):
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


def test_a_condition_that_comes_and_goes_is_one_alert_and_one_notification(judge):
    for _ in range(10):
        judge.holds = not judge.holds
        judge()
    judge.holds = True
    judge(2)

    assert (state_of("made_up"), notified("made_up")) == (["firing"], ["fired"])


def test_a_condition_that_returns_after_its_alert_was_resolved_is_another_alert(judge):
    judge()
    judge.holds = False
    judge(3)
    judge.holds = True
    judge()

    assert (state_of("made_up"), notified("made_up")) == (["resolved", "firing"], ["fired", "cleared", "fired"])


def test_an_acknowledged_alert_has_no_reminders_but_its_end_is_notified(judge):
    judge()
    acknowledge.acknowledge(the_alert(), by="olga", now=judge.clock.now, reason="on it")
    judge(100)
    judge.holds = False
    judge(4)

    assert notified("made_up") == ["fired", "cleared"]
    assert (the_alert().acknowledged_by, the_alert().acknowledge_reason) == ("olga", "on it")


def test_the_first_acknowledgement_stays(judge):
    judge()
    acknowledge.acknowledge(the_alert(), by="olga", now=T0, reason="on it")
    acknowledge.acknowledge(the_alert(), by="bo", now=judge.clock.now)

    assert (the_alert().acknowledged_by, the_alert().acknowledged_at) == ("olga", T0)


def test_a_silenced_alert_is_notified_only_after_the_silence_if_it_still_fires(judge):
    judge()
    acknowledge.silence(the_alert(), minutes=5, by="olga", now=judge.clock.now, reason="known")
    judge(59)
    assert notified("made_up") == ["fired"]

    judge(3)

    assert notified("made_up") == ["fired", "renewed"]


def test_the_end_of_a_silenced_alert_is_not_notified(judge):
    judge()
    acknowledge.silence(the_alert(), minutes=5, by="olga", now=judge.clock.now)
    judge.holds = False
    judge(80)

    assert (state_of("made_up"), notified("made_up")) == (["resolved"], ["fired"])


def test_a_silence_outlasts_its_alert_and_ends_at_its_time(judge):
    judge()
    acknowledge.silence(the_alert(), minutes=5, by="olga", now=judge.clock.now, reason="known")
    for judge.holds in (False, True):
        judge(4)
    assert (state_of("made_up"), notified("made_up")) == (["resolved", "firing"], ["fired"])
    assert Alert.objects.latest("pk").silence_reason == "known"

    judge(60)

    assert notified("made_up") == ["fired", "fired"], "notified once the silence is over, since it still fires"


def test_a_silence_on_an_alert_that_never_fired_outlasts_it_too_and_leaves_one_row(judge):
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
    assert (state_of("made_up"), notified("made_up")) == (["resolved", "firing"], [])
    judge(50)

    assert notified("made_up") == ["fired"], "notified once the silence is over, since it still fires"


def test_of_two_silences_on_alerts_that_never_fired_the_later_one_lasts(judge):
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

    assert (Alert.objects.latest("pk").silence_reason, notified("made_up")) == ("60", [])


def test_a_silence_is_ended_by_zero_minutes(judge):
    judge()
    acknowledge.silence(the_alert(), minutes=60, by="olga", now=judge.clock.now)
    acknowledge.silence(the_alert(), minutes=0, by="olga", now=judge.clock.now)
    judge.holds = False
    judge(4)

    assert notified("made_up") == ["fired", "cleared"]


def test_an_ended_silence_does_not_return_from_a_resolved_alert(judge):
    judge()
    acknowledge.silence(the_alert(), minutes=60, by="olga", now=judge.clock.now)
    for judge.holds in (False, True):
        judge(4)
    acknowledge.silence(Alert.objects.latest("pk"), minutes=0, by="olga", now=judge.clock.now)
    for judge.holds in (False, True):
        judge(4)

    assert notified("made_up") == ["fired", "fired"], "the first and the third"


def test_an_alert_of_a_removed_rule_is_resolved_without_a_notification(watched):
    Alert.objects.create(rule="gone", severity="error", state="firing", message="m", began_at=T0, told_at=T0)

    watched.look()

    assert (state_of("gone"), notified("gone")) == (["resolved"], [])


@pytest.mark.parametrize(
    "act",
    [
        lambda alert: acknowledge.acknowledge(alert, by="o", now=T0),
        lambda alert: acknowledge.silence(alert, minutes=1, by="o", now=T0),
    ],
)
def test_a_resolved_alert_can_be_neither_acknowledged_nor_silenced(judge, act):
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


def test_while_nobody_consumes_a_lane_its_stuck_symbols_are_not_notified(watched):
    stuck_symbols(watched, "TSLA", "AAPL")
    SymbolStatus.objects.filter(symbol__ticker="AAPL").update(lane="slow")
    watched.forget("slow")

    watched.look_for(90)

    assert notified("no_worker") == ["fired"]
    assert dict(Alert.objects.filter(rule="stuck_head").values_list("symbol__ticker", "muted_by")) == {
        "AAPL": "no_worker",
        "TSLA": "",
    }
    assert list(
        Notification.objects.filter(kind="fired", symbol__isnull=False).values_list("symbol__ticker", flat=True)
    ) == ["TSLA"]


def test_a_muted_alert_that_ends_with_its_cause_is_never_notified(watched):
    stuck_symbols(watched, "TSLA")
    watched.forget("main")
    watched.look_for(90)
    assert state_of("stuck_head") == ["firing"]

    watched.beat("main")
    mailbox.complete(start_head(Symbol.objects.get(), now=watched.clock.now), [], now=watched.clock.now)
    watched.look_for(60)

    assert (state_of("stuck_head"), notified("stuck_head")) == (["resolved"], [])
    assert notified("no_worker") == ["fired", "cleared"]


def test_a_muted_alert_that_still_fires_after_its_cause_is_notified(watched):
    stuck_symbols(watched, "TSLA")
    watched.forget("main")
    watched.look_for(90)
    watched.beat("main")

    watched.look_for(60)

    assert notified("no_worker") == ["fired", "cleared"]
    assert notified("stuck_head") == ["fired"]


def test_two_hundred_muted_symbols_are_one_notification(watched):
    stuck_symbols(watched, *(f"S{number}" for number in range(200)))
    watched.forget("main")

    watched.look_for(120)

    assert Alert.objects.filter(rule="stuck_head", state="firing").count() == 200
    assert list(Notification.objects.values_list("kind", "alert__rule")) == [("fired", "no_worker")]
    assert status.overview(watched.clock.now).alerts == 201


# ------------------------------------------------------------------------------- what can't be judged, and bugs


def test_while_the_broker_does_not_answer_alerts_about_workers_stay_as_they_are(watched):
    watched.forget("slow")
    watched.look_for(40)
    watched.redis.kill()

    report = watched.look()

    assert state_of("no_worker") == ["firing"]
    assert not report.complete
    assert not Evaluation.objects.get().complete
    assert notified("broker_away") == ["fired"]


def test_a_rule_that_raises_keeps_its_alerts_and_disturbs_no_other_rule(judge):
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
def test_of_many_evaluations_at_once_one_fires_the_alert(clock, redis_server, same_moment):
    make_symbol("TSLA")
    rule = rule_of(lambda _: [Finding(message="It is so.")])
    judged = [
        gather.gather(clock.now if same_moment else clock.now + timedelta(milliseconds=number)) for number in range(8)
    ]

    reports = at_once([partial(evaluate.run, one, rules=[rule]) for one in judged])

    assert (state_of("made_up"), notified("made_up")) == (["firing"], ["fired"])
    assert sum(report.notified.get("fired", 0) for report in reports) == 1
    if same_moment:
        assert sum(not report.superseded for report in reports) == 1


@pytest.mark.django_db(transaction=True)
def test_many_evaluations_at_once_of_several_batches_notify_each_alert_once(clock, redis_server):
    rule = rule_of(
        lambda _: [Finding(message="So it is.", subject=f"{number}") for number in range(3 * evaluate.BATCH_SIZE)]
    )
    judged = [gather.gather(clock.now + timedelta(milliseconds=number)) for number in range(8)]

    reports = at_once([partial(evaluate.run, one, rules=[rule]) for one in judged])

    assert notified("made_up") == ["fired"] * 3 * evaluate.BATCH_SIZE
    assert sum(report.notified["fired"] for report in reports) == 3 * evaluate.BATCH_SIZE


@pytest.mark.django_db(transaction=True)
def test_of_many_evaluations_at_once_one_resolves_the_alert(clock, redis_server):
    evaluate.run(gather.gather(clock.now), rules=[rule_of(lambda _: [Finding(message="It is so.")], clear_s=0)])
    clock.move(5)
    over = [gather.gather(clock.now + timedelta(milliseconds=number)) for number in range(8)]

    at_once([partial(evaluate.run, one, rules=[rule_of(lambda _: [], clear_s=0)]) for one in over])

    assert (state_of("made_up"), notified("made_up")) == (["resolved"], ["fired", "cleared"])


def test_facts_that_are_older_than_those_judged_change_nothing(judge):
    old = gather.gather(judge.clock.now - timedelta(seconds=1))
    judge()
    judge.holds = False

    assert evaluate.run(old, rules=[judge.rule]).superseded
    assert state_of("made_up") == ["firing"]


def test_after_the_clock_was_set_back_by_an_hour_alerts_still_fire(watched):
    watched.look()
    watched.forget("slow")  # pending when the clock is set back
    watched.look()
    watched.clock.move(-HOUR)
    watched.forget("main")

    watched.look()
    assert watcher_ping.problem(watched.clock.now) == ""
    watched.look_for(20)

    fired = Alert.objects.filter(rule="no_worker").order_by("subject").values_list("subject", "state")
    assert list(fired) == [("main", "firing"), ("slow", "firing")]
    assert notified("no_worker") == ["fired", "fired"]
    assert status.overview(watched.clock.now).reasons == ["No worker: 2 (slow, main)."]
    assert watcher_ping.problem(watched.clock.now) == "alerts: no_worker"


def test_a_beat_that_stopped_before_the_clock_was_set_back_is_noticed(watched):
    watched.look()
    watched.by_beat = False
    watched.clock.move(-HOUR)

    watched.look_for(10)

    assert notified("beat_late") == ["fired"]


@pytest.mark.parametrize(
    ("back_s", "superseded"), [pytest.param(30, True, id="half a minute"), pytest.param(31, False, id="longer")]
)
def test_earlier_facts_count_only_if_they_are_more_than_30_s_earlier(judge, back_s, superseded):
    now = judge.clock.now
    judge()

    report = evaluate.run(gather.gather(now - timedelta(seconds=back_s)), rules=[judge.rule])

    assert report.superseded is superseded


@pytest.mark.django_db(transaction=True)
def test_after_a_crash_every_alert_is_notified_once(clock, redis_server, monkeypatch):
    count = 2 * evaluate.BATCH_SIZE + 1
    rule = rule_of(lambda _: [Finding(message="So it is.", subject=f"{number}") for number in range(count)])
    store, stored = outbox.store, []

    def crash_in_the_second_batch(*written):
        stored.append(written)
        if len(stored) == 2:
            raise KeyboardInterrupt
        return store(*written)

    monkeypatch.setattr(outbox, "store", crash_in_the_second_batch)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(gather.gather(clock.now), rules=[rule])
    assert Alert.objects.count() == len(notified("made_up")) == evaluate.BATCH_SIZE
    monkeypatch.undo()

    clock.move(5)
    evaluate.run(gather.gather(clock.now), rules=[rule])

    assert (state_of("made_up"), notified("made_up")) == (["firing"] * count, ["fired"] * count)


@pytest.mark.django_db(transaction=True)
def test_between_two_batches_others_can_write_and_a_later_evaluation_takes_over(clock, redis_server, monkeypatch):
    count = 2 * evaluate.BATCH_SIZE + 1
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
    assert (before.superseded, before.notified["fired"]) == (True, evaluate.BATCH_SIZE)
    assert (after.superseded, after.notified["fired"]) == (False, count - evaluate.BATCH_SIZE)
    assert (state_of("made_up"), notified("made_up")) == (["firing"] * count, ["fired"] * count)


def test_the_task_evaluates_by_the_real_time_and_is_beats_sign_of_life(watched):
    watch(by="beat")
    row = Evaluation.objects.get()
    watch(by="beat_backup")

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


def test_a_mail_about_an_alert_links_to_it(judge, mail_server):
    judge()
    delivery.run(judge.clock)

    (mail,) = mail_server.mails
    text = mail.get_payload(decode=True).decode()
    assert mail_server.subjects == ["warning: made up"]
    assert "docs/runbook/made_up.md" in text
    assert f"http://127.0.0.1:8000/admin/scanner_app/alert/{the_alert().pk}/change/" in text


def test_many_alerts_at_once_are_one_digest(watched, mail_server):
    stuck_symbols(watched, *(f"S{number}" for number in range(30)))
    watched.look_for(80)
    delivery.run(watched.clock)
    watched.clock.move(60)
    delivery.run(watched.clock)

    assert len(mail_server.mails) == 2
    assert mail_server.subjects[1] == "error: 30 alerts began to fire"
    first, digest = (mail.get_payload(decode=True).decode().replace("\r\n", "\n") for mail in mail_server.mails)
    assert first.endswith("/change/\nhttp://127.0.0.1:8000/runbook/stuck_head/\n")
    assert digest.endswith(
        "\n\nhttp://127.0.0.1:8000/admin/scanner_app/alert/\nhttp://127.0.0.1:8000/runbook/stuck_head/\n"
    )


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
def test_the_status_says_so_when_nobody_evaluates_the_rules(monkeypatch, evaluated_s, serving_s, verdict, says):
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
    assert len(queries) - transaction_ends == 12 + clock, [query["sql"][:90] for query in queries]


def test_a_thousand_new_alerts_at_once_take_four_queries_a_batch(watched):
    many_symbols(1_000, watched.clock.now)
    watched.clock.move(61)
    watched.look_for(10)

    with CaptureQueriesContext(connection) as queries:
        fires = watched.look()

    assert fires.notified == {"fired": 1_000}
    statements = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    in_a_batch = ["UPDATE", "UPDATE", "UPDATE", "INSERT"]  # guard, equal columns, messages, notifications
    clock = int(connection.vendor == "postgresql")
    assert len(statements) == 12 + clock + len(in_a_batch) * 1_000 / evaluate.BATCH_SIZE
    assert [statement.split()[0] for statement in statements[-2 * len(in_a_batch) :]] == 2 * in_a_batch
