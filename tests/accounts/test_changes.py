"""When users change: tokens end with their password, and the security log says who changed what."""

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User

from scanner_app.models import ApiToken
from tests.api.conftest import token_of


@pytest.fixture
def rita(db):
    user = User.objects.create_user("rita", password="opensesame")
    token_of(user)
    return user


def changed(user):
    user.set_password("another one")
    user.save()


def changed_and_saved_alone(user):
    user.set_password("another one")
    user.save(update_fields=["password"])


def taken_away(user):
    user.set_unusable_password()
    user.save()


def disabled(user):
    user.is_active = False
    user.save()


@pytest.mark.parametrize("happens", [changed, changed_and_saved_alone, taken_away, disabled])
def test_a_users_tokens_end_with_the_password_or_the_user(rita, happens):
    other = User.objects.create_user("other")
    token_of(other)

    happens(User.objects.get(pk=rita.pk))

    assert list(ApiToken.objects.values_list("user__username", flat=True)) == ["other"]


def test_a_hash_that_django_renews_at_a_sign_in_ends_no_token(rita, settings):
    User.objects.filter(pk=rita.pk).update(password=make_password("opensesame", hasher="md5"))
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]

    assert User.objects.get(pk=rita.pk).check_password("opensesame")

    assert User.objects.get(pk=rita.pk).password.startswith("pbkdf2")
    assert ApiToken.objects.exists()


def test_another_field_ends_no_token(rita):
    rita.email = "rita@example.org"
    rita.save()

    assert ApiToken.objects.exists()


def test_a_sign_in_of_the_page_costs_no_query_more_and_ends_no_token(rita, django_assert_num_queries):
    with django_assert_num_queries(1):
        rita.save(update_fields=["last_login"])

    assert ApiToken.objects.exists()


def test_what_changes_at_a_user_is_logged(rita, lines):
    rita.is_staff = True
    rita.set_password("another one")
    rita.save()

    of_user = next(line for line in lines if line["event"] == "user_changed")
    assert (of_user["user"], of_user["is_staff"], of_user["password"]) == ("rita", True, "changed")
    assert "another one" not in str(lines)
    assert [line["why"] for line in lines if line["event"] == "token_revoked"] == ["password changed"]


def test_rights_given_and_taken_are_logged_with_their_names(rita, lines):
    rita.groups.add(Group.objects.get(name="operator"))
    rita.groups.clear()
    rita.user_permissions.add(Permission.objects.get(codename="add_bar"))

    told = [(line["of"], line.get("granted"), line.get("taken")) for line in lines]
    assert told == [
        ("user rita", ["group operator"], None),
        ("user rita", None, ["all"]),
        ("user rita", ["permission scanner_app.add_bar"], None),
    ]


def test_who_did_it_and_from_where_is_in_each_line(rita, lines, admin_client):
    answer = admin_client.post(f"/admin/auth/user/{rita.pk}/delete/", {"post": "yes"}, REMOTE_ADDR="192.0.2.7")

    assert answer.status_code == 302
    line = next(line for line in lines if line["event"] == "user_deleted")
    assert (line["by"], line["address"], line["user"]) == ("admin", "192.0.2.7", "rita")


def test_a_command_is_logged_as_the_system(lines, db):
    User.objects.create_user("new", is_staff=True)

    line = next(line for line in lines if line["event"] == "user_made")
    assert (line["by"], line["address"], line["user"], line["is_staff"]) == ("system", "", "new", True)
