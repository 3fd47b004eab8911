"""What becomes of signals: who looks at which symbols together, who is told of what, and what signals were worth.

- `watchlists`: watch lists of users, and the symbols that they name
- `rules`: traders' rules: make, change, delete
- `asking_rules`: why a rule hit or did not, and how often it would have
- `worth`: the price after signals, beside the same series without them
- `names`: a name is one row's alone, in one place for rules, watch lists and channels
- `wording`: what is said of signals, in words
- `outcomes`: work that out for the stored signals and hits, and keep it
- `history`: the same over series in memory, with what the detectors and rules see in them
- `channels`: make, change and remove the channels by which hits are told
- `deliveries`: which hits are to be told by which channel, as rows
- `telling`: send what is due, with retries
- `bundles`: which hits are told singly, and which together. Pure
- `hit_texts`: what a message says. Pure
- `hit_messages`: one message, from the database to the receiver
- `pictures`: the chart in a message
- `rules_of_hits`: how many symbols a rule looks at, and hit it at once
- `numbering`: the numbers of the stream

May import: engine and the rooms below.
"""
