"""Which proxies are believed, and who the client behind them is."""

import pytest

from scanner_app.domain.proxies import TrustedProxies, plain_address

TRUSTED = TrustedProxies.of("127.0.0.1, 10.0.0.0/8,fd00::/8")


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", False),
        ("10.9.8.7", True),
        ("fd00::7", True),
        ("::ffff:10.1.1.1", True),
        ("::1", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_an_address_is_trusted_by_itself_or_by_its_network(address, trusted):
    assert (address in TRUSTED) is trusted


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        pytest.param("127.0.0.1", "203.0.113.7", "203.0.113.7", id="one proxy"),
        pytest.param("127.0.0.1", "203.0.113.7, 10.0.0.3", "203.0.113.7", id="two proxies of ours"),
        pytest.param("127.0.0.1", "1.1.1.1, 203.0.113.7", "203.0.113.7", id="the client's own claim is not believed"),
        pytest.param("203.0.113.9", "1.1.1.1", "203.0.113.9", id="nor that of a stranger"),
        pytest.param("127.0.0.1", "", "127.0.0.1", id="a program on this machine"),
        pytest.param("127.0.0.1", "unknown, 10.0.0.3", "10.0.0.3", id="as far as anybody knows"),
        pytest.param("127.0.0.1", "203.0.113.7:4711", "203.0.113.7", id="with a port"),
        pytest.param("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1", id="IPv6 with a port"),
        pytest.param("127.0.0.1", "2001:db8::1", "2001:db8::1", id="IPv6"),
    ],
)
def test_the_client_is_the_last_address_that_is_not_ours(peer, said, client):
    assert TRUSTED.client(peer, said) == client


def test_nobody_is_trusted_by_an_empty_list():
    assert "127.0.0.1" not in TrustedProxies.of("")


def test_what_is_no_network_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'proxy\.example' is none"):
        TrustedProxies.of("127.0.0.1,proxy.example")


def test_what_is_no_address_is_empty():
    assert plain_address("<script>") == ""
