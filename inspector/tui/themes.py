"""The two themes. Colours carry meaning: green is live, red failed, blue the person's own keys and numbers.

Every state also has a glyph and a word, so that nothing is lost without colour.
"""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="inspector-dark",
    primary="#8f9dff",
    secondary="#6cb6ff",
    accent="#8f9dff",
    success="#7ee08a",
    warning="#f2b84b",
    error="#f2706b",
    foreground="#dfe2ea",
    background="#16171d",
    surface="#1b1e26",
    panel="#24283a",
    dark=True,
    variables={
        "foreground-muted": "#8a8f9c",
        "foreground-disabled": "#666b78",
        "border": "#2b2f3b",
        "border-blurred": "#2b2f3b",
        "footer-background": "#1b1e26",
        "footer-key-foreground": "#8f9dff",
        "footer-description-foreground": "#8a8f9c",
        "block-cursor-background": "#2b3050",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#22252f",
        "input-selection-background": "#8f9dff 35%",
        "scrollbar": "#2b2f3b",
        "scrollbar-hover": "#3a4052",
        "scrollbar-active": "#8f9dff",
        "scrollbar-background": "#16171d",
        "scrollbar-background-hover": "#16171d",
        "scrollbar-background-active": "#16171d",
        "scrollbar-corner-color": "#16171d",
    },
)

LIGHT = Theme(
    name="inspector-light",
    primary="#4a55c7",
    secondary="#0b62b8",
    accent="#4a55c7",
    success="#1a7f37",
    warning="#8f5b00",
    error="#bf2c2c",
    foreground="#1f2330",
    background="#fbfbfd",
    surface="#eff0f5",
    panel="#e2e5f1",
    dark=False,
    variables={
        "foreground-muted": "#5c6272",
        "foreground-disabled": "#7d8391",
        "border": "#d3d6e0",
        "border-blurred": "#d3d6e0",
        "footer-background": "#eff0f5",
        "footer-key-foreground": "#4a55c7",
        "footer-description-foreground": "#5c6272",
        "block-cursor-background": "#d5daf7",
        "block-cursor-foreground": "#0f1220",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e6e8f0",
        "input-selection-background": "#4a55c7 25%",
        "scrollbar": "#d3d6e0",
        "scrollbar-hover": "#b5bacb",
        "scrollbar-active": "#4a55c7",
        "scrollbar-background": "#fbfbfd",
        "scrollbar-background-hover": "#fbfbfd",
        "scrollbar-background-active": "#fbfbfd",
        "scrollbar-corner-color": "#fbfbfd",
    },
)

THEMES = (DARK, LIGHT)
