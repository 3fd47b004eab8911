"""A venue of our own on this machine that speaks Binance's dialect, for the demo and for tests.

It plays a script: the bars that there are, and what goes wrong when. So everybody can watch a feed recover from
holes, silence and dropped connections without internet, and a test knows what a feed must have stored at the end.

klines.py         a bar at the venue, and how Binance writes it
faults.py         what can go wrong, and when
script.py         the bars that there are, and what the stream and the history say of them at a time
weights.py        the limit of requests: weights, 429, 418
requests.py       REST: klines, exchangeInfo, time, ping
subscriptions.py  the messages that a client sends: SUBSCRIBE and its like
connections.py    one client's connection
server.py         the server, and its clock
names.py          the symbols of the demo
bundled_play.py   the script of the demo: the bundled series as if they came now
__main__.py       `python -m scanner_app.feeds.demo_venue`

Written from Binance's documentation of spot's web socket streams and REST API
(developers.binance.com/docs/binance-spot-api-docs, as stored in 2026, with `serverShutdown` and the ping each 20 s).
No Django, and nothing of the scanner but the bundled series: what a venue does must not depend on what reads it.
"""
