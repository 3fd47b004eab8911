"""Those who look at pages."""

import pytest
from django.contrib.auth.models import Permission, User


@pytest.fixture
def reader(client, db):
    """The browser of a user who may read."""
    client.force_login(User.objects.create_user("rita"))
    return client


@pytest.fixture
def operator(client, db):
    """The browser of a user who may operate symbols."""
    user = User.objects.create_user("olga")
    user.user_permissions.add(Permission.objects.get(codename="operate_symbol"))
    client.force_login(user)
    return client
