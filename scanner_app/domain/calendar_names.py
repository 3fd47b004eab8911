"""The calendar names of exchange_calendars, aliases included, and their time zones.

A test compares both with the package.
"""

from difflib import get_close_matches
from typing import Final

ALWAYS_OPEN: Final = "24/7"
"""The calendar of a market that never closes."""

_BY_PATTERN: Final[dict[str, str]] = {
    "24/7": "*/* *USDT *USDC *FDUSD *BUSD *-USD *-EUR *-GBP *-BTC *-ETH KRW-* *-PERP *-SWAP *-PERPETUAL "
    "BTC??? XBT??? ETH??? SOL??? XRP???",
    "24/5": "*=X EUR??? GBP??? AUD??? NZD??? USD??? CAD??? CHF??? XAU??? XAG???",
    "CMES": "*=F",
    "XTKS": "*.T *.JP",
    "XHKG": "*.HK",
    "XSHG": "*.SS *.SH *.SZ",
    "XKRX": "*.KS *.KQ",
    "XTAI": "*.TW *.TWO",
    "XSES": "*.SI",
    "XBOM": "*.NS *.BO",
    "XKLS": "*.KL",
    "XIDX": "*.JK",
    "XBKK": "*.BK",
    "XASX": "*.AX",
    "XNZE": "*.NZ",
    "XTAE": "*.TA",
    "XSAU": "*.SR",
    "XJSE": "*.JO",
    "XLON": "*.L *.UK",
    "XETR": "*.DE",
    "XPAR": "*.PA",
    "XAMS": "*.AS",
    "XBRU": "*.BR",
    "XLIS": "*.LS",
    "XMAD": "*.MC",
    "XMIL": "*.MI",
    "XSWX": "*.SW",
    "XWBO": "*.VI",
    "XSTO": "*.ST",
    "XOSL": "*.OL",
    "XCSE": "*.CO",
    "XHEL": "*.HE",
    "XICE": "*.IC",
    "XDUB": "*.IR",
    "XWAR": "*.WA",
    "XPRA": "*.PR",
    "XBUD": "*.BD",
    "ASEX": "*.AT",
    "XIST": "*.IS",
    "XMOS": "*.ME",
    "XTSE": "*.TO *.V",
    "BVMF": "*.SA",
    "XMEX": "*.MX",
    "XBUE": "*.BA",
    "XSGO": "*.SN",
    "XNYS": "*",
}
"""Tickers as Yahoo, Stooq, Reuters and exchanges for coins write them. NSE and Shenzhen have the holidays of their
neighbours, and no calendar of their own in the package."""

DEFAULT_PATTERNS: Final = ",".join(
    f"{pattern}={calendar}" for calendar, patterns in _BY_PATTERN.items() for pattern in patterns.split()
)
"""What SCANNER_CALENDARS is if it is not set: what fits nothing else is a New York share."""

_BY_ZONE: Final[dict[str, str]] = {
    "Africa/Johannesburg": "XJSE",
    "America/Argentina/Buenos_Aires": "XBUE",
    "America/Chicago": "CBOT CFE CME CMES COMEX NYMEX XCBF",
    "America/Lima": "XLIM",
    "America/Mexico_City": "XMEX",
    "America/New_York": "ARCX BATS ICE ICEUS IEPA NASDAQ NYFE NYSE OOTC XASE XBOG XNAS XNYS us_futures",
    "America/Santiago": "XSGO",
    "America/Sao_Paulo": "BMF BVMF",
    "America/Toronto": "TSX XTSE XTSX",
    "Asia/Almaty": "AIXK",
    "Asia/Bangkok": "XBKK",
    "Asia/Hong_Kong": "HKEX XHKG",
    "Asia/Jakarta": "JKT XIDX",
    "Asia/Karachi": "XKAR",
    "Asia/Kolkata": "BSE XBOM",
    "Asia/Kuala_Lumpur": "XKLS",
    "Asia/Manila": "XPHS",
    "Asia/Nicosia": "XCYS",
    "Asia/Riyadh": "XSAU",
    "Asia/Seoul": "XKRX",
    "Asia/Shanghai": "SSE XSHG",
    "Asia/Singapore": "XSES",
    "Asia/Taipei": "XTAI",
    "Asia/Tel_Aviv": "TASE XTAE",
    "Asia/Tokyo": "JPX XTKS",
    "Atlantic/Bermuda": "XBDA",
    "Atlantic/Reykjavik": "XICE",
    "Australia/Sydney": "ASX XASX",
    "Europe/Amsterdam": "XAMS",
    "Europe/Athens": "ASEX",
    "Europe/Belgrade": "XBEL",
    "Europe/Berlin": "FWB XEEE XETR XEUR XFRA XSTU",
    "Europe/Bratislava": "XBRA",
    "Europe/Brussels": "XBRU XDUS XHAM",
    "Europe/Bucharest": "BVB XBSE",
    "Europe/Budapest": "XBUD",
    "Europe/Copenhagen": "XCSE",
    "Europe/Dublin": "XDUB",
    "Europe/Helsinki": "XHEL",
    "Europe/Istanbul": "XIST",
    "Europe/Lisbon": "XLIS",
    "Europe/Ljubljana": "XLJU",
    "Europe/London": "LSE XLON",
    "Europe/Luxembourg": "LUXSE XLUX",
    "Europe/Madrid": "XMAD",
    "Europe/Moscow": "XMOS",
    "Europe/Oslo": "OSE XOSL",
    "Europe/Paris": "XPAR",
    "Europe/Prague": "XPRA",
    "Europe/Riga": "XRIS",
    "Europe/Rome": "XMIL",
    "Europe/Stockholm": "XSTO",
    "Europe/Tallinn": "XTAL",
    "Europe/Vienna": "XWBO",
    "Europe/Vilnius": "XLIT",
    "Europe/Warsaw": "XWAR",
    "Europe/Zagreb": "XZAG",
    "Europe/Zurich": "SIX XSWX",
    "Pacific/Auckland": "XNZE",
    "UTC": "24/5 24/7",
}

ZONES: Final[dict[str, str]] = {name: zone for zone, names in _BY_ZONE.items() for name in names.split()}
"""The exchange's time zone by the calendar's name. Here, since a calendar itself takes a second to load."""

NAMES: Final[frozenset[str]] = frozenset(ZONES)


def hint(name: str) -> str:
    """A suggestion for somebody who wrote an unknown calendar name."""
    if near := get_close_matches(name.upper(), sorted(NAMES), n=3):
        return f"did you mean {' or '.join(near)}?"
    return "names are those of exchange_calendars, such as XNYS, XLON, XTKS, 24/5 or 24/7"
