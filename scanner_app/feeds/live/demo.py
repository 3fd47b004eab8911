"""The venue of `DEMO=live`: a program on this machine that speaks Binance's dialect (feeds/demo_venue)."""

from scanner_app.feeds.live.binance import Binance


class Demo(Binance):
    """The venue `demo`."""

    name = "demo"

    def __init__(self, port: int) -> None:
        super().__init__(ws_url=f"ws://127.0.0.1:{port}", rest_url=f"http://127.0.0.1:{port}")
