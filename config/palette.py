"""The colour of the screens: one hue, darker step by step, as Unfold wants it."""

_LIGHTNESS_CHROMA = {
    50: (97.2, 0.012),
    100: (94.2, 0.026),
    200: (89.0, 0.052),
    300: (81.5, 0.088),
    400: (71.5, 0.122),
    500: (61.0, 0.136),
    600: (51.0, 0.128),
    700: (44.0, 0.110),
    800: (37.5, 0.090),
    900: (32.0, 0.070),
    950: (25.0, 0.050),
}
_HUE = 250

PRIMARY = {
    str(weight): f"oklch({lightness}% {chroma} {_HUE})"
    for weight, (lightness, chroma) in _LIGHTNESS_CHROMA.items()
}
