"""Copying an id whole: on screens it is short, and commands take all of it."""

from textual.screen import Screen


def copy_cycle(screen: Screen[None], cycle_id: str) -> None:
    """Send the id of a cycle to the clipboard of the terminal, and say so."""
    screen.app.copy_to_clipboard(cycle_id)
    screen.notify(f"the whole id of cycle {cycle_id[:12]} is copied", markup=False)
