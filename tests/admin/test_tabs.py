"""The tabs above the admin's lists."""

import pytest
from django.contrib import admin
from django.urls import reverse

pytestmark = pytest.mark.django_db


def test_each_list_of_the_scanner_has_a_tab(admin_client):
    page = admin_client.get(reverse("admin:scanner_app_symbol_changelist")).content.decode()

    lists = [model._meta.model_name for model in admin.site._registry if model._meta.app_label == "scanner_app"]
    assert [name for name in lists if f'<a href="{reverse(f"admin:scanner_app_{name}_changelist")}"' not in page] == []
