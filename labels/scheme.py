"""The label scheme: stances, roles, and the event codes that users of CAMEO and PLOVER know them by.

The rules for choosing among them are in `labels/codebook.md`.
"""

from typing import Final, Literal, get_args

Stance = Literal["accuses", "denies", "defends", "neutral"]
Role = Literal["source", "target", "issue"]

#: Order of the columns of every probability array of shape (sentences, 4).
STANCES: Final[tuple[Stance, ...]] = get_args(Stance)
#: The stances that are acts, that is, all but `neutral`; only these have roles.
ACTS: Final[tuple[Stance, ...]] = ("accuses", "denies", "defends")
ROLES: Final[tuple[Role, ...]] = get_args(Role)

#: Order of the columns of every role array of shape (sentences, tokens, 7): outside, then begin and inside of a role.
BIO_TAGS: Final[tuple[str, ...]] = ("O", *(f"{prefix}-{role}" for role in ROLES for prefix in ("B", "I")))

#: The CAMEO code (Gerner, Schrodt, Yilmaz and Abu-Jabr 2002) that names the act; a stance covers more codes than
#: its chief one (accuses: 111, 112, 114, 115; defends: 051, 052), and the tagger does not tell those apart.
CAMEO: Final[dict[Stance, str | None]] = {"accuses": "112", "denies": "016", "defends": "052", "neutral": None}

#: The PLOVER event type (Open Event Data Alliance); REJECT is the nearest to a denial, for PLOVER has no such type.
PLOVER: Final[dict[Stance, str | None]] = {
    "accuses": "ACCUSE",
    "denies": "REJECT",
    "defends": "SUPPORT",
    "neutral": None,
}

#: Registers of news prose; every written sentence carries exactly one.
REGISTERS: Final[frozenset[str]] = frozenset(
    (
        *("wire", "headline", "quote", "broadcast", "translated", "chain"),
        *("tabloid", "broadsheet", "commentary", "liveblog", "court", "social"),
    )
)
#: What makes a sentence instructive: its construction, or the trap that it sets.
PHENOMENA: Final[frozenset[str]] = frozenset(
    (
        *("plain", "implicit", "active", "passive", "agentless", "nominal", "present", "question", "two-acts"),
        *("split-quote", "front-attribution", "mid-attribution", "end-attribution", "late-act", "pronoun"),
        *("third-party", "own-conduct", "position", "negated", "declined", "other-sense", "background", "skill"),
        *("goodwill", "opposing-idea", "principle", "procedure", "confession", "hedge"),
    )
)
#: What kind of article a sentence stands in.
DOCUMENT_KINDS: Final[frozenset[str]] = frozenset(("controversy", "ordinary"))
