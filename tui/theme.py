"""The two themes of our own, calm and legible; Textual's others may be chosen beside them."""

from textual.theme import Theme

DEFAULT = "dualbrain"

THEMES = (
    Theme(
        name=DEFAULT,
        primary="#82aede",
        secondary="#5d7ea3",
        accent="#cfb584",
        success="#83c08f",
        warning="#dcb567",
        error="#e5847b",
        foreground="#d6dee6",
        background="#10151b",
        surface="#171e26",
        panel="#202a35",
        dark=True,
        variables={"primary-background": "#26384c", "border": "#82aede"},
    ),
    Theme(
        name=f"{DEFAULT}-light",
        primary="#2a5d8f",
        secondary="#54718f",
        accent="#74501c",
        success="#2c6b3e",
        warning="#7d5200",
        error="#a3312b",
        foreground="#21272e",
        background="#f7f5f0",
        surface="#eeebe4",
        panel="#e3dfd6",
        dark=False,
        variables={"primary-background": "#cfdbe8", "border": "#2a5d8f"},
    ),
)
