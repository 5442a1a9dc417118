"""The terminal: screens and widgets over a door to one desk; the only user of Textual.

May import contracts, and nothing else of ours. Read `door.py` first (all that the terminal knows of a desk
and may do to it; `desk/terminal/door.py` is the one behind it), then `app.py`, then `desk_screen.py`.
"""
