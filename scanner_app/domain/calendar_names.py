"""The calendar names of exchange_calendars, aliases included. A test compares this list with the package."""

from difflib import get_close_matches
from typing import Final

ALWAYS_OPEN: Final = "24/7"
"""The calendar of a market that never closes."""

NAMES: Final[frozenset[str]] = frozenset(
    """
    24/5 24/7 AIXK ARCX ASEX ASX BATS BMF BSE BVB BVMF CBOT CFE CME CMES COMEX FWB HKEX ICE ICEUS IEPA JKT JPX
    LSE LUXSE NASDAQ NYFE NYMEX NYSE OOTC OSE SIX SSE TASE TSX XAMS XASE XASX XBDA XBEL XBKK XBOG XBOM XBRA
    XBRU XBSE XBUD XBUE XCBF XCSE XCYS XDUB XDUS XEEE XETR XEUR XFRA XHAM XHEL XHKG XICE XIDX XIST XJSE XKAR
    XKLS XKRX XLIM XLIS XLIT XLJU XLON XLUX XMAD XMEX XMIL XMOS XNAS XNYS XNZE XOSL XPAR XPHS XPRA XRIS XSAU
    XSES XSGO XSHG XSTO XSTU XSWX XTAE XTAI XTAL XTKS XTSE XTSX XWAR XWBO XZAG us_futures
    """.split()  # noqa: SIM905 - a hundred words in quotes are hard to read
)


def hint(name: str) -> str:
    """A suggestion for somebody who wrote an unknown calendar name."""
    if near := get_close_matches(name.upper(), sorted(NAMES), n=3):
        return f"did you mean {' or '.join(near)}?"
    return "names are those of exchange_calendars, such as XNYS, XLON, XTKS, 24/5 or 24/7"
