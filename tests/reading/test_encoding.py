"""JSON for large answers."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.utils.translation import gettext_lazy
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import DateTimeField

from scanner_app.api.renderers import QuickJSONRenderer
from scanner_app.domain.breaker import State
from scanner_app.reading.encoding import as_json

T0 = datetime(2024, 5, 31, 14, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pair:
    at: datetime
    state: State


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(State.HALF_OPEN, id="an enum"),
        pytest.param(gettext_lazy("Not found."), id="lazy words of an error"),
        pytest.param([None, True, 1, 1.5, 1e16, 5e-324, "é 🚀"], id="plain values"),
    ],
)
def test_a_value_is_written_as_rest_framework_writes_it(value):
    assert json.loads(as_json({"value": value})) == json.loads(JSONRenderer().render({"value": value}))


@pytest.mark.parametrize("microsecond", [0, 120_000])
def test_a_time_is_written_as_a_serializer_writes_it(microsecond):
    time = T0.replace(microsecond=microsecond)

    assert json.loads(as_json(time)) == DateTimeField().to_representation(time)


def test_a_dataclass_is_written_with_its_fields_and_not_a_number_as_null():
    pair = Pair(at=T0, state=State.OPEN)

    assert as_json([pair, float("nan")]) == b'[{"at":"2024-05-31T14:30:00Z","state":"open"},null]'


@pytest.mark.parametrize("value", [2**64, object(), {State.OPEN: 1}])
def test_a_value_that_can_not_be_written_is_refused(value):
    with pytest.raises(TypeError):
        as_json(value)


def test_an_answer_without_a_body_has_none():
    assert QuickJSONRenderer().render(None) == b""
