"""Bars that other programs send to a secret address, each in its own form.

mapping.py      which key of a message is which field of a bar
tradingview.py  what TradingView sends, and the text to paste there
renaming.py     what its messages call our symbols
store.py        make, find and remove hooks; what is noted of them
taking.py       from a message to ingest
"""
