"""Why a symbol is as it is, what comes next and what can be done, in plain sentences.

`reading/explanation.py` gathers the situation from database and broker; API, admin, pages and mails show the text.
"""
