"""Tickers in the shapes that people use, and in the worst that are allowed. Not a test."""

ODD_TICKERS = (
    *("M&M", "C&D.NS", "ES1!", "NYMEX:CL1!", "@ES", "$SPX", "ES 03-24", "BRK B", "EUR/USD", "BTC/USDT:USDT", "^GSPC"),
    *("ES=F", "005930.KS", "WFC+", "VIX#", "^VIX*", "O:QQX240119C00150000", "NA", "TRUE", "NULL", "NAN", "X_Y~Z"),
    *("XAUUSD.", ".X", "#AAPL", "D'X", "A*B", "50%", "A#B", "X?Y", '"Q"', "<T>", "<IMG SRC=X ONERROR=ALERT(1)>"),
    *("[X]", "{0}", "%S", "%2F", "$&", "A;B", "A|B", "`A`", "--ALL", "A  B", "SYMBOL.X", "A/ /B", "*", "?"),
)
"""As they are stored: in upper case."""
