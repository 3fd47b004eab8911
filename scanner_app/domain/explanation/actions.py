"""The operators' acts that make sense in a symbol's present state, in words and as requests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from scanner_app.domain import wording

API = "/api/v1/scanner"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTexts:
    """One act in the three places where it is named."""

    briefly: str  # "You can …"
    sentence: str  # beside its button
    mail: str  # in brackets, after its name


ACTIONS = {
    "reset": ActionTexts(
        briefly="reset it now",
        sentence="Close the breaker, count failures and attempts from 0, and run the waiting bar now.",
        mail="try again now",
    ),
    "skip": ActionTexts(
        briefly="skip the bar",
        sentence="Set the waiting bar aside in quarantine; the next one runs.",
        mail="set the first waiting bar aside, the next one is the probe",
    ),
    "disable": ActionTexts(
        briefly="disable the symbol",
        sentence="Let its bars wait until it is enabled again; a bar that runs may finish.",
        mail="let its bars wait until it is enabled again",
    ),
    "enable": ActionTexts(
        briefly="enable it",
        sentence="Let its bars run again, the one that has waited longest first.",
        mail="let its bars run again",
    ),
    "replay": ActionTexts(
        briefly="replay the bars in quarantine",
        sentence="Run all its bars in quarantine once more, after those that wait.",
        mail="run the bars in quarantine once more",
    ),
    "discard": ActionTexts(
        briefly="discard them",
        sentence="Give all its bars in quarantine up.",
        mail="give the bars in quarantine up",
    ),
}
"""By name; each is also the last segment of its address."""

OF_QUARANTINE = frozenset({"replay", "discard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An act that makes sense now, and the request that does it."""

    name: str
    sentence: str
    path: str
    method: str = "POST"
    body: dict[str, str] = field(default_factory=dict)  # beside an optional reason


def action(name: str, ticker: str) -> Action:
    """The act of this name on this symbol."""
    sentence = ACTIONS[name].sentence
    if name in OF_QUARANTINE:
        return Action(name=name, sentence=sentence, path=f"{API}/quarantine/{name}", body={"symbol": ticker})
    return Action(name=name, sentence=sentence, path=f"{API}/symbols/{quote(ticker, safe='')}/{name}")


def you_can(names: Sequence[str]) -> str:
    """The acts in one sentence; empty without any."""
    return f"You can {wording.listed([ACTIONS[name].briefly for name in names], 'or')}." if names else ""


def in_a_mail(names: Sequence[str]) -> str:
    """The acts with their names, as they are given to the API and the command."""
    return wording.listed([f"{name} ({ACTIONS[name].mail})" for name in names], "or")
