"""Turn sentences into what the model reads: word pieces in windows, the first piece of each word labelled."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Literal

from envkit_ner.documents import find_documents
from envkit_ner.windows import cut_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.data.token_rows import Sentence
    from envkit_ner.tokens import WordPieces
    from envkit_ner.windows import Window

NOT_LABELLED = -100  # the label of all other pieces: what torch's cross entropy leaves out
Context = Literal["sentence", "document"]


@dataclass(frozen=True, slots=True)
class Part:
    """Words of a sentence that one example labels; ``length`` counts all words of the sentence."""

    sentence: int
    words: range
    length: int

    @property
    def is_whole(self) -> bool:
        """Tell whether these are all words of the sentence."""
        return len(self.words) == self.length


@dataclass(frozen=True, slots=True)
class Example:
    """One window: its pieces, and for each word labelled in it the place of the first piece and a number.

    ``places`` and ``labels`` are aligned with the words of ``parts``, one part after the other; ``name``
    says where the first of them is from, ``train.conll:123``.
    """

    name: str
    pieces: tuple[int, ...]
    places: tuple[int, ...]
    labels: tuple[int, ...]
    parts: tuple[Part, ...]

    @property
    def length(self) -> int:
        """Return how many pieces the model reads, special ones included."""
        return len(self.pieces)

    @property
    def items(self) -> int:
        """Return how many words are labelled."""
        return len(self.labels)

    @property
    def words(self) -> tuple[tuple[int, int], ...]:
        """Return the labelled words as numbers of sentence and word, aligned with ``places``."""
        return tuple((part.sentence, word) for part in self.parts for word in part.words)


def make_examples(
    sentences: Sequence[Sentence],
    pieces: WordPieces,
    *,
    file: str,
    label_numbers: Mapping[str, int],
    window: int,
    context: Context = "sentence",
) -> list[Example]:
    """Cut sentences into examples of at most ``window`` pieces, special ones included; each word is in one.

    With ``document`` as context an example labels consecutive sentences of one document, and reads what
    stands before and after them there. ``file`` names the file that the sentences are from.
    """
    pieces.read(sentences)
    documents = (
        find_documents(sentences)
        if context == "document"
        else [range(number, number + 1) for number in range(len(sentences))]
    )
    examples: list[Example] = []
    for document in documents:
        words = [(number, word) for number in document for word in range(len(sentences[number].words))]
        for cut in _cut(sentences, document, pieces=pieces, window=window):
            row, places = _join(sentences, words, cut, pieces=pieces, window=window)
            tagged = words[cut.tagged.start : cut.tagged.stop]
            labels = tuple(label_numbers[sentences[number].tags[word]] for number, word in tagged)
            name = f"{file}:{sentences[tagged[0][0]].line}"
            examples.append(Example(name, row, places, labels, _parts(sentences, tagged)))
    return examples


def _cut(sentences: Sequence[Sentence], document: range, *, pieces: WordPieces, window: int) -> list[Window]:
    """Return the windows of one document, whose words are counted through it."""
    return cut_document(
        [[len(pieces[word]) for word in sentences[number].words] for number in document],
        capacity=pieces.capacity(window),
        separator=len(pieces.separator),
    )


def _join(
    sentences: Sequence[Sentence],
    words: Sequence[tuple[int, int]],
    cut: Window,
    *,
    pieces: WordPieces,
    window: int,
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the pieces of a window, and the places in them where its tagged words begin."""
    capacity = pieces.capacity(window)
    row = list(pieces.prefix)
    places: list[int] = []
    for index in cut.read:
        number, word = words[index]
        if word == 0 and index != cut.read.start:
            row += pieces.separator
        if index in cut.tagged:
            places.append(len(row))
        row += pieces[sentences[number].words[word]][:capacity]
    row += pieces.suffix
    return tuple(row), tuple(places)


def _parts(sentences: Sequence[Sentence], tagged: Sequence[tuple[int, int]]) -> tuple[Part, ...]:
    """Return the tagged words, numbers of sentence and word, sentence by sentence."""
    parts = []
    for number, of_sentence in groupby(tagged, key=itemgetter(0)):
        places = [word for _, word in of_sentence]
        parts.append(Part(number, range(places[0], places[-1] + 1), len(sentences[number].words)))
    return tuple(parts)
