"""Rules and hits by HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from scanner_app.domain.enums import ChannelKind
from scanner_app.engine import retention
from scanner_app.models import Bar, Hit, Rule, RuleFailure, Symbol, WatchList
from scanner_app.signals import asking_rules, channels, rules
from scanner_app.trader_rules import compiled
from scanner_app.trader_rules.ready_made import DEFAULT_SET, READY_MADE
from scanner_app.trader_rules.words import WORDS
from tests.api.conftest import API, signal_on
from tests.conftest import T0, make_symbol

RULE = {"name": "Up", "expression": "close > sma('close', 3)", "timeframes": ["1d", "60m"]}


@pytest.fixture
def made(reader):
    """A rule of the reader's."""
    answer = reader.post(f"{API}/rules", RULE, format="json")
    assert answer.status_code == 201, answer.json()
    return answer.json()


def hit_of(rule_id, day=0, ticker="TSLA"):
    signal = signal_on(Symbol.objects.filter(ticker=ticker).first() or make_symbol(ticker), day)
    return Hit.objects.create(
        rule_id=rule_id, symbol=signal.symbol, bar=signal.bar, timeframe="1d", timestamp=signal.timestamp,
        values={"close": 11.0}, created_at=T0,
    )  # fmt: skip


def test_a_rule_is_made_read_changed_and_deleted(reader, made):
    assert {name: made[name] for name in made if name not in {"id", "created_at", "changed_at"}} == {
        "name": "Up",
        "expression": "close > sma('close', 3)",
        "watchlist": None,
        "timeframes": ["1d", "1h"],
        "cooldown_s": 0,
        "tell_within_s": None,
        "channels": [],
        "tell_late": False,
        "enabled": True,
        "state": "on",
        "problem": "",
        "failures": [],
        "bars_needed": 3,
        "owner": "rita",
        "shared": False,
    }
    address = f"{API}/rules/{made['id']}"
    assert reader.get(address).json() == made
    assert reader.get(f"{API}/rules").json()["results"] == [made]
    told_by = channels.add(
        name="bot", kind=ChannelKind.WEBHOOK, url="https://example.org/", by="olga", now=T0, shared=True
    )[0].pk
    changed = reader.patch(
        address, {"name": "Down", "channels": [told_by, told_by], "enabled": False}, format="json"
    ).json()
    assert (changed["name"], changed["channels"], changed["state"]) == ("Down", [told_by], "off")
    assert changed["expression"] == made["expression"]
    assert reader.delete(address).status_code == 204
    assert reader.get(address).status_code == 404
    assert reader.get(f"{API}/rules").json()["results"] == []
    assert reader.post(f"{API}/rules", RULE, format="json").status_code == 201  # the name is free again


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        ({"expression": "close > 1"}, True), ({"timeframes": ["1d"]}, True), ({"enabled": False}, True),
        ({"name": "x"}, False), ({"cooldown_s": 5}, False), ({"expression": RULE["expression"]}, False),
    ],
)  # fmt: skip
def test_only_what_changes_its_answers_makes_a_rule_begin_anew(reader, made, change, anew):
    assert reader.patch(f"{API}/rules/{made['id']}", change, format="json").status_code == 200
    assert Rule.objects.get().revision == (2 if anew else 1)


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"expression": "close >"}, "expression", "character 8: something is missing"),
        ({"expression": "x" * 2001}, "expression", "at most 2,000 characters"),
        ({"expression": 5}, "expression", "valid string"),
        ({"name": ""}, "name", "blank"),
        ({"timeframes": []}, "timeframes", "empty"),
        ({"timeframes": ["7x"]}, "timeframes", "7x"),
        ({"timeframes": "1d"}, "timeframes", "list"),
        ({"watchlist": 99}, "watchlist", "you have no watch list 99"),
        ({"cooldown_s": -1}, "cooldown_s", "greater than or equal to 0"),
        ({"tell_within_s": 0}, "tell_within_s", "greater than or equal to 1"),
        ({"tell_within_s": 10**9}, "tell_within_s", "less than or equal to 604800"),
        ({"channels": ["a"]}, "channels", "valid integer"),
        ({"channels": [99]}, "channels", "99 is not the id of a channel"),
        ({"enabled": "yes"}, "enabled", "valid boolean"),
        ({"colour": 1}, "colour", "is unknown"),
    ],
)
def test_a_wrong_value_names_its_field_and_makes_nothing(reader, made, change, field, said):
    answer = reader.post(f"{API}/rules", {**RULE, "name": "Other", **change}, format="json")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert said in str(answer.json())
    assert Rule.objects.count() == 1


def test_a_name_that_is_taken_is_a_conflict(reader, feeder, made):
    other = reader.post(f"{API}/rules", {**RULE, "name": "Other"}, format="json").json()
    for answer in (
        reader.post(f"{API}/rules", RULE, format="json"),
        reader.patch(f"{API}/rules/{other['id']}", {"name": "Up"}, format="json"),
    ):
        assert (answer.status_code, answer.json()) == (
            409, {"detail": "you have another rule with the name 'Up'"}
        )  # fmt: skip
    assert feeder.post(f"{API}/rules", RULE, format="json").status_code == 201  # of another user


def test_what_is_missing_is_named(reader):
    assert reader.post(f"{API}/rules", {}, format="json").json().keys() == {"name", "expression", "timeframes"}


def test_a_user_reads_shared_rules_but_changes_own_ones_alone(reader, feeder, made):
    address = f"{API}/rules/{made['id']}"
    assert feeder.get(address).status_code == 404
    assert feeder.patch(address, {"name": "x"}, format="json").status_code == 404
    reader.patch(address, {"shared": True}, format="json")
    assert feeder.get(address).json()["owner"] == "rita"
    assert len(feeder.get(f"{API}/rules").json()["results"]) == 1
    for refused in (feeder.patch(address, {"name": "x"}, format="json"), feeder.delete(address)):
        assert refused.status_code == 403
    assert Rule.objects.get().name == "Up"


def test_anonymous_users_see_nothing(anonymous):
    for path in ("rules", "hits", "rules/words"):
        assert anonymous.get(f"{API}/{path}").status_code == 401


def test_a_rule_has_a_watch_list_that_its_owner_may_use(reader, feeder, made):
    mine = reader.post(f"{API}/watchlists", {"name": "a", "symbols": ["TSLA"]}, format="json").json()["id"]
    other = feeder.post(f"{API}/watchlists", {"name": "b", "symbols": ["TSLA"]}, format="json").json()["id"]
    address = f"{API}/rules/{made['id']}"
    assert reader.patch(address, {"watchlist": other}, format="json").status_code == 400
    assert reader.patch(address, {"watchlist": mine}, format="json").json()["watchlist"] == mine
    assert reader.delete(f"{API}/watchlists/{mine}").status_code == 204
    orphan = reader.get(address).json()
    assert (orphan["state"], orphan["watchlist"]) == ("failed", mine)
    assert "its watch list was deleted" in orphan["problem"]
    assert reader.patch(address, {"watchlist": None}, format="json").json()["state"] == "on"


def test_a_rule_that_failed_says_where_until_it_is_changed(reader, made):
    failed = RuleFailure.objects.create(
        rule_id=made["id"], symbol=make_symbol("TSLA"), timeframe="1d", timestamp=T0, revision=1, error="E: x", at=T0
    )
    shown = reader.get(f"{API}/rules/{made['id']}").json()
    assert (shown["state"], shown["failures"][0]["symbol"], shown["failures"][0]["error"]) == ("failed", "TSLA", "E: x")
    changed = reader.patch(f"{API}/rules/{made['id']}", {"expression": "close > 1"}, format="json").json()
    assert (changed["state"], changed["failures"]) == ("on", [])
    assert RuleFailure.objects.get() == failed


def test_lists_cost_no_query_a_row(reader, django_assert_max_num_queries):
    for number in range(20):
        reader.post(f"{API}/rules", {**RULE, "name": str(number)}, format="json")
    with django_assert_max_num_queries(4):
        assert len(reader.get(f"{API}/rules").json()["results"]) == 20


def test_an_expression_is_checked_without_storing_it(reader):
    body = {"expression": "close > sma('close', 50) and on('1h', 'close > sma(close, 20)')"}
    assert reader.post(f"{API}/rules/check", body, format="json").json() == {
        "ok": True,
        "bars_needed": 50,
        "others": [{"timeframe": "1h", "bars_needed": 20}],
        "text": "close > sma(close, 50) and on('1h', close > sma(close, 20))",
    }
    bad = reader.post(f"{API}/rules/check", {"expression": "close > sma('closs', 2)"}, format="json")
    assert bad.status_code == 400
    assert bad.json() == {"expression": ["character 14: closs is no word of rules; did you mean close?"]}
    session = {"expression": "high > session_high", "timeframes": ["1d", "1h"]}
    assert reader.post(f"{API}/rules/check", session, format="json").json()["bars_needed"] == 25
    assert not Rule.objects.exists()


def test_the_words_and_the_ready_made_rules_can_be_read(reader):
    words = reader.get(f"{API}/rules/words").json()
    assert [word["name"] for word in words] == list(WORDS)
    assert words[-1]["arguments"] == [{"name": "of", "takes": "series", "default": None}]
    ready = reader.get(f"{API}/rules/ready-made").json()
    assert len(ready) == len(READY_MADE)
    for one in ready:
        body = {name: one[name] for name in ("name", "expression", "timeframes")}
        assert reader.post(f"{API}/rules", body, format="json").status_code == 201


@pytest.fixture
def bars(db):
    """Eight processed daily bars, closes 11, 12, 11, 12, …; the even ones with a spring."""
    symbol = make_symbol("TSLA")
    for day in range(8):
        signal_on(symbol, day, pattern="SPRING")
    for bar in Bar.objects.order_by("sequence"):
        Bar.objects.filter(pk=bar.pk).update(close=11 + bar.sequence % 2)
        if bar.sequence % 2:
            bar.signals.all().delete()
    return list(Bar.objects.order_by("sequence"))


def test_an_expression_is_tried_on_stored_bars(reader, bars):
    body = {"expression": "close > 11.5 and previous('close', 1) > 1", "symbol": "tsla", "timeframe": "1d"}
    tried = reader.post(f"{API}/rules/try", body, format="json").json()
    assert {name: tried[name] for name in ("bars", "held", "not_known", "stopped")} == {
        "bars": 8, "held": 3, "not_known": 1, "stopped": False,
    }  # fmt: skip
    assert [one["bar"] for one in tried["hits"]] == [bars[2].pk, bars[4].pk, bars[6].pk]
    assert tried["hits"][0]["values"] == {"close": 12.0, "previous(close, 1)": 11.0}
    few = reader.post(f"{API}/rules/try", {**body, "bars": 3, "cooldown_s": 86_400 * 7}, format="json").json()
    assert (few["bars"], few["not_known"], len(few["hits"])) == (3, 0, 1)
    springs = reader.post(f"{API}/rules/try", {**body, "expression": "pattern('SPRING')"}, format="json").json()
    assert (springs["held"], len(springs["hits"])) == (4, 4)
    assert reader.post(f"{API}/rules/try", {**body, "symbol": "NONE"}, format="json").status_code == 404


def test_a_try_out_that_takes_too_long_stops_and_says_so(bars):
    seconds = iter(range(100))
    found = asking_rules.try_out(
        compiled("close > 1"),
        bars[0].symbol,
        "1d",
        bars=8,
        cooldown_s=0,
        now=timezone.now(),
        clock=lambda: next(seconds),
    )
    assert (found.stopped, found.bars) == (True, 1)


def test_why_a_rule_holds_for_a_bar(reader, made, bars):
    address = f"{API}/rules/{made['id']}/why"
    found = reader.get(address, {"symbol": "tsla", "bar": bars[2].pk}).json()
    assert (found["rule"], found["symbol"], found["bar"], found["held"]) == (made["id"], "TSLA", bars[2].pk, True)
    assert found["parts"] == [
        {"text": "close > sma(close, 3)", "held": True, "values": {"close": 12.0, "sma(close, 3)": 11.66666667}}
    ]
    assert reader.get(address, {"symbol": "TSLA", "bar": bars[0].pk}).json()["held"] is None
    assert reader.get(address, {"symbol": "TSLA"}).json()["bar"] == bars[-1].pk
    for query, status in (
        ({"symbol": "NONE"}, 404), ({}, 400), ({"symbol": "TSLA", "bar": "x"}, 400),
        ({"symbol": "TSLA", "bar": 10**30}, 400), ({"symbol": "TSLA", "bar": bars[-1].pk + 1}, 404),
    ):  # fmt: skip
        assert reader.get(address, query).status_code == status, query


def test_hits_are_listed_for_those_who_may_read_the_rule(reader, feeder, made):
    hit = hit_of(made["id"])
    other = hit_of(made["id"], 1, "AAPL")
    assert reader.get(f"{API}/hits").json()["results"][1] == {
        "id": hit.pk,
        "rule": made["id"],
        "symbol": "TSLA",
        "timeframe": "1d",
        "timestamp": "2024-01-01T00:00:00Z",
        "bar": hit.bar_id,
        "values": {"close": 11.0},
        "late": False,
        "created_at": "2024-05-31T14:30:00Z",
    }
    assert feeder.get(f"{API}/hits").json()["results"] == []
    reader.patch(f"{API}/rules/{made['id']}", {"shared": True}, format="json")
    assert len(feeder.get(f"{API}/hits").json()["results"]) == 2

    def found(**query):
        return [row["id"] for row in reader.get(f"{API}/hits", query).json()["results"]]

    assert found(symbol="tsla") == found(to="2024-01-02") == [hit.pk]
    assert found(**{"from": "2024-01-02"}) == [other.pk]
    assert found(rule=made["id"]) == [other.pk, hit.pk]
    assert reader.get(f"{API}/hits", {"rule": made["id"] + 1}).status_code == 404
    listed = WatchList.objects.create(owner=Rule.objects.get().owner, name="x", symbols=["T*"], created_at=T0)
    assert found(watchlist=listed.pk) == [hit.pk]


def test_signals_are_narrowed_to_bars_with_which_a_rule_hit(reader, made):
    hit = hit_of(made["id"])
    signal_on(hit.symbol, 1)
    rows = reader.get(f"{API}/signals", {"rule": made["id"]}).json()["results"]
    assert [row["bar"] for row in rows] == [hit.bar_id]
    assert reader.get(f"{API}/signals", {"rule": 10**6}).status_code == 404


def test_hits_of_a_deleted_rule_are_hidden_at_once_and_removed_soon(reader, made, settings):
    hit_of(made["id"])
    Hit.objects.update(created_at=timezone.now())
    reader.delete(f"{API}/rules/{made['id']}")
    assert reader.get(f"{API}/hits").json()["results"] == []
    now = timezone.now()
    assert "rules" not in retention.prune(now)
    assert retention.prune(now + timedelta(minutes=2))["rules"] == 2
    assert not Hit.objects.exists()
    assert not Rule.objects.exists()


def test_wrong_entries_of_a_list_are_named_by_their_places_in_sentences(reader):
    answer = reader.post(
        f"{API}/rules/check", {"expression": "close > 1", "timeframes": ["1d", "7m", "x"]}, format="json"
    )

    assert answer.status_code == 400
    assert answer.json() == {
        "timeframes": ['entry 2: "7m" is not a valid choice.', 'entry 3: "x" is not a valid choice.']
    }


def test_rules_name_shared_channels_and_operators_ones_all_of_them(reader, operator, made):
    private, shared = (
        channels.add(name=name, kind=ChannelKind.WEBHOOK, url="https://example.org/", by="olga", now=T0, shared=free)[
            0
        ].pk
        for name, free in (("her phone", False), ("desk", True))
    )
    address = f"{API}/rules/{made['id']}"

    refused = reader.patch(address, {"channels": [shared, private]}, format="json")
    assert (refused.status_code, refused.json()) == (
        400, {"channels": [f"{private} is not the id of a channel that your rules may name"]}
    )  # fmt: skip
    assert reader.post(f"{API}/rules", {**RULE, "name": "x", "channels": [private]}, format="json").status_code == 400
    assert reader.patch(address, {"channels": [shared]}, format="json").status_code == 200
    assert [one["name"] for one in reader.get(f"{API}/channels/usable").json()] == ["desk"]
    theirs = operator.post(f"{API}/rules", {**RULE, "channels": [private, shared]}, format="json")
    assert theirs.json()["channels"] == [private, shared]


def test_a_channel_that_is_no_longer_shared_stays_with_the_rules_that_name_it(reader, made):
    desk, _ = channels.add(
        name="desk", kind=ChannelKind.WEBHOOK, url="https://example.org/", by="olga", now=T0, shared=True
    )
    address = f"{API}/rules/{made['id']}"
    reader.patch(address, {"channels": [desk.pk]}, format="json")
    channels.change(desk, shared=False)

    assert reader.get(f"{API}/channels/usable").json() == [{"id": desk.pk, "name": "desk", "kind": "webhook"}]
    assert reader.patch(address, {"name": "Down", "channels": [desk.pk]}, format="json").status_code == 200
    assert reader.patch(address, {"channels": []}, format="json").status_code == 200
    assert reader.patch(address, {"channels": [desk.pk]}, format="json").status_code == 400


def test_the_default_set_makes_the_few_rules_of_it_once_and_leaves_what_the_user_has(reader, feeder):
    mine, *others = [one.name for one in DEFAULT_SET]
    own = reader.post(f"{API}/rules", {**RULE, "name": mine}, format="json").json()

    first = reader.post(f"{API}/rules/default-set")
    again = reader.post(f"{API}/rules/default-set")

    assert (first.status_code, [one["name"] for one in first.json()]) == (201, others)
    assert {(one["owner"], one["state"], tuple(one["channels"])) for one in first.json()} == {("rita", "on", ())}
    assert (again.status_code, again.json()) == (201, [])
    assert reader.get(f"{API}/rules/{own['id']}").json() == own
    assert Rule.objects.filter(owner__username="fred").count() == 0
    assert len(feeder.post(f"{API}/rules/default-set").json()) == len(DEFAULT_SET)


def test_the_default_set_that_would_be_too_many_makes_none(reader, monkeypatch):
    monkeypatch.setattr(rules, "MAX_RULES", 1)

    answer = reader.post(f"{API}/rules/default-set")

    assert (answer.status_code, Rule.objects.count()) == (409, 0)
