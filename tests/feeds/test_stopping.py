"""Signals stop a replay between two calls of ingest, and a second one at once."""

import os
import signal

import pytest

from scanner_app.feeds.stopping import Stopped, Stopper


def send(signum):
    os.kill(os.getpid(), signum)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_raises_at_once(signum):
    with pytest.raises(Stopped) as raised, Stopper():
        send(signum)

    assert raised.value.signum == signum


def test_within_whole_it_raises_at_the_end():
    done = []

    def work(stopper):
        with stopper.whole():
            send(signal.SIGTERM)
            done.append("all of it")
        done.append("more")

    with pytest.raises(Stopped), Stopper() as stopper:
        work(stopper)

    assert done == ["all of it"]


def test_the_second_signal_raises_within_whole_too():
    done = []

    def work():
        send(signal.SIGTERM)
        done.append("one")
        send(signal.SIGINT)
        done.append("two")

    with pytest.raises(Stopped), Stopper() as stopper, stopper.whole():
        work()

    assert done == ["one"]


def test_it_counts_as_ctrl_c_for_libraries():
    with pytest.raises(KeyboardInterrupt), Stopper():
        send(signal.SIGTERM)


def test_a_signal_that_the_shell_ignores_stays_ignored_and_the_others_are_given_back():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        terminate = signal.getsignal(signal.SIGTERM)
        with Stopper():
            send(signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) != terminate
        assert signal.getsignal(signal.SIGTERM) == terminate
    finally:
        signal.signal(signal.SIGHUP, before)
