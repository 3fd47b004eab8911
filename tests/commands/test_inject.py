"""`manage.py inject`: what it says; what its faults do is in tests/integration."""

from io import StringIO

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fail", "1"], "TSLA: the next run fails\n"),
        (["--fail", "3"], "TSLA: the next 3 runs fail\n"),
        (["--crash", "1"], "TSLA: the next run kills its process\n"),
        (["--crash", "2"], "TSLA: the next 2 runs kill their process\n"),
    ],
)
def test_what_was_injected_is_said_in_the_singular_or_plural_that_it_has(settings, symbol, arguments, said):
    settings.SCANNER_FAULT_INJECTION = True
    out = StringIO()

    call_command("inject", "tsla", *arguments, stdout=out)

    assert out.getvalue() == said
