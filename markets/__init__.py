"""The edge to the market: instruments, sessions, bars, price files, feeds, orders, venues.

May import contracts only, besides polars and exchange_calendars, which live here alone. Read
`instruments.py` and `sessions.py` first, then `snapshot.py` (what a cycle may know) and `paper.py` (how
the paper venue fills). `orders.py` is the one place where float64 becomes money.
"""
