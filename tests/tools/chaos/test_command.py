"""The command, run as an operator would."""

import json
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.integration.stack import ROOT
from tests.servers import postgresql_url


def chaos(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", "chaos", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--minutes", "0"], "--minutes must be above 0"),
        (["--minutes", "nan"], "--minutes must be above 0"),
        (["--rate", "0"], "--rate must be a number above 0"),
        (["--database", "sqlite:///x"], "--database must begin with postgresql://"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_starts(arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("chaos", *arguments)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_two_minutes_of_chaos_balance(database):
    arguments = ["--database", postgresql_url()] if database == "postgresql" else []
    # Half the usual rate: a machine that runs other tests beside it has to work off what it missed in time.
    run = chaos("--minutes", "2", "--seed", "4", "--rate", "20", "--json", *arguments)

    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    figures = json.loads(run.stdout.splitlines()[-1])
    assert figures["good"]
    assert figures["processed"] + figures["quarantined"] >= figures["accepted"] > 1000
    assert all(figures["faults"].values())
    assert figures["longest_stall_s"] is not None
    assert run.stderr.startswith("seed 4")
