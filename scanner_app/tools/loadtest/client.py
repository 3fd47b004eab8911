"""The load test's HTTP requests to a scanner, and how long they are retried.

LoadTestError
├── Unreachable   no answer, or only answers with 5xx, for longer than the client's patience
└── Refused       the scanner refuses the request: another try would get the same answer
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self
from urllib.parse import quote

import httpx

PAUSES_S = (0.1, 0.2, 0.5, 1.0)
"""Pauses before the second try, the third, …; the last one repeats. They are short, since bars wait in the meantime."""

PATIENCE_S = 30.0
"""Seconds from the first try of a request until it is given up. A web server that restarts is back within seconds."""

TIMEOUT_S = 15.0
"""Seconds that one try may take."""

PAGE = 1_000
"""Rows of a page: the API's largest."""


class LoadTestError(Exception):
    """Base class of the errors that end a load test before its verdict."""


class Unreachable(LoadTestError):
    """No answer, or only answers with 5xx."""


class Refused(LoadTestError):
    """The scanner refuses the request."""


class Client:
    """One scanner, one connection: requests go out one after the other, so bars arrive in order."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        trust_env: bool = True,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """`url` is the scanner's root. `trust_env`: whether a proxy named in the environment is used."""
        self.url = url.rstrip("/")
        self.retries = 0
        self._clock = clock
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1/scanner/",
            headers={"Authorization": f"Token {token}"},
            timeout=TIMEOUT_S,
            trust_env=trust_env,
            transport=transport,
            # the web server closes a connection that was idle for five seconds
            limits=httpx.Limits(keepalive_expiry=1.0),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._http.close()

    def post_bars(self, bars: Sequence[dict[str, object]]) -> dict[str, Any]:
        """Send bars. Returns what the answer reports of each, also if none was accepted."""
        answer = self._request("POST", "bars", json=bars)
        report = _json(answer)
        if answer.status_code in {202, 400, 429} and isinstance(report, dict) and "rejected" in report:
            return report
        raise self._refusal(answer)

    def status(self, *, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The whole status."""
        answer: dict[str, Any] = self._get("status", patience_s=patience_s)
        return answer

    def bars(self, ticker: str) -> Iterator[dict[str, Any]]:
        """All bars of a symbol, newest first."""
        params: httpx.QueryParams | None = httpx.QueryParams(symbol=ticker, page_size=PAGE)
        while params is not None:
            page = self._get("bars", params=params)
            yield from page["results"]
            # Only the query of the address is used: behind a proxy the server may not know its own address.
            params = httpx.URL(page["next"]).params if page["next"] else None

    def act(self, ticker: str, action: str) -> None:
        """Do an operator's action on a symbol: reset, skip, enable or disable."""
        answer = self._request("POST", f"symbols/{quote(ticker, safe='')}/{action}")
        if answer.status_code != httpx.codes.OK:
            raise self._refusal(answer)

    def _get(self, path: str, **options: Any) -> Any:
        answer = self._request("GET", path, **options)
        if answer.status_code != httpx.codes.OK or (page := _json(answer)) is None:
            raise self._refusal(answer)
        return page

    def _request(self, method: str, path: str, *, patience_s: float = PATIENCE_S, **options: Any) -> httpx.Response:
        """The answer, after as many tries as needed. Raises Unreachable after `patience_s`."""
        give_up_at = self._clock() + patience_s
        tries = 0
        while True:
            try:
                answer = self._http.request(method, path, **options)
            except httpx.TransportError as exc:
                trouble = str(exc) or type(exc).__name__
            else:
                if not answer.is_server_error:
                    return answer
                trouble = f"{answer.status_code} {answer.reason_phrase}"
            pause_s = PAUSES_S[min(tries, len(PAUSES_S) - 1)]
            if self._clock() + pause_s > give_up_at:
                raise Unreachable(f"{method} {self._http.base_url.join(path)} got no usable answer: {trouble}")
            self._sleep(pause_s)
            tries += 1
            self.retries += 1

    def _refusal(self, answer: httpx.Response) -> Refused:
        """The error for an answer that another try would get again."""
        what = f"{answer.request.method} {answer.request.url.copy_with(query=None)} answered {answer.status_code}"
        body = _json(answer)
        detail = str(body.get("detail", "")).rstrip(".") if isinstance(body, dict) else ""
        hint = ""
        match answer.status_code:
            case httpx.codes.UNAUTHORIZED:
                hint = "is this scanner's token right? POST /api/v1/auth/token gives one"
            case httpx.codes.FORBIDDEN:
                hint = "the token's user needs the permission scanner_app.add_bar to send bars; staff have it"
            case httpx.codes.BAD_REQUEST if not detail:
                hint = "is the host of the URL in ALLOWED_HOSTS?"
            case httpx.codes.NOT_FOUND:
                hint = "is a scanner at this URL? It is the one without /api/"
        return Refused("; ".join(part for part in (f"{what}: {detail}" if detail else what, hint) if part))


def _json(answer: httpx.Response) -> Any:
    """The body; None if it is not JSON."""
    try:
        return answer.json()
    except ValueError:
        return None
