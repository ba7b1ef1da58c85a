"""What a person should know before trusting a document: hidden text, instructions to machines, no text, no paper.

Judges text; changes nothing and obeys nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_INSTRUCTION = re.compile(
    r"(?:ignore|disregard|forget|override|bypass)\s+(?:all\s+|any\s+|the\s+|your\s+|my\s+|these\s+|of\s+)*"
    r"(?:previous|prior|above|earlier|preceding|other|system|safety)\s+(?:instructions?|prompts?|directions?|rules?|messages?|context|guidelines?)"
    r"|(?:note|attention|message|instructions?)\s+(?:to|for)\s+(?:all\s+|any\s+|the\s+)?(?:ai|llm|language model"
    r"|automated|assistant|agent)s?\b"
    r"|(?:as|if you are) an? (?:ai|llm|language model|automated)\b.{0,40}\b(?:you (?:must|should|shall)|please"
    r"|assistant|agent|reviewer)"
    r"|(?:ai|llm)s?\s*(?:reviewers?|readers?)\b.{0,40}\b(?:must|should|shall"
    r"|are (?:instructed|required|to))\b"
    r"|give (?:a |this (?:paper )?(?:a )?)?(?:only )?(?:positive|favou?rable) (?:reviews?|ratings?|scores?)"
    r"|do not (?:highlight|mention|report) any (?:negatives?|weakness(?:es)?)"
    r"|(?:you are now|pretend to be|from now on,? you are) (?:a|an|the|in)\b.{0,60}\b(?:assistant|mode|agent|model"
    r"|admin|root|developer)\b"
    r"|(?:run|execute|type|paste)\s+(?:the following|this|these)\s+(?:shell |bash |terminal )?(?:commands?"
    r"|scripts?)\b.{0,80}(?:curl|wget|rm |bash|sudo|pip)"
    r"|(?:reveal|print|output|send|exfiltrate|upload|leak)\s+(?:the |your |all |any )*(?:system prompt"
    r"|api[_ ]?keys?|secrets?|credentials?|passwords?|environment variables)"
    r"|new (?:system )?(?:instructions?|prompt)\s*:|<\s*/?\s*(?:system|assistant|instructions?)\s*>|\[(?:system"
    r"|inst)\]|begin (?:system )?prompt",
    re.I | re.S,
)
_SECTION_WORDS = re.compile(
    r"\b(?:introduction|related work|background|methods?|methodology|approach|experiments?|results?|evaluation"
    r"|discussion|conclusions?"
    r"|future work|limitations|references|bibliography|acknowledge?ments?|proof|theorem|analysis|implementation)\b",
    re.I,
)


def instructions_in(text: str) -> list[str]:
    """Short extracts of text that addresses a machine reader with orders; at most five."""
    out: list[str] = []
    for match in _INSTRUCTION.finditer(text):
        extract = re.sub(r"\s+", " ", text[max(0, match.start() - 10) : match.end() + 60]).strip()
        out.append(extract[:140])
        if len(out) == 5:
            break
    return out


def injection_warnings(page_texts: Sequence[str], hidden: Sequence[tuple[int, str]]) -> list[str]:
    """Sentences about hidden text and about instruction-like text, visible or not. Hidden words are not repeated."""
    out: list[str] = []
    if wordy := [(page, text) for page, text in hidden if sum(ch.isalpha() for ch in text) > 3]:
        pages = sorted({page for page, _ in wordy})
        pieces = "1 piece" if len(wordy) == 1 else f"{len(wordy)} pieces"
        out.append(f"Hidden text was left out (white, transparent, tiny or off the page; {pieces} on {_pages(pages)}).")
    per_page: dict[int, list[str]] = {}
    for page, text in hidden:
        per_page.setdefault(page, []).append(text)
    for page, texts in sorted(per_page.items()):
        if instructions_in(" ".join(texts)):
            out.append(
                f"Possible injected instruction in hidden text on page {page}: it was left out and nothing "
                f"follows from it."
            )
    for page, text in enumerate(page_texts, 1):
        if instructions_in(text):
            out.append(f"Text on page {page} reads like an instruction to a machine; it is treated as text only.")
    return out


def _pages(pages: list[int]) -> str:
    shown = ", ".join(map(str, pages[:8])) + (", …" if len(pages) > 8 else "")
    return f"page {shown}" if len(pages) == 1 else f"pages {shown}"


def looks_like_paper(
    page_texts: Sequence[str], headings: Sequence[str], n_references: int, has_abstract: bool, title: str
) -> bool:
    """Whether a document has the marks of a research paper: enough text, and at least two of its usual parts."""
    words = sum(len(text.split()) for text in page_texts)
    if words < 300:
        return False
    named = sum(1 for heading in headings if _SECTION_WORDS.search(heading))
    marks = [has_abstract, named >= 2, n_references >= 3, len(headings) >= 4]
    strong = sum(marks)
    return strong >= 2 and (has_abstract or n_references >= 3) and bool(title)


def unreadable(bad: int, chars: int, legible: int, page_texts: Sequence[str]) -> bool:
    """Whether the text layer is there but says nothing: no mapping to characters, or far too few real words.

    Of `chars` characters that are drawn, `bad` have no meaning and `legible` are left once control characters are gone.
    """
    if chars < 200:
        return False
    text = " ".join(page_texts)[:200_000]
    if bad > 0.2 * chars:
        return True
    if legible < 0.3 * chars and chars > 500:
        return True
    tokens = re.findall(r"\S+", text)
    wordlike = sum(1 for token in tokens if re.fullmatch(r"\W*[^\W\d_]{2,}[\w’'\-–.]*\W*", token))
    return len(tokens) >= 60 and wordlike < 0.12 * len(tokens) and not re.search(r"[\u3040-\u9fff\u0600-\u06ff]", text)


_FUNCTION_WORDS = re.compile(
    r"the|of|and|in|to|a|is|for|on|with|we|that|as|by|are|this|be|from|der|die|und|das|ist|mit|von|le|la|les|des|et|en|un"
    r"|une|de|el|los|que|y|il|di|che|per|o|da|em|para|os",
    re.I,
)


def scrambled(page_texts: Sequence[str]) -> bool:
    """Latin letters that make no language: hardly a function word, and vowels far from their usual share.

    This is what a font without a true encoding gives (every letter stands for another).
    """
    words = re.findall(r"[A-Za-z]+", " ".join(page_texts)[:100_000])
    text = "".join(words).lower()
    if len(words) < 120 or len(text) < 400:
        return False
    known = sum(bool(_FUNCTION_WORDS.fullmatch(word)) for word in words) / len(words)
    vowels = sum(text.count(vowel) for vowel in "aeiou") / len(text)
    return known < 0.04 and not 0.29 < vowels < 0.55
