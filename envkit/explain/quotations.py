"""Tell a program's own error from a line that only speaks of it: documentation, a search's hit, source code."""

from __future__ import annotations

import re

_OPEN = r"[\"'`‘“]"
_ERROR = r"(?:[\w.]{1,60}: ?)?"
# What may stand between the words and what leads to them: `the error 'RuntimeError: `.
_LEAD = rf" (?:(?:the|an?|any|your|known|rare|that|this|errors?|messages?|of) ){{0,3}}{_OPEN}?{_ERROR}$"

# If you see '...'; what follows a colon is said by itself: `failed when the file was read: ...`.
_IN_CASE = (
    r"\b(?:if|when|whenever|in case|should) (?:it|this|that|there|the|an?|your|one|you)\b"
    rf"[^.:;!?]{{0,80}}(?:{_OPEN}[^\"'`‘“]{{0,60}})?$"
)
_IN_CASE_YOU = r"\b(?:if|when|whenever|in case|should) you [^.:;!?]{0,80}\berror: $"
_NAMED = (
    rf"\b(?:errors?|messages?|warnings?|failures?) (?:such as|like|called|named|saying|that says?){_LEAD}"
)
_DEALT_WITH = (
    r"\b(?:(?:avoid|prevent|handle|catch|ignore|troubleshoot)(?:e?s|ing)?|fixe[sd](?: for)?|search(?:ing)? for"
    rf"|looks? for|looking for|what to do about|more about){_LEAD}"
)
# Of a level at which nothing is wrong, in quotation marks of its own: those of `ValueError('...')` are an error's.
# Before the level stand a time, brackets and at most the names of a host, a program or a logger.
_AT_EASE = (
    r"^(?!.*\b(?-i:ERROR|FATAL|CRITICAL)\b)[^A-Za-z]{0,60}+(?:[A-Za-z][\w./]{0,60}+[\[\]()\d\s:|-]{1,20}+){0,3}"
    rf"(?-i:INFO|DEBUG|NOTICE)[\]\s:|].{{0,400}}\s{_OPEN}{_ERROR}$"
)
_BEFORE = re.compile(f"{_IN_CASE}|{_IN_CASE_YOU}|{_NAMED}|{_DEALT_WITH}|{_AT_EASE}", re.IGNORECASE)

# What says that it did happen: what follows is no mere mention.
_FAILED = re.compile(
    r"\b(?:fail(?:ed|s|ure)?|unable|could not|cannot|exited|exits|died|dies|crashed|killed|(?-i:ERROR|FATAL|CRITICAL))\b",
    re.IGNORECASE,
)

_BEHIND = re.compile(
    r"^[\"'`’”]?(?: (?:errors?|messages?|failures?))?"
    r" (?:(?:usually |often |typically )?(?:means?|indicates?)\b|happens (?:if|when)\b|(?:can|may|might) (?:happen|occur)\b"
    r"|(?:can|may|might) be (?:avoided|fixed|ignored)\b|is (?:raised|thrown|printed|shown) (?:if|when)\b)",
    re.IGNORECASE,
)

# A command that searches or prints, as a shell shows it.
_COMMAND = (
    r"^\s*(?:\+{1,3}|[\w.@~:/()-]{0,80}\s?[$#%]) (?:.{0,80}[|;&] ?)?(?:sudo )?"
    r"(?:grep|egrep|zgrep|rg|ag|echo|printf)\b"
)
# What grep says of texts and of sources; Python's warnings and compilers leave one blank after the number.
_IN_TEXTS = r"^[^\s:]{1,300}\.(?:md|rst|html?|adoc|tex)[:-]\d+[:-]"
_IN_SOURCES = r"^[^\s:]{1,300}\.(?:py|pyi|ipynb|toml|ya?ml|sh|js|ts|c|cc|cpp|cu|h|hpp|go|rs)[:-]\d+[:-](?:\s{2}|[^\s\d])"
# Such as a traceback shows above the error itself.
_SOURCE = (
    r"^\s*(?:raise [\w.]+\(|(?:if|elif|assert) .{0,300}(?:\bin\b|==).{0,300}:?$|return [\"'f]"
    r"|(?:log|logger|logging|warnings)\.\w+\(|print\(|#+ [^\d])"
)
_WHOLE = re.compile(f"{_COMMAND}|{_IN_TEXTS}|{_IN_SOURCES}|{_SOURCE}")


def is_quotation(line: str, words: str) -> bool:
    """Tell whether the words (in small letters) stand in the line as something said of an error, not by one."""
    if _WHOLE.match(line):
        return True
    small = line.lower()
    at = small.find(words)
    if at < 0 or len(small) != len(line):  # cut, or a letter that is longer when small
        return False
    before = _BEFORE.search(line[:at])
    if before is not None:
        return _FAILED.search(line[: before.start()]) is None
    return _BEHIND.match(line[at + len(words) :]) is not None
