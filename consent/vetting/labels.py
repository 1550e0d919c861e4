"""What those who made a collection said of its items in doubt: flags, read but never computed."""

# What columns of collections are called that audit labels, in small letters and digits only.
AUDITED = frozenset(
    {"nsfw", "punsafe", "unsafe", "pwatermark", "watermark", "blurry", "toxicity", "status"}
)
_CLEAR = frozenset(
    {*("", "0", "false", "no", "none", "null", "ok", "unlikely", "very_unlikely", "clean"), "sfw"}
)
# LAION's own: from this probability on a picture counts as unsafe or watermarked.
_LIKELY = 0.5


def doubtful(flags: tuple[tuple[str, str], ...]) -> list[str]:
    """Return the names of those flags that say that something is wrong with an item, sorted."""
    return sorted({_folded(name) for name, value in flags if _is_raised(_folded(name), value)})


def _is_raised(name: str, value: str) -> bool:
    if name not in AUDITED:
        return False
    said = value.strip().lower().replace(" ", "_")
    try:
        return float(said) >= _LIKELY
    except ValueError:
        return said not in _CLEAR


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
