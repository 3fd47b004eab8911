"""Why a symbol is in its state, what happens next and what an operator can do, in plain sentences.

`reading/explanation.py` gathers the situation from database and broker; API, admin, pages and mails show the text.
"""
