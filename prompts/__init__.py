"""What models are told: one Markdown file a role, and the loader.

May import contracts alone. Read `panel.md` first: it is what every seat reads before its own few lines.
"""
