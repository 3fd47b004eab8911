"""How many symbols a rule looks at, and how many hit it at the same time."""

from scanner_app.models import Hit, Rule, Symbol, WatchList
from scanner_app.signals.watchlists import symbols_of


def watched(rule: Rule | None) -> int:
    """How many symbols the rule looks at now; 0 if its watch list was deleted."""
    if rule is None or rule.watchlist_id is None:
        return Symbol.objects.filter(enabled=True, deleted_at=None).count()
    watch_list = WatchList.objects.filter(pk=rule.watchlist_id).first()
    return 0 if watch_list is None else symbols_of(watch_list).filter(enabled=True).count()


def symbols_that_hit(hit: Hit) -> int:
    """How many symbols have hit the same rule so far with a bar of the same timeframe and time, this one too."""
    same = Hit.objects.filter(rule_id=hit.rule_id, timeframe=hit.timeframe, timestamp=hit.timestamp)
    return same.values("symbol").distinct().count()
