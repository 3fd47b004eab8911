"""Why a symbol is as it is, what happens next, and what can be done: in plain sentences.

facts.py       what the sentences are made from: values
sentences.py   facts in, sentences out: no database, no clock; the mails take theirs from here too
actions.py     the operators' acts that make sense, and how they are asked for
reader.py      the facts of a symbol, from the database and the broker
"""
