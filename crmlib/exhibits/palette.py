"""Colours with one meaning in the whole report.

Charts are drawn in the light colours; the report page swaps each for its dark
twin by CSS, so that one SVG serves both. All but the grid keep a contrast of at
least 3:1 to their ground.
"""

# name: (light, dark)
PALETTE = {
    "ink": ("#1c2733", "#e7ecf1"),
    "muted": ("#5b6875", "#a3b1be"),
    "grid": ("#d9dee4", "#36414c"),
    "primary": ("#1f6f9c", "#5fb0dd"),
    "contrast": ("#c4552d", "#f0915c"),
    "reference": ("#6b7785", "#92a0ad"),
}
PAGE_GROUND = ("#ffffff", "#14191f")
