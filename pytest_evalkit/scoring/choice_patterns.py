"""Regular expressions for the letters of options in what a model wrote.

They are for texts in which quotes, dashes and full-width signs are those of ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# What may follow a letter that is also a word ("A", "I") where it is a letter.
_GOES_ON = (
    "also|and|as|based|because|best|but|by|correctly|due|for|from|given|if|in|instead|"
    "is|not|or|over|rather|seems|since|so|than|that|then|this|though|to|was|when|"
    "where|which|while|with"
)
_ARTICLE = rf"(?!\s+(?!(?:{_GOES_ON})\b)[a-z])"
_PRONOUN = r"(?!\s+(?!(?:because|since|is)\b)\w)"
_OPEN, _CLOSE = r"[(\[{<「『【]", r"[)\]}>」』】]"
_QUOTE = "[\"']?"
_END = r"(?=\s*(?:[.,;!?)\n。]|$))"

# Words between what announces an answer and its letter; so many at most, and not tried
# again, so that the time a text takes does not grow with its square.
_FILL = (
    r"(?:[\s:=\->→\"']|(?i:definitely|clearly|certainly|probably|therefore|thus|"
    r"indeed|likely|most|the|option|choice|letter|answer|labell?ed|following)\b|选项|选){0,30}+"
)
_IS = (
    r"(?i:is|was|would\s+be|should\s+be|must\s+be|will\s+be|has\s+to\s+be|remains|"
    r"appears\s+to\s+be|seems\s+to\s+be)\b"
)
_ANSWER = r"(?i:\b(?:answers?|ans|choice|option|selection|verdict|conclusion)\b)"
_ABOUT = r"(?i:\s+(?:to|for)\b[^.\n:]{0,80}?)?"
_ANNOUNCED = (
    rf"{_ANSWER}(?i:\s+(?:choice|option|letter))?{_ABOUT}\s*"
    rf"(?:\([^)\n]{{0,40}}\)\s*)?(?:{_IS}|[:=→]|->|-(?=\s))"
)
_CHOSEN = (
    r"(?i:\b(?:choos(?:e|ing)|chose|pick(?:ing|ed)?|select(?:ing|ed)?|prefer|"
    r"go(?:ing)?\s+(?:with|for)|went\s+with|opt(?:ing)?\s+for|settle\s+on)\b)"
)
_CORRECT = (
    r"(?i:correct|best|true|accurate|answer|"
    r"right(?!\s+(?:of|next|behind|above|below|side|hand|in|at|on|by)\b))"
)
_ADVERB = r"(?i:(?:definitely|clearly|indeed|most\s+likely|likely|probably|thus)\s+)*"
_ASIDE = r"(?:\s*\([^)\n]{0,60}\)|\s*:[^.\n]{0,60}?)?"
_IS_CORRECT = rf"{_ASIDE}\s+{_IS}\s+{_ADVERB}(?i:the\s+)?(?i:most\s+)?{_CORRECT}"
_EASTERN = r"(?:答案|正解|答え|정답|답)\s*(?:应该|应当|应|就)?\s*(?:是|为|选|は|은)?"
_EASTERN_CHOSEN = r"(?:选择|应选|故选|因此选|所以选|选)(?:择|了|的是|项)?"
_EASTERN_CORRECT = r"\s*选?项?\s*(?:才)?(?:是|为)?\s*最?(?:正确|对的|合适)"
_NOT_BUT = r"(?i:\bnot\b|n't)"
_BUT = r"\s*,?\s*(?i:but|rather|it\s+is|it's)\b"

_WEAK = (
    r"(?i:\b(?:think|believe|guess|say|it\s+is|it's|that\s+is|that's|be|looks\s+like|"
    r"seems\s+like|therefore|thus|so|hence)\b),?"
)
_BEFORE_LAST = (
    r"(?:[.:,;。\n-]|(?i:\b(?:so|therefore|thus|hence|is|be|option|choice|with|"
    r"choose|pick|answer|say|as)\b)|[是为选])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicePatterns:
    """The patterns for one set of letters.

    In each, the letter is the first group that matched something.

    Attributes:
        alone: A whole text or line that is a letter and marks.
        several: A whole text that is nothing but letters.
        statements: What says which option is right, by the name of its rule.
        further: After a letter, another one that is named with it.
        start: A letter that begins a text.
        last: A letter that ends one.
        label: A letter in parentheses, or with a mark behind it.
        mentioned: An option called by its letter.
        weak: What says less clearly which option is meant.
        announced: What stands before a stated answer of any kind; the group is without
            words that may belong to it.
    """

    alone: re.Pattern[str]
    several: re.Pattern[str]
    statements: tuple[tuple[str, re.Pattern[str]], ...]
    further: re.Pattern[str]
    start: re.Pattern[str]
    last: re.Pattern[str]
    label: re.Pattern[str]
    mentioned: re.Pattern[str]
    weak: re.Pattern[str]
    announced: re.Pattern[str]


@lru_cache(maxsize=64)
def patterns_of(letters: tuple[str, ...]) -> ChoicePatterns:
    """Make the patterns for letters, in upper or in lower case as they are."""
    any_case = _either([*letters, *(letter.swapcase() for letter in letters)])
    exact = _either(letters)
    named = _letter(letters)
    announced = rf"(?:{_ANNOUNCED}|{_EASTERN}\s*[:是为]?)"
    statements = {
        "statement": rf"{announced}{_FILL}{named}",
        "answer": rf"(?i:\banswer\b)\s*{named}",
        "choosing": rf"{_CHOSEN}{_FILL}{named}",
        "correct": rf"{named}{_IS_CORRECT}",
        "not_but": rf"{_NOT_BUT}\s+{_FILL}{_uncaptured(named)}{_BUT}{_FILL}{named}",
        "chosen": rf"{_EASTERN_CHOSEN}{_FILL}{named}",
        "right": rf"{named}{_EASTERN_CORRECT}",
    }
    return ChoicePatterns(
        alone=re.compile(rf"[^\w\n]*({any_case})[^\w\n]*"),
        several=re.compile(
            rf"\W*(?:{exact})(?:(?:\W|\b(?:and|or)\b|和|或)+(?:{exact}))+\W*"
        ),
        statements=tuple((rule, re.compile(text)) for rule, text in statements.items()),
        further=_further(named),
        start=_start(letters, any_case),
        last=re.compile(rf"{_BEFORE_LAST}{_FILL}{named}[.!。\s\"']*$"),
        label=re.compile(
            rf"{_OPEN}\s*({any_case})\s*{_CLOSE}|(?:^|(?<=\s))({exact})[.:)](?=\s)"
        ),
        mentioned=re.compile(rf"(?i:\b(?:option|choice)\b|选项)\s*{named}"),
        weak=re.compile(rf"{_WEAK}{_FILL}{named}"),
        announced=re.compile(rf"({announced}){_FILL}"),
    )


def _further(named: str) -> re.Pattern[str]:
    """Match a second letter, unless something is said of it alone."""
    verb = (
        r"(?i:is|are|was|isn't|seems|looks|shows|does|doesn't|has|can|cannot|can't|"
        r"would|could)\b"
    )
    return re.compile(
        r"\s*[)\]\"']*\s*(?:,|/|&|、|(?i:and|or)\b|和|或)"
        r"\s*(?i:(?:and|or|option|choice)\s+)*"
        rf"{named}(?!\s*[)\]\"']*\s*(?:{verb}|不|错|是))"
    )


def _start(letters: Sequence[str], any_case: str) -> re.Pattern[str]:
    exact = _either(letters)
    because = r"\s+(?:because|since|as|due|given|over|rather|instead|and\s+not)\b"
    return re.compile(
        rf"{_OPEN}\s*({any_case})\s*{_CLOSE}|{_QUOTE}({any_case}){_QUOTE}"
        rf"(?:[.:)\]](?=\s|$|[^\W\d_]{{2}})|\s*\n)"
        rf"|{_QUOTE}({exact}){_QUOTE}(?:\s*[,;、。]|\s+-|{because})"
    )


def _letter(letters: Sequence[str]) -> str:
    """Match a letter that names an option, in a sentence."""
    lower = [letter.swapcase() for letter in letters if letter.swapcase() != letter]
    any_case = _either([*letters, *lower])
    bare = "|".join(_bare(letter) for letter in letters)
    forms = [
        rf"{_OPEN}\s*({any_case})\s*{_CLOSE}",
        rf"{_QUOTE}(?<![A-Za-z0-9])({bare})",
    ]
    if lower:
        forms.append(rf"(?<![A-Za-z0-9])({_either(lower)})(?![A-Za-z0-9]){_END}")
    return f"(?:{'|'.join(forms)})"


def _bare(letter: str) -> str:
    apart = rf"{re.escape(letter)}(?![A-Za-z0-9]|['-][A-Za-z])"
    return apart + {"A": _ARTICLE, "I": _PRONOUN}.get(letter, "")


def _either(texts: Sequence[str]) -> str:
    return "|".join(re.escape(text) for text in dict.fromkeys(texts))


def _uncaptured(pattern: str) -> str:
    """Match the same without groups, of which those here have no marks behind ``(``."""
    return re.sub(r"(?<![\\\[])\((?!\?)", "(?:", pattern)
