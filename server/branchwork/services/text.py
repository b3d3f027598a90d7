"""Rules for the texts that people and agents give."""

from branchwork.domain.errors import InvalidInput

TITLE_CHARACTERS = 80
LONGEST_TITLE = 500
LONGEST_TEXT = 1 << 20


def required(field: str, value: str, longest: int = LONGEST_TITLE) -> str:
    """A one-line text that is not empty, with its white space folded; raises InvalidInput."""
    folded = " ".join(well_formed(field, value).split())
    if not any(character.isprintable() and character != " " for character in folded):
        raise InvalidInput(f"{field} is empty; give it a text.", kind="empty", field=field)
    if len(folded) > longest:
        raise InvalidInput(
            f"{field} has {len(folded)} characters; at most {longest} are allowed. "
            "Put the rest into the description.",
            kind="tooLong",
            field=field,
        )
    return folded


def bounded(field: str, value: str | None) -> str | None:
    """A longer text, of a megabyte at most; raises InvalidInput."""
    if value is not None and len(well_formed(field, value)) > LONGEST_TEXT:
        raise InvalidInput(
            f"{field} is longer than {LONGEST_TEXT} characters; shorten it or put it into a file.",
            kind="tooLong",
            field=field,
        )
    return value


def well_formed(field: str, value: str) -> str:
    """A text that can be stored and sent: no lone surrogates, no NUL."""
    if "\0" in value or (not value.isprintable() and _has_surrogate(value)):
        raise InvalidInput(f"{field} is not valid text.", kind="notText", field=field)
    return value


def shortened(text: str, limit: int = TITLE_CHARACTERS) -> str:
    """The text in at most `limit` characters, cut at a word where there is one."""
    folded = " ".join(text.split())
    if len(folded) <= limit:
        return folded
    cut = folded[: limit - 1]
    head = cut.rpartition(" ")[0]
    return (head if len(head) > limit // 2 else cut) + "…"


def _has_surrogate(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)
