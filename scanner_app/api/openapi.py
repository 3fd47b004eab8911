"""What every operation has in common in the OpenAPI schema: the errors that any request can cause.

Views describe what is their own. Written by hand at each of them, the common part would be forgotten at some.
"""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.permissions import AllowAny

from scanner_app.api.base import LARGEST_ID
from scanner_app.api.errors import DetailOut
from scanner_app.api.parsers import MAX_BYTES
from scanner_app.api.permissions import MayRead, MayReadStatus

FIELD_ERRORS = {
    "type": "object",
    "description": "what is wrong with each field",
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}

BODY_LIMIT = f"{MAX_BYTES:,} bytes"
"""Of all bodies but bars, whose view says its own."""


class Schema(AutoSchema):
    """Adds to each operation the answers that its views do not name: 400, 401, 403, 404, 406, 413, 415, 431 and 503."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """The operation, as drf-spectacular calls it for each route and method."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        queried = [one for one in operation.get("parameters", []) if one["in"] == "query"]
        for one in queried:
            if not one.get("required"):
                one["allowEmptyValue"] = True  # as HTML forms send fields that are not filled in; as if absent
        # In the path, or by the id of a watch list or a rule in the query.
        named = [one for one in operation.get("parameters", []) if one["in"] == "path" or _is_id(one["schema"])]
        found = self._errors(has_query=bool(queried), has_body="requestBody" in operation, names_one=bool(named))
        for code, why, schema in found:
            answer: dict[str, Any] = {"description": why}
            if schema:
                answer["content"] = {"application/json": {"schema": schema}}
            operation["responses"].setdefault(str(code), answer)
        operation["responses"] = dict(sorted(operation["responses"].items()))
        return operation

    def _errors(self, *, has_query: bool, has_body: bool, names_one: bool) -> list[tuple[int, str, dict[str, Any]]]:
        """Status code, reason and body of the errors that this operation can answer with."""
        detail = self.resolve_serializer(DetailOut, "response").ref
        found = [(406, "the answer is JSON, which `Accept` does not allow", detail)]
        found.append((503, "the database does not answer; try again after `Retry-After`", detail))
        if has_query or has_body:
            found.append((400, "a parameter or a field is wrong", self._any_error(detail)))
        if names_one:
            found.append((404, "there is no such thing, or it is not the user's", detail))
        if has_query:
            # The web server answers, not in JSON: scanner_project/web/connection.py.
            found.append((431, "the request's header, its address included, is too long", {}))
        if has_body:
            found.append((413, f"the body has more than {BODY_LIMIT}", detail))
            found.append((415, "the body's `Content-Type` or `Content-Encoding` is not supported", detail))
        required = [type(one) for one in self.view.get_permissions()]
        if AllowAny not in required:
            found.append(
                (401, "not signed in, or the token is not valid, or not sent as `Authorization: Token …`", detail)
            )
        if not {AllowAny, MayRead, MayReadStatus} & set(required):
            found.append((403, "the user may not do this", detail))
        elif AllowAny not in required and self.method != "GET":
            found.append((403, "the token's scope does not cover this, or the CSRF token is missing", detail))
        return found

    def _any_error(self, detail: dict[str, Any]) -> dict[str, Any]:
        """Either form of an error: about the request, or about its fields."""
        name = "ErrorOut"
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=name, type=ResolvedComponent.SCHEMA, object=name, schema={"anyOf": [detail, FIELD_ERRORS]}
        )
        self.registry.register_on_missing(component)
        reference: dict[str, Any] = component.ref
        return reference


def _is_id(schema: dict[str, Any]) -> bool:
    """Whether a parameter of this schema is the id of a row: see `filter_fields.ID`."""
    return bool(schema.get("maximum") == LARGEST_ID)
