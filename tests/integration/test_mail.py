"""The required notice on its whole way: a bar by HTTP, three failed runs in a worker, a mail in a real mailbox."""

from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from tests.integration.stack import Stack, running_stack
from tests.integration.test_main_road import bars_of
from tests.notifications.conftest import MailServer
from tests.waiting import wait_until

ADMINS = ["chief@example.com", "ops@example.com"]


def of_the_breaker(mailbox: MailServer) -> list[Message]:
    """The mails about the failures. A busy machine may have the watch tell of other things too."""
    return [mail for mail in mailbox.mails if "TSLA processing failed 3 times" in str(mail["Subject"])]


@pytest.fixture(params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path: Path, mailbox: MailServer) -> Iterator[Stack]:
    with running_stack(
        tmp_path,
        request.param,
        SCANNER_FAULT_INJECTION="1",
        SCANNER_ADMINS=",".join(ADMINS),
        EMAIL_URL=f"smtp://127.0.0.1:{mailbox.port}",
    ) as running:
        yield running


def test_three_failures_of_a_bar_send_the_administrators_one_mail(stack, mailbox):
    stack.post_bars(bars_of("TSLA", 1) + bars_of("AAPL", 1))
    stack.wait_for_empty_backlog()
    stack.manage("inject", "TSLA", "--fail", "3")

    stack.post_bars(bars_of("TSLA", 2, first=1) + bars_of("AAPL", 2, first=1))

    wait_until(lambda: stack.symbol("TSLA")["circuit_state"] == "open", "the breaker opens", deadline_s=30)
    wait_until(lambda: of_the_breaker(mailbox), "a mail comes", deadline_s=30)
    (mail,) = of_the_breaker(mailbox)
    assert sorted(mail["X-Envelope-To"].split(",")) == ADMINS
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert "Failures in a row: 3" in text.decode()
    assert stack.symbol("TSLA")["consecutive_failures"] == 3
    assert stack.symbol("AAPL")["bars_processed"] == 3
    assert not any("AAPL" in str(one) for one in mailbox.mails)
