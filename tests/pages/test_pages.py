import pytest
from django.contrib.auth.models import User
from django.templatetags.static import static
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return User.objects.create_user("tom", password="made up")


def sign_in(client, **more):
    return client.post("/login/", {"username": "tom", "password": "made up", **more})


def test_the_home_page_asks_strangers_to_sign_in_and_leads_back(client):
    answer = client.get("/?a=1")

    assert (answer.status_code, answer.url) == (302, "/login/?next=/%3Fa%3D1")


def test_with_public_status_strangers_see_the_page_but_no_way_to_what_they_may_not_use(client, settings):
    settings.SCANNER_PUBLIC_STATUS = True

    answer = client.get("/")
    page = answer.content.decode()

    assert answer.status_code == 200
    assert "Sign in" in page
    assert "Sign out" not in page
    assert 'href="/admin/"' not in page
    assert 'href="/flower/"' not in page


def test_a_signed_in_user_sees_the_table_and_the_ways_on(client, user):
    client.force_login(user)

    page = client.get("/").content.decode()

    assert 'data-url="/api/v1/scanner/status"' in page
    assert 'href="/api/docs/"' in page
    assert 'href="/flower/"' in page
    assert "Sign out" in page
    assert 'href="/admin/"' not in page  # not on the staff


def test_staff_find_the_admin(client, admin_user):
    client.force_login(admin_user)

    assert 'href="/admin/"' in client.get("/").content.decode()


def test_no_cache_keeps_the_home_page(client, user):
    client.force_login(user)

    assert "no-store" in client.get("/")["Cache-Control"]


@pytest.mark.parametrize("address", ["/", "/login/"])
def test_a_page_uses_nothing_from_other_hosts(client, settings, address):
    settings.SCANNER_PUBLIC_STATUS = True

    page = client.get(address).content.decode()

    assert "//" not in page.replace("http://www.w3.org", "")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_home_page_is_for_reading(client, user, method):
    client.force_login(user)

    assert getattr(client, method)("/").status_code == 405


@pytest.mark.parametrize("address", ["/login/", "/login"])
def test_signing_in_leads_home(client, user, address):
    answer = client.post(address, {"username": "tom", "password": "made up"})

    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get("/").status_code == 200


def test_signing_in_leads_where_one_wanted_to_go(client, user):
    page = client.get("/login/?next=/admin/scanner_app/bar/").content.decode()
    assert '<input type="hidden" name="next" value="/admin/scanner_app/bar/">' in page

    assert sign_in(client, next="/admin/scanner_app/bar/").url == "/admin/scanner_app/bar/"


def test_signing_in_never_leads_to_another_host(client, user):
    assert sign_in(client, next="https://example.com/").url == "/"


def test_a_wrong_password_is_told_and_the_name_kept(client, user):
    answer = sign_in(client, password="wrong")
    page = answer.content.decode()

    assert answer.status_code == 200
    assert "Username or password is wrong" in page
    assert 'value="tom"' in page
    assert "_auth_user_id" not in client.session


def test_signing_in_needs_the_forms_token(user):
    assert sign_in(Client(enforce_csrf_checks=True)).status_code == 403


def test_signing_out_ends_the_session(client, user):
    client.force_login(user)

    answer = client.post("/logout/")

    assert (answer.status_code, answer.url) == (302, "/login/")
    assert client.get("/").status_code == 302


def test_a_link_can_not_sign_anybody_out(client, user):
    client.force_login(user)

    assert client.get("/logout/").status_code == 405
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("configured", "asked", "leads_to"),
    [
        ("http://127.0.0.1:5555", "localhost:8000", "http://127.0.0.1:5555"),
        ("http://flower.example:80", "localhost", "http://flower.example:80"),
        ("http://0.0.0.0:5555", "localhost:8000", "http://localhost:5555"),
        ("http://0.0.0.0:5555", "[::1]:8000", "http://[::1]:5555"),
        ("http://[::]:5555", "localhost", "http://localhost:5555"),
    ],
)
def test_the_way_to_flower_is_one_that_a_browser_can_go(client, settings, configured, asked, leads_to):
    settings.FLOWER_URL = configured
    settings.ALLOWED_HOSTS = ["localhost", "[::1]"]

    answer = client.get("/flower/", headers={"host": asked})

    assert (answer.status_code, answer.url) == (302, leads_to)


def test_the_icon_is_found_by_its_old_name_too(client):
    assert client.get("/favicon.ico").url == static("scanner_app/favicon.svg")


def test_the_admin_is_found_without_its_slash(client):
    assert client.get("/admin").url == "/admin/"
