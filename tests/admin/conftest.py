"""Fixtures: an operator's browser, and what its pages say."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext


@pytest.fixture
def operator(db: None) -> User:
    """A member of the staff without any permission of their own."""
    return User.objects.create_user("olga", password="made up", is_staff=True)


@pytest.fixture
def browser(operator: User, client: Client) -> Client:
    client.force_login(operator)
    return client


def messages_of(answer: Any) -> list[tuple[str, str]]:
    """Level and text of each message that a page shows."""
    return [(message.level_tag, message.message) for message in answer.context["messages"]]


def sent_from(page: Any) -> dict[str, list[str]]:
    """What a browser sends from a page that asks first, when its button is pressed."""
    html = page.content.decode()
    form = html[html.index('class="confirm"') :].split("</form>")[0]
    values: dict[str, list[str]] = {}
    for field in re.findall(r"<input [^>]*>", form):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', field))
        if "name" in attributes and attributes.get("type") != "checkbox":
            values.setdefault(attributes["name"], []).append(unescape(attributes.get("value", "")))
    return values


@pytest.fixture
def queries_of(browser: Client) -> Any:
    """Open a page; returns the statements that it took."""

    def open_page(path: str) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(path).status_code == 200
        return [query["sql"] for query in captured.captured_queries]

    return open_page
