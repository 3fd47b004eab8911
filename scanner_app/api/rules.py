"""Rules: conditions of traders, checked, tried out and explained."""

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from scanner_app.api.base import ID_PATTERN, LARGEST_ID, ListViewSet
from scanner_app.api.errors import Conflict, DetailOut
from scanner_app.api.rule_bodies import CheckIn, RuleIn, TryIn
from scanner_app.api.rule_outputs import CheckOut, ReadyMadeOut, RuleOut, TriedOutOut, WhyOut, WordOut
from scanner_app.models import Bar, Rule
from scanner_app.reading import symbols
from scanner_app.signals import asking_rules, rules
from scanner_app.signals.names import NameTaken, TooMany
from scanner_app.trader_rules import compiled
from scanner_app.trader_rules.ready_made import READY_MADE
from scanner_app.trader_rules.words import WORDS

RULE = OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH, description="the rule's id, from the list")
OF_SYMBOL = OpenApiParameter(
    "symbol", {"type": "string", "minLength": 1}, description="ticker, in upper or lower case", required=True
)
OF_BAR = OpenApiParameter(
    "bar",
    {"type": "integer", "minimum": 0, "maximum": LARGEST_ID},
    description="a bar's id; without: the symbol's newest of the rule",
)

NOT_FOUND = OpenApiResponse(DetailOut, "no such rule, or another user's that is not shared")
TAKEN = OpenApiResponse(DetailOut, "you have a rule of this name, or as many as one may have")
NOT_YOURS = OpenApiResponse(DetailOut, "another user's rule")


@extend_schema_view(list=extend_schema(summary="Your rules and the shared ones, newest first"))
class RuleViewSet(ListViewSet):
    """Rules. Every signed-in user has rules of their own, which nobody else changes."""

    serializer_class = RuleOut
    queryset = Rule.objects.none()  # for the schema
    lookup_value_regex = ID_PATTERN
    lookup_url_kwarg = "id"

    def get_queryset(self) -> Any:
        """What the user may read."""
        return rules.readable(self.request.user)

    @extend_schema(summary="Make a rule", request=RuleIn, responses={201: RuleOut, 409: TAKEN})
    def create(self, request: Request) -> Response:
        """A rule of one's own. Its first answer about each series only says how things stand; changes are hits."""
        body = RuleIn(data=request.data, context={"request": request})
        body.is_valid(raise_exception=True)
        assert isinstance(request.user, User), "the permission lets in signed-in users only"  # noqa: S101
        try:
            row = rules.add(request.user, now=timezone.now(), **body.validated_data)
        except (NameTaken, TooMany) as exc:
            raise Conflict(str(exc)) from None
        return Response(RuleOut(self._readable(str(row.pk))).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="One rule", parameters=[RULE], responses={200: RuleOut, 404: NOT_FOUND})
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: ARG002, A002 - named after the address
        """With the newest failures, if it failed."""
        return Response(RuleOut(self._readable(id)).data)

    @extend_schema(
        summary="Change a rule",
        parameters=[RULE],
        request=RuleIn,
        responses={200: RuleOut, 403: NOT_YOURS, 404: NOT_FOUND, 409: TAKEN},
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """What is not given stays. Another expression, watch list or timeframe, and switching on, begin anew."""
        row = self._own(id)
        body = RuleIn(data=request.data, partial=True, context={"request": request, "rule": row})
        body.is_valid(raise_exception=True)
        try:
            rules.change(row, now=timezone.now(), by=request.user.get_username(), **body.validated_data)
        except NameTaken as exc:
            raise Conflict(str(exc)) from None
        return Response(RuleOut(self._readable(id)).data)

    @extend_schema(summary="Delete a rule", parameters=[RULE], responses={204: None, 403: NOT_YOURS, 404: NOT_FOUND})
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """It is off at once; its hits are removed soon after."""
        rules.delete(self._own(id), now=timezone.now(), by=request.user.get_username())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Check an expression", request=CheckIn, responses={200: CheckOut})
    @action(detail=False, methods=["post"])
    def check(self, request: Request) -> Response:
        """Nothing is stored. What is wrong is said with its place, as when a rule is saved."""
        body = CheckIn(data=request.data)
        body.is_valid(raise_exception=True)
        expression = compiled(body.validated_data["expression"])
        needed = max(expression.bars_needed(timeframe) for timeframe in body.validated_data["timeframes"])
        others = [{"timeframe": timeframe, "bars_needed": bars} for timeframe, bars in expression.needs.others]
        answer = {"ok": True, "bars_needed": needed, "others": others, "text": expression.condition.text}
        return Response(CheckOut(answer).data)

    @extend_schema(
        summary="Try an expression on stored bars",
        request=TryIn,
        responses={200: TriedOutOut, 404: OpenApiResponse(DetailOut, "no such symbol")},
    )
    @action(detail=False, methods=["post"], url_path="try")
    def try_out(self, request: Request) -> Response:
        """With which of the newest bars of a series it would have hit. Nothing is stored."""
        body = TryIn(data=request.data)
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        symbol = _symbol(values.pop("symbol"))
        found = asking_rules.try_out(compiled(values.pop("expression")), symbol, now=timezone.now(), **values)
        return Response(TriedOutOut(found).data)

    @extend_schema(summary="The words that an expression may use", responses={200: WordOut(many=True)})
    @action(detail=False, methods=["get"], pagination_class=None)
    def words(self, request: Request) -> Response:  # noqa: ARG002 - the view's signature
        """In the order of the documents, each with an example."""
        return Response(WordOut(list(WORDS.values()), many=True).data)

    @extend_schema(summary="Ready-made rules to copy", responses={200: ReadyMadeOut(many=True)})
    @action(detail=False, methods=["get"], url_path="ready-made", pagination_class=None)
    def ready_made(self, request: Request) -> Response:  # noqa: ARG002 - the view's signature
        """Make a rule of one by sending its name, expression and timeframes to `POST rules`."""
        return Response(ReadyMadeOut(list(READY_MADE), many=True).data)

    @extend_schema(
        summary="Make the rules of the default set", request=None, responses={201: RuleOut(many=True), 409: TAKEN}
    )
    @action(detail=False, methods=["post"], url_path="default-set", pagination_class=None)
    def default_set(self, request: Request) -> Response:
        """Those of the ready-made ones that hit seldom. Answers with the rules that were made.

        One whose name you use already is left out, so that a second time makes none.
        """
        assert isinstance(request.user, User), "the permission lets in signed-in users only"  # noqa: S101
        try:
            made = rules.add_default_set(request.user, now=timezone.now())
        except (NameTaken, TooMany) as exc:
            raise Conflict(str(exc)) from None
        rows = self.get_queryset().filter(pk__in=[one.pk for one in made]).order_by("pk")
        return Response(RuleOut(rows, many=True).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Why a rule holds for a bar, or does not",
        parameters=[RULE, OF_SYMBOL, OF_BAR],
        responses={200: WhyOut, 404: OpenApiResponse(DetailOut, "no such rule, symbol or bar")},
    )
    @action(detail=True, methods=["get"])
    def why(self, request: Request, id: str) -> Response:  # noqa: A002 - named after the address
        """Each part of the condition with its value and whether it held; null: not known."""
        rule = self._readable(id)
        symbol = _symbol(request.query_params.get("symbol", ""))
        if problem := rules.problem_of(rule, listed=True):
            raise NotFound(f"Rule {id} can't be asked: {problem}")
        bar = _bar(rule, symbol.pk, request.query_params.get("bar"))
        expression = compiled(rule.expression)
        found = asking_rules.why(expression, bar, now=timezone.now())
        about = {"rule": rule.pk, "symbol": symbol.ticker, "timeframe": bar.timeframe, "timestamp": bar.timestamp}
        answer = {**about, "bar": bar.pk, "expression": rule.expression, "held": found.held, "parts": found.parts}
        return Response(WhyOut(answer).data)

    def _readable(self, wanted: str) -> Rule:
        row: Rule = self.row_of(wanted, "Rule")
        return row

    def _own(self, wanted: str) -> Rule:
        row = self._readable(wanted)
        if row.owner_id != self.request.user.pk:
            raise PermissionDenied(f"This rule is {row.owner}'s. Make one of your own with its expression.")
        return row


def _symbol(ticker: str) -> Any:
    if not ticker:
        raise ValidationError({"symbol": ["This parameter is required."]})
    try:
        return symbols.get(ticker)
    except symbols.SymbolNotFound as exc:
        raise NotFound(str(exc)) from None


def _bar(rule: Rule, symbol_id: int, wanted: str | None) -> Bar:
    """The bar, or the symbol's newest processed one that the rule looks at. Raises NotFound."""
    bars = Bar.objects.filter(symbol_id=symbol_id).select_related("symbol")
    if not wanted:
        row = bars.filter(timeframe__in=rule.timeframes, status="processed").order_by("-timestamp").first()
        if row is None:
            raise NotFound("The symbol has no processed bar of the rule's timeframes")
        return row
    try:
        pk = serializers.IntegerField(min_value=0, max_value=LARGEST_ID).run_validation(wanted)
    except serializers.ValidationError as exc:
        raise ValidationError({"bar": exc.detail}) from None
    row = bars.filter(pk=pk).first()
    if row is None:
        raise NotFound(f"The symbol has no bar {wanted}")
    return row
