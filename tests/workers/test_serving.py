"""Since when a worker takes messages, as its pool's processes see it."""

import os
import time

from scanner_app.workers import serving


def test_a_process_of_no_worker_does_not_know(monkeypatch):
    monkeypatch.setattr(serving, "_shared", None)

    serving.begin()

    assert serving.since() is None


def test_a_child_forked_before_the_worker_begins_sees_when_it_did(monkeypatch):
    monkeypatch.setattr(serving, "_shared", None)
    serving.prepare()
    released, release = os.pipe()
    receiver, sender = os.pipe()
    child = os.fork()
    if not child:
        os.read(released, 1)
        os.write(sender, str(serving.since()).encode())
        os._exit(0)

    serving.begin()
    os.write(release, b"x")
    os.waitpid(child, 0)

    assert os.read(receiver, 100).decode() == str(serving.since())


def test_until_the_worker_has_begun_every_bar_has_waited_for_it(monkeypatch):
    monkeypatch.setattr(serving, "_shared", None)
    serving.prepare()
    before = time.time()

    since = serving.since()
    assert since is not None
    assert since.timestamp() >= before
