"""The cycle as a state machine, the session that drives it, and replay; the only user of LangGraph.

May import agents, tools, markets, memory and contracts. Read `cycle.py` first (the whole wiring on one
screen), then `nodes.py`, then `session.py`, the only door for faces.
"""
