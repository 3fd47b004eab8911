import json

import pytest

from scanner_app.feeds.demo_venue.subscriptions import Subscriptions, TooMany, of_path


def obey(subscriptions, method, *parameters, number=1):
    return subscriptions.obey(json.dumps({"method": method, "params": list(parameters), "id": number}))


def test_streams_come_and_go():
    found = Subscriptions()

    assert obey(found, "SUBSCRIBE", "a@kline_1m", "b@kline_1m", number="x") == {"result": None, "id": "x"}
    assert obey(found, "UNSUBSCRIBE", "a@kline_1m") == {"result": None, "id": 1}
    assert obey(found, "LIST_SUBSCRIPTIONS") == {"result": ["b@kline_1m"], "id": 1}


def test_the_combined_form_can_be_changed():
    found = Subscriptions()

    assert obey(found, "GET_PROPERTY", "combined")["result"] is False
    assert obey(found, "SET_PROPERTY", "combined", True) == {"result": None, "id": 1}
    assert obey(found, "GET_PROPERTY", "combined")["result"] is True
    assert obey(found, "GET_PROPERTY", "nothing") == {"code": 0, "msg": "Unknown property", "id": 1}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 3),
        ("[]", 2),
        ("{}", 2),
        ('{"method": "JUMP", "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": "a", "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": [], "id": 1.5}', 2),
    ],
)
def test_bad_messages_are_answered(text, code):
    assert Subscriptions().obey(text)["code"] == code


def test_a_connection_has_so_many_streams():
    found = Subscriptions(most=2)
    obey(found, "SUBSCRIBE", "a", "b")

    with pytest.raises(TooMany, match="3 streams"):
        obey(found, "SUBSCRIBE", "c")


@pytest.mark.parametrize(
    ("path", "streams", "combined"),
    [
        ("/ws", set(), False),
        ("/ws/a@kline_1m", {"a@kline_1m"}, False),
        ("/stream?streams=a@kline_1m/b@kline_1m", {"a@kline_1m", "b@kline_1m"}, True),
        ("/stream", set(), True),
    ],
)
def test_paths(path, streams, combined):
    found = of_path(path)

    assert found is not None
    assert (found.streams, found.combined) == (streams, combined)


def test_other_paths_are_none():
    assert of_path("/") is None
    assert of_path("/stream/x") is None
