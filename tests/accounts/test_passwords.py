"""Guessing passwords: the same limits at each of the three doors, and nobody is locked out for ever."""

import threading
from types import SimpleNamespace

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.test import Client

from scanner_app.accounts import guesses, hashing
from scanner_app.domain.errors import TooManyGuesses
from scanner_app.models import KnownAddress

RIGHT = "opensesame"
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.9"


def by_page(password, address=ELSEWHERE, user="rita"):
    return Client().post("/login/", {"username": user, "password": password}, REMOTE_ADDR=address)


def by_admin(password, address=ELSEWHERE, user="rita"):
    return Client().post("/admin/login/", {"username": user, "password": password}, REMOTE_ADDR=address)


def by_token(password, address=ELSEWHERE, user="rita"):
    body = {"username": user, "password": password}
    return Client().post("/api/v1/auth/token", body, content_type="application/json", REMOTE_ADDR=address)


DOORS = [by_page, by_admin, by_token]
each_door = pytest.mark.parametrize("door", DOORS)


def let_in(answer):
    """Whether the door opened: a page leads on, the API answers a token."""
    return answer.status_code == 302 or "token" in (answer.json() if "json" in answer.headers["Content-Type"] else {})


@pytest.fixture(autouse=True)
def rita(db):
    return User.objects.create_user("rita", password=RIGHT, is_staff=True)


@pytest.fixture
def hashed(monkeypatch):
    """The passwords that were hashed."""
    taken = []
    encode = MD5PasswordHasher.encode

    def remembering(self, password, salt):
        taken.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", remembering)
    return taken


@pytest.fixture
def clock(monkeypatch):
    """The time by which the guesses are counted; it stands still."""
    made = SimpleNamespace(now=1_000_000.0)
    frozen = SimpleNamespace(time=lambda: made.now)
    monkeypatch.setattr("limits.storage.memory.time", frozen)
    monkeypatch.setattr("scanner_app.accounts.guesses.time", frozen)
    guesses.forget()
    return made


def guess(door=by_token, times=guesses.OF_USER.amount, **more):
    for number in range(times):
        assert not let_in(door(f"wrong {number}", **more))


@each_door
def test_after_too_many_wrong_passwords_even_the_right_one_waits_and_is_not_hashed(door, hashed, clock):
    guess(door)
    hashed.clear()

    answer = door(RIGHT)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == str(guesses.WINDOW_S)
    assert hashed == []


@each_door
def test_one_guess_less_and_the_right_one_opens(door):
    guess(door, guesses.OF_USER.amount - 1)

    assert let_in(door(RIGHT))


def test_the_doors_count_together(clock):
    for number in range(guesses.OF_USER.amount):
        DOORS[number % 3](f"wrong {number}")

    assert [door(RIGHT).status_code for door in DOORS] == [429] * 3


def test_a_lock_ends_by_itself_and_what_is_sent_meanwhile_does_not_prolong_it(clock):
    guess()
    clock.now += guesses.WINDOW_S - 1
    assert by_token("wrong").status_code == 429

    clock.now += 1.5

    assert let_in(by_token(RIGHT))


def test_guesses_from_elsewhere_do_not_lock_a_user_out_where_they_have_signed_in_before():
    assert let_in(by_page(RIGHT, HOME))
    for number in range(3 * guesses.OF_USER.amount):
        by_token("wrong", address=f"198.51.100.{number}")

    assert by_token(RIGHT, "203.0.113.1").status_code == 429  # an address that is not known
    assert let_in(by_page(RIGHT, HOME))


def test_wrong_passwords_at_a_known_address_count_there_alone():
    assert let_in(by_page(RIGHT, HOME))
    guess(address=HOME)

    assert by_token(RIGHT, HOME).status_code == 429
    assert let_in(by_token(RIGHT, ELSEWHERE))


def test_an_address_that_tries_many_names_waits_for_all_of_them():
    for number in range(guesses.OF_ADDRESS.amount):
        assert by_token("wrong", user=f"user{number}").status_code == 400

    assert by_token(RIGHT).status_code == 429
    assert let_in(by_token(RIGHT, HOME))


def test_all_addresses_of_an_ipv6_network_count_as_one():
    for number in range(guesses.OF_ADDRESS.amount):
        assert by_token("wrong", f"2001:db8:0:7::{number:x}", user=f"user{number}").status_code == 400

    assert by_token(RIGHT, "2001:db8:0:7:ffff::1").status_code == 429
    assert let_in(by_token(RIGHT, "2001:db8:0:8::1"))


def test_each_ipv4_address_counts_apart_also_when_it_is_written_as_ipv6():
    for number in range(guesses.OF_ADDRESS.amount):
        by_token("wrong", "::ffff:192.0.2.9", user=f"user{number}")

    assert let_in(by_token(RIGHT, "::ffff:192.0.2.10"))


@each_door
def test_an_address_that_must_wait_is_refused_before_anything_that_costs_time(door, django_assert_num_queries):
    for number in range(guesses.OF_ADDRESS.amount):
        by_token("wrong", user=f"user{number}")

    with django_assert_num_queries(0):
        answer = door(RIGHT)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) <= guesses.WINDOW_S


def test_the_right_password_forgets_the_wrong_ones_of_the_user():
    guess(times=guesses.OF_USER.amount - 1, address=HOME)
    assert let_in(by_token(RIGHT, HOME))
    guess(times=guesses.OF_USER.amount - 1, address=HOME)

    assert let_in(by_token(RIGHT, HOME))


def test_an_account_of_ones_own_does_not_forget_the_guesses_of_an_address():
    User.objects.create_user("mallory", password=RIGHT)
    for number in range(guesses.OF_ADDRESS.amount):
        by_token("wrong", user=f"user{number}")
        if number % 5 == 0:
            by_token(RIGHT, user="mallory")

    assert by_token(RIGHT).status_code == 429


def test_the_page_says_when_to_try_again(clock):
    guess(by_page)

    page = by_page(RIGHT).content.decode()

    assert "Try again in 5 minutes" in page
    assert by_token(RIGHT).json() == {"detail": "Too many attempts to sign in. Try again in 300 s."}


@each_door
@pytest.mark.parametrize("user", ["r" * 10_000, "rita\0", "\N{GRINNING FACE}"])
def test_odd_names_are_wrong_names(door, user):
    assert door("wrong", user=user).status_code in {200, 400}


def test_few_addresses_of_a_user_are_kept_the_last_ones(rita):
    for number in range(25):
        assert let_in(by_token(RIGHT, f"198.51.100.{number}"))

    kept = KnownAddress.objects.filter(user=rita).order_by("id").values_list("address", flat=True)
    assert list(kept) == [f"198.51.100.{number}" for number in range(5, 25)]


def test_sign_ins_refusals_and_locks_are_in_the_security_log(lines):
    by_page(RIGHT, HOME)
    guess()

    told = [(line["event"], line.get("user"), line["address"]) for line in lines]
    assert told[0] == ("signed_in", "rita", HOME)
    assert told[1] == ("sign_in_refused", "rita", ELSEWHERE)
    assert told[-1] == ("locked_out", "rita", ELSEWHERE)
    assert len(told) == 1 + guesses.OF_USER.amount + 1
    assert "wrong 1" not in str(lines)


# Turns


def test_a_few_wait_for_their_turn_and_more_are_refused_at_once():
    turns = hashing.Turns()
    running, let_go = threading.Event(), threading.Event()
    most, now, lock = [0], [0], threading.Lock()

    def hash_slowly():
        with turns.take():
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            running.set()
            let_go.wait(10)
            with lock:
                now[0] -= 1

    first = threading.Thread(target=hash_slowly)
    first.start()
    assert running.wait(10)
    for _ in range(hashing.WAITING):
        assert turns._places.acquire(blocking=False)  # those that wait

    with pytest.raises(TooManyGuesses), turns.take():
        pass

    for _ in range(hashing.WAITING):
        turns._places.release()
    others = [threading.Thread(target=hash_slowly) for _ in range(3)]
    for other in others:
        other.start()
    let_go.set()
    for thread in (first, *others):
        thread.join(10)
    assert most == [1]


def test_whoever_waits_too_long_is_refused_and_leaves_the_place(monkeypatch):
    monkeypatch.setattr(hashing, "WAIT_S", 0.01)
    turns = hashing.Turns()

    with turns.take():
        with pytest.raises(TooManyGuesses), turns.take():
            pass
        assert turns._places._value == hashing.WAITING

    with turns.take():
        pass


def test_a_sign_in_beside_too_many_others_is_a_429(monkeypatch, hashed):
    monkeypatch.setattr(hashing, "WAIT_S", 0.01)

    with hashing.OF_STRANGERS.take():
        answer = by_token(RIGHT)

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(hashing.RETRY_AFTER_S))
    assert hashed == []


def test_strangers_who_guess_do_not_keep_a_known_user_waiting(monkeypatch):
    assert let_in(by_token(RIGHT, HOME))
    monkeypatch.setattr(hashing, "WAIT_S", 0.01)

    with hashing.OF_STRANGERS.take():
        assert let_in(by_token(RIGHT, HOME))
