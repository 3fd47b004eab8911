"""The actions that an operator can take on a symbol, in words and as API requests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from scanner_app.domain import wording

API = "/api/v1/scanner"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTexts:
    """The texts of one operator action, for the three places that show it."""

    briefly: str  # "You can …"
    sentence: str  # beside its button
    mail: str  # in brackets, after its name


ACTIONS = {
    "reset": ActionTexts(
        briefly="reset it now",
        sentence="Close the breaker, set failures and attempts to 0, and run the waiting bar now.",
        mail="try again now",
    ),
    "skip": ActionTexts(
        briefly="skip the bar",
        sentence="Send the waiting bar to quarantine; the next one runs.",
        mail="send the first waiting bar to quarantine, and make the next one the probe",
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
        sentence="Accept all its bars in quarantine again; they run after the bars that wait now.",
        mail="run the bars in quarantine again",
    ),
    "discard": ActionTexts(
        briefly="discard them",
        sentence="Give up all its bars in quarantine.",
        mail="give up the bars in quarantine",
    ),
}
"""By name; each is also the last segment of its address."""

OF_QUARANTINE = frozenset({"replay", "discard"})
"""Actions on all of the symbol's bars in quarantine: they have another address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action that makes sense now, with the API request that does it."""

    name: str
    sentence: str
    path: str
    method: str = "POST"
    body: dict[str, str] = field(default_factory=dict)  # beside an optional reason


def action(name: str, ticker: str) -> Action:
    """The action of this name on this symbol."""
    sentence = ACTIONS[name].sentence
    if name in OF_QUARANTINE:
        return Action(name=name, sentence=sentence, path=f"{API}/quarantine/{name}", body={"symbol": ticker})
    return Action(name=name, sentence=sentence, path=f"{API}/symbols/{quote(ticker, safe='')}/{name}")


def you_can(names: Sequence[str]) -> str:
    """The actions in one sentence; empty if there are none."""
    return f"You can {wording.listed([ACTIONS[name].briefly for name in names], 'or')}." if names else ""


def in_a_mail(names: Sequence[str]) -> str:
    """The actions with the names that the API and the command line use."""
    return wording.listed([f"{name} ({ACTIONS[name].mail})" for name in names], "or")
