"""Whatever the admin is asked with, it is no error 500: numbers of 5,000 digits, false keys, odd dates."""

import pytest
from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.auth.models import Group, User
from django.test import Client

from scanner_app.models import Symbol
from tests.conftest import accept_days, fail_head

LONG = "9" * 5_000
KEYS = [LONG, "9" * 19, "-1", "x", "٣", "%00"]
VALUES = [LONG, "9" * 19, "x", "\0", "2024-13-45"]

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def root(db):
    accept_days("TSLA", 2)
    fail_head(Symbol.objects.get(ticker="TSLA"), 1)
    User.objects.create_user("rita")
    Group.objects.get_or_create(name="reader")
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))
    return client


def base(model):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)


@each_model
def test_a_false_key_is_no_error(root, model):
    bad = {
        (key[:20], page, answer.status_code)
        for key in KEYS
        for page in ("change/", "history/", "delete/", "password/", "")
        if (answer := root.get(f"{base(model)}{key}/{page}")).status_code >= 500
    }

    assert not bad


def parameters(model):
    """Names that the list may be asked with: its filters', Django's own, fields and look-ups."""
    made = admin.site._registry[model]
    names = {"p", "q", "o", "e", "all", "_facets", "_popup", "_to_field", "pk", "id", "id__exact", "id__in", "id__gt"}
    for entry in made.list_filter:
        names.add(getattr(entry, "parameter_name", None) or (entry if isinstance(entry, str) else "x"))
    for field in model._meta.concrete_fields:
        names |= {f"{field.name}__exact", f"{field.name}__gte"}
    if made.date_hierarchy:
        names |= {f"{made.date_hierarchy}__{part}" for part in ("year", "month", "day")}
    return sorted(names)


@pytest.mark.slow  # two thousand pages
@each_model
def test_a_false_filter_is_no_error(root, model):
    bad = {
        (name, value[:20], answer.status_code)
        for name in parameters(model)
        for value in (LONG, "9" * 19)
        if (answer := root.get(base(model), {name: value})).status_code >= 500
    }

    assert not bad


@each_model
def test_a_false_choice_of_rows_is_no_error(root, model):
    made = admin.site._registry[model]
    actions = ["delete_selected", "nothing", *[one for one in made.actions or [] if isinstance(one, str)]]
    bad = {
        (action, value[:20], answer.status_code)
        for action in actions
        for value in VALUES
        for extra in ({}, {"post": "yes"})
        if (
            answer := root.post(
                base(model), {"action": action, helpers.ACTION_CHECKBOX_NAME: value, "index": value[:10], **extra}
            )
        ).status_code
        >= 500
    }

    assert not bad


@pytest.mark.parametrize("page", ["/admin/auth/user/add/", "/admin/auth/user/{}/change/", "/admin/auth/group/add/"])
def test_a_false_field_is_no_error(root, page):
    address = page.format(User.objects.get(username="rita").pk)
    names = ["username", "password1", "groups", "user_permissions", "last_login_0", "last_login_1"]
    names += ["date_joined_0", "date_joined_1", "is_active", "name", "permissions", "usable_password", "_popup"]
    bad = {
        (name, value[:20], answer.status_code)
        for name in names
        for value in VALUES
        if (answer := root.post(address, {"username": "tom", name: value})).status_code >= 500
    }

    assert not bad


@pytest.mark.parametrize(
    "address",
    [
        "/admin/jsi18n/",
        "/admin/autocomplete/",
        "/admin/r/{}/{}/",
        "/admin/login/?next={}",
        "/admin/{}/",
        "/admin/auth/{}/",
    ],
)
def test_other_pages_of_the_admin(root, address):
    bad = {
        (key[:20], answer.status_code)
        for key in KEYS
        if (answer := root.get(address.format(*[key] * address.count("{}")))).status_code >= 500
    }

    assert not bad
