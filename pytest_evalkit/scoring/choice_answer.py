"""Which of a document's options an answer names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from pytest_evalkit.scoring.choice_patterns import ChoicePatterns, patterns_of
from pytest_evalkit.scoring.final_answer import boxes, last_tagged
from pytest_evalkit.scoring.parsed import NOT_FOUND, Parsed, ambiguous, found

_EMPHASIS = re.compile(
    r"\*+|`|(?<!\w)_+|_+(?!\w)|\$|\\(?:text(?:bf|rm|it)?|math(?:rm|bf))\b|^#+\s*",
    re.MULTILINE,
)
_CLAUSE = re.compile(r"[.!?;,:\n。]|\b(?:but|so|and|then|therefore|thus|hence)\b")
_UNSURE = re.compile(
    r"n't\b|\b(?:not|never|cannot|doubt|if|whether|unless|suppose|assuming|nor|"
    r"neither|than)\b|^\s*(?:is|could|can|would)\b|如果|假如|是否|若|不",
    re.IGNORECASE,
)
_REJECTED_BEFORE = re.compile(
    r"(?:n't|\b(?:not|nor|neither|never|cannot|except|than|over|exclud\w+|eliminat\w+|"
    r"rul\w+\s+out|against|instead\s+of|unlike|versus|vs\.?|without))\s+"
    r"(?:(?:option|choice|answer|the|an?|be|to)\s+)*[(\[\"']*$"
    r"|(?:不是|不选|不能选|不应选|排除|而非|除了|比)\s*(?:选项)?[(\[]*$",
    re.IGNORECASE,
)
_REJECTED_AFTER = re.compile(
    r"[)\].:\"']*\s*(?:(?:is|are|was|were|does|do|can|could|seems|looks)(?:\s+|(?=n't)))?"
    r"(?:(?:also|both|clearly|obviously|definitely)\s+)*"
    r"(?:not\b|n't\b|isn't\b|wasn't\b|aren't\b|doesn't\b|can't\b|cannot\b|wrong\b|"
    r"incorrect\b|false\b|eliminated\b|ruled\s+out\b|impossible\b)"
    r"|[)\]]?\s*选?项?\s*(?:是)?(?:不|错)",
    re.IGNORECASE,
)
_SIGNS = {
    ord("\N{LEFT SINGLE QUOTATION MARK}"): "'",
    ord("\N{RIGHT SINGLE QUOTATION MARK}"): "'",
    ord("\N{LEFT DOUBLE QUOTATION MARK}"): '"',
    ord("\N{RIGHT DOUBLE QUOTATION MARK}"): '"',
    ord("\N{EN DASH}"): "-",
    ord("\N{EM DASH}"): "-",
}
# As far before a letter as words that reject it are looked for.
_NEAR = 60
_CLAUSE_LENGTH = 200
_MARKS = " \t\n.,!?;:'\"。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What there is to choose from.

    Attributes:
        letters: Their letters, in order.
        texts: Text by letter, for those that have one besides their letter.
    """

    letters: tuple[str, ...]
    texts: Mapping[str, str]

    @property
    def patterns(self) -> ChoicePatterns:
        """The patterns for these letters."""
        return patterns_of(self.letters)

    def letter(self, match: re.Match[str]) -> str:
        """Read the letter of a match, in the case that the options have."""
        said = next(group for group in match.groups() if group is not None)
        return said if said in self.letters else said.swapcase()


def options_of(
    choices: int | Sequence[str | None], letters: Sequence[str] | None = None
) -> Options:
    """Give options their letters.

    Args:
        choices: How many there are, or their texts; None or an empty text is an option
            that the document does not have. A label in front of a text ("(A) cat") is
            no part of it.
        letters: Of each option in turn; None for A, B, C and so on.

    Raises:
        ValueError: There are fewer letters than options.
    """
    names = tuple(ascii_uppercase if letters is None else letters)
    texts = [None] * choices if isinstance(choices, int) else list(choices)
    if len(texts) > len(names):
        raise ValueError(f"{len(texts)} options have only {len(names)} letters")
    pairs = list(zip(names, texts, strict=False))
    if not isinstance(choices, int):
        pairs = [(name, text) for name, text in pairs if text and text.strip()]
    plain = {name: _unlabelled(text, name) for name, text in pairs if text}
    return Options(
        letters=tuple(name for name, _ in pairs),
        texts={name: text for name, text in plain.items() if text != name},
    )


def read_choice(
    text: str,
    choices: int | Sequence[str | None],
    *,
    letters: Sequence[str] | None = None,
) -> Parsed:
    r"""Find which option an answer names; never guess.

    The rules, of which the first that says something decides:

    1. the last ``<answer>``, read by the rules below;
    2. the answer is a letter and marks (``B``, ``(b)``, ``**B.**``), or the text of an
       option;
    3. the last statement: ``\boxed{B}``, "the answer is B", "Answer: (B)", "I choose
       B", "option B is correct", "答案是B", "选B", or a statement that ends in an
       option's text. One that is denied, doubted or conditional is none;
    4. a last or first line that is a letter; a letter that ends the answer after a mark
       or a word such as "so"; a label at its start ("B. cat", "(B)", "B, because");
    5. the one option called by its letter ("option B"), then "I think B" and the like;
    6. the one option whose text it contains.

    What is rejected ("not B", "over B", "B is wrong") is not named. "A" and "I" are
    words where another word follows.

    Args:
        text: The answer, without thought.
        choices: As of ``options_of``.
        letters: The same.

    Returns:
        The letter and the rule. Ambiguous where the rule that decides finds several.

    Raises:
        ValueError: There are fewer letters than options.

    >>> read_choice("I choose B over A", 4).value
    'B'
    >>> read_choice("It must be the dog.", ["cat", "dog"]).value
    'B'
    >>> read_choice("A cat sits there", 4).status
    'none'
    """
    return read_option(text, options_of(choices, letters))


def read_option(text: str, options: Options) -> Parsed:
    """Find which option an answer names: ``read_choice``, of options made before."""
    if not options.letters:
        return NOT_FOUND
    tagged = last_tagged(text, "answer")
    said = _plain(text if tagged is None else tagged)
    for rule in (_alone, _stated, _line, _labelled, _mentioned, _weak, _contained):
        parsed = rule(said, options)
        if parsed.status != "none":
            return parsed if tagged is None else _in_tag(parsed)
    return NOT_FOUND


def _in_tag(parsed: Parsed) -> Parsed:
    rule = f"answer_tag.{parsed.rule}"
    return Parsed(value=parsed.value, status=parsed.status, rule=rule)


def _plain(text: str) -> str:
    """Write quotes, dashes and full-width signs as in ASCII, without emphasis."""
    return _EMPHASIS.sub("", _with_plain_signs(text)).strip()


def _with_plain_signs(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_SIGNS)


def _alone(text: str, options: Options) -> Parsed:
    patterns = options.patterns
    match = patterns.alone.fullmatch(text)
    if match is not None:
        return found(options.letter(match), "letter")
    if patterns.several.fullmatch(text):
        return ambiguous("letter")
    equal = _equal(text, options)
    if len(equal) > 1:
        return ambiguous("text")
    return found(equal[0], "text") if equal else NOT_FOUND


def _equal(text: str, options: Options) -> list[str]:
    said = _folded(text)
    return [letter for letter, own in options.texts.items() if _folded(own) == said]


def _stated(text: str, options: Options) -> Parsed:
    """Take the last statement; where several end together, what they agree on."""
    hits = sorted(_statements(text, options), key=lambda hit: hit[0])
    return hits[-1][1] if hits else NOT_FOUND


def _statements(text: str, options: Options) -> Iterator[tuple[int, Parsed]]:
    yield from _boxes(text, options)
    for rule, pattern in options.patterns.statements:
        for match in pattern.finditer(text):
            if _is_doubted(text, match.start()) and rule != "not_but":
                continue
            further = options.patterns.further.match(text, match.end())
            if further is not None and options.letter(further) != options.letter(match):
                yield further.end(), ambiguous(rule)
            else:
                yield match.end(), found(options.letter(match), rule)
    for match in options.patterns.announced.finditer(text):
        letter = _text_at(text, match.end(1), options)
        letter = letter or _text_at(text, match.end(), options)
        if letter is not None and not _is_doubted(text, match.start()):
            # Longer than the letter that it may begin with ("the answer is C major").
            yield match.end() + len(options.texts[letter]), found(letter, "statement")


def _boxes(text: str, options: Options) -> Iterator[tuple[int, Parsed]]:
    for end, content in boxes(text):
        parsed = _alone(content, options)
        if parsed.status == "none":
            parsed = _labelled(content, options)
        if parsed.status != "none":
            yield end, Parsed(value=parsed.value, status=parsed.status, rule="boxed")


def _text_at(text: str, position: int, options: Options) -> str | None:
    """Find the longest option text that stands at a position."""
    most = max(map(len, options.texts.values()), default=0) + _NEAR
    rest = text[position : position + most].lstrip(" \n:\"'").casefold()
    fitting = [
        letter
        for letter, own in options.texts.items()
        if len(own.strip()) > 1 and re.match(_bounded(own.casefold()), rest)
    ]
    longest = max((len(options.texts[letter]) for letter in fitting), default=0)
    best = [letter for letter in fitting if len(options.texts[letter]) == longest]
    return best[0] if len(best) == 1 else None


def _line(text: str, options: Options) -> Parsed:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < len(("first", "last")):
        return NOT_FOUND
    for line in (lines[-1], lines[0]):
        match = options.patterns.alone.fullmatch(line.strip())
        if match is not None:
            return found(options.letter(match), "line")
    return NOT_FOUND


def _labelled(text: str, options: Options) -> Parsed:
    patterns = options.patterns
    last = patterns.last.search(text)
    if last is not None and _is_meant(text, last):
        return _only(text, last, options)
    start = patterns.start.match(text)
    if start is not None and not _is_rejected(text, start):
        letter = options.letter(start)
        return ambiguous("label") if _is_list(text, options) else found(letter, "label")
    return _with_own_text(text, options)


def _only(text: str, last: re.Match[str], options: Options) -> Parsed:
    """Read a letter at the end, unless it is one of several in its line."""
    line_start = text.rfind("\n", 0, last.start() + 1) + 1
    named = {
        options.letter(match)
        for match in options.patterns.label.finditer(text, line_start)
        if not _is_rejected(text, match)
    } | {options.letter(last)}
    return found(options.letter(last), "end") if len(named) == 1 else ambiguous("end")


def _is_list(text: str, options: Options) -> bool:
    """Tell whether labels go on in the order of the options, as a list of them does."""
    labels = [
        options.letter(match)
        for match in options.patterns.label.finditer(text)
        if not _is_rejected(text, match)
    ]
    order = options.letters.index
    later = [label for label in labels if label != labels[0]]
    return bool(later) and order(later[0]) == order(labels[0]) + 1


def _with_own_text(text: str, options: Options) -> Parsed:
    """Read a letter with the text of its option and no mark between ("A cat")."""
    for letter, own in options.texts.items():
        if _folded(text) == _folded(f"{letter} {own}"):
            return found(letter, "label")
    return NOT_FOUND


def _mentioned(text: str, options: Options) -> Parsed:
    named = [
        options.letter(match)
        for match in options.patterns.mentioned.finditer(text)
        if _is_meant(text, match)
    ]
    return _one_of(list(dict.fromkeys(named)), "option")


def _weak(text: str, options: Options) -> Parsed:
    matches = [
        match
        for match in options.patterns.weak.finditer(text)
        if _is_meant(text, match)
    ]
    if not matches:
        return NOT_FOUND
    letter = options.letter(matches[-1])
    further = options.patterns.further.match(text, matches[-1].end())
    if further is not None and options.letter(further) != letter:
        return ambiguous("weak")
    return found(letter, "weak")


def _contained(text: str, options: Options) -> Parsed:
    said = text.casefold()
    spans = sorted(
        (match.start(), -match.end(), letter)
        for letter, own in options.texts.items()
        for match in re.finditer(_bounded(own.casefold()), said)
        if not _is_letter(own) and not _is_rejected(said, match)
    )
    outer: dict[str, None] = {}
    widest = (0, 0)
    for start, end, letter in spans:
        # Within a longer one ("car" in "red car"), unless two options are one text.
        if -end > -widest[1] or (start, end) == widest:
            widest = (start, end)
            outer[letter] = None
    return _one_of(list(outer), "contained")


def _one_of(letters: Sequence[str], rule: str) -> Parsed:
    if len(letters) > 1:
        return ambiguous(rule)
    return found(letters[0], rule) if letters else NOT_FOUND


def _bounded(own: str) -> str:
    """Match a text that is no part of a longer word or number."""
    before = r"(?<![a-z0-9])(?<![0-9][.,])" if own[:1].isascii() else ""
    after = r"(?![a-z0-9]|[.,][0-9])" if own[-1:].isascii() else ""
    return f"{before}{re.escape(own)}{after}"


def _is_letter(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text.isalpha()


def _is_doubted(text: str, start: int) -> bool:
    """Tell whether the clause before a statement denies it or makes it a condition."""
    clause = _CLAUSE.split(text[max(0, start - _CLAUSE_LENGTH) : start])[-1]
    return _UNSURE.search(clause) is not None


def _is_meant(text: str, match: re.Match[str]) -> bool:
    return not _is_rejected(text, match) and not _is_doubted(text, match.start())


def _is_rejected(text: str, match: re.Match[str]) -> bool:
    """Tell whether what is named is named as what is not meant."""
    start, end = match.span(match.lastindex or 0)
    if _REJECTED_BEFORE.search(text[max(0, start - _NEAR) : start]) is not None:
        return True
    return _REJECTED_AFTER.match(text, end) is not None


def _folded(text: str) -> str:
    return " ".join(
        unicodedata.normalize("NFKC", text).casefold().strip(_MARKS).split()
    )


def _unlabelled(text: str, letter: str) -> str:
    label = rf"^\s*(?:\({letter}\)|{letter}[.):])\s*"
    return re.sub(label, "", _with_plain_signs(text)).strip()
