"""Meeting Guide type codes (code4recovery/spec, data/types.json): what they say, and what we say with them."""

from __future__ import annotations

from shared.contracts.meetings import Format, MembershipPolicy

CLOSED_FOR_NOW = "TC"
"""The location is temporarily closed: online for now where a link or a number is given, else not at all."""

LANGUAGES: dict[str, str] = {
    "AM": "am", "ASL": "ase", "DA": "da", "DE": "de", "EL": "el", "EN": "en", "FA": "fa", "FR": "fr", "HE": "he",
    "HI": "hi", "HR": "hr", "HU": "hu", "ITA": "it", "JA": "ja", "KOR": "ko", "LT": "lt", "ML": "ml", "NO": "no",
    "POL": "pl", "POR": "pt", "PUN": "pa", "RUS": "ru", "S": "es", "SK": "sk", "SV": "sv", "TH": "th", "TL": "tl",
    "UK": "uk",
}  # fmt: skip
"""Code → BCP 47 tag. The other way round is :func:`language_code`."""

AUDIENCES: dict[str, str] = {
    "BI": "bisexual people", "G": "gay men", "L": "lesbians", "LGBTQ": "LGBTQ people", "M": "men",
    "N": "Native Americans", "NB": "non-binary people", "NDG": "indigenous people", "P": "professionals",
    "POC": "people of colour", "SEN": "seniors", "T": "transgender people", "W": "women", "Y": "young people",
    "DD": "people with a dual diagnosis",
}  # fmt: skip
"""For whom a meeting is."""

ACCESS: dict[str, str] = {
    "ASL": "American Sign Language", "BA": "childcare", "CF": "children welcome", "FF": "no fragrances",
    "OUT": "outdoors", "X": "wheelchair access", "XB": "wheelchair-accessible toilet",
}  # fmt: skip
"""What helps one to come."""

MANNERS: dict[str, str] = {
    "11": "11th step meditation", "12x12": "12 steps and 12 traditions", "A": "secular", "ABSI": "as Bill sees it",
    "AL": "concurrent with Alateen", "AL-AN": "concurrent with Al-Anon", "B": "Big Book", "BE": "newcomers",
    "BRK": "breakfast", "CAN": "candlelight", "D": "discussion", "DB": "digital basket", "DR": "daily reflections",
    "GR": "Grapevine", "H": "birthdays", "LIT": "literature", "LS": "living sober", "MED": "meditation",
    "POA": "proof of attendance", "SM": "smoking permitted", "SP": "speaker", "ST": "step study",
    "TR": "tradition study", "XT": "cross talk permitted",
}  # fmt: skip
"""How a meeting runs."""

KNOWN = frozenset({"O", "C", CLOSED_FOR_NOW, *LANGUAGES, *AUDIENCES, *ACCESS, *MANNERS})
IN_PERSON_ONLY = frozenset({"X", "XB", "BA", "CF", "FF", "OUT", "SM", "BRK"})
"""Said of a building: a finder strips them where nobody meets in a room, so we do not say them there."""

WORDS: dict[str, str] = {"OPEN": "O", "CLOSED": "C", "MEN": "M", "WOMEN": "W", "NEWCOMER": "BE", "NEWCOMERS": "BE"} | {
    words.upper(): code for table in (AUDIENCES, ACCESS, MANNERS) for code, words in table.items()
}
"""Words that lists have in place of codes."""


def language_code(tag: str) -> str | None:
    """The code of a BCP 47 tag's language, where the format has one."""
    first = tag.split("-", maxsplit=1)[0].lower()
    return next((code for code, language in LANGUAGES.items() if language == first), None)


def policy_code(policy: MembershipPolicy) -> str:
    """Open, or closed: who comes by agreement or referral asks before."""
    return "O" if policy == MembershipPolicy.OPEN else "C"


def format_code(form: Format) -> str | None:
    """The code for how a meeting runs; timed turns and workshops have none."""
    return "D" if form in (Format.OPEN_DISCUSSION, Format.TOPIC) else None


def purpose_of(codes: tuple[str, ...]) -> str:
    """A purpose in words, for a group of which a list tells only codes."""
    said = [MANNERS[code] for code in codes if code in MANNERS]
    return f"Peer support: {', '.join(said)}"[:200] if said else "Peer support"


def audience_of(codes: tuple[str, ...]) -> str:
    """For whom, in words; empty where it is for everyone."""
    return ", ".join(AUDIENCES[code] for code in codes if code in AUDIENCES)


def access_of(codes: tuple[str, ...]) -> str:
    """What helps one to come, in words."""
    return ", ".join(ACCESS[code] for code in codes if code in ACCESS)
