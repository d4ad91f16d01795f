"""Write the sample data: paragraphs about made-up persons and places with questions, from a small grammar and a seed.

A paragraph tells some of what could be told of its subject, each fact in one of several wordings, and names
other persons, places and years beside the one that is asked for. About a fifth of the questions asks for what
the paragraph does not tell.

    python scripts/make_sample.py [FOLDER]
"""

from __future__ import annotations

import json
import random
import re
import sys
from dataclasses import dataclass
from pathlib import Path

SAMPLE_DIR = Path(__file__).parents[1] / "src" / "envkit_qa" / "sample"
SEED = 7
PARAGRAPHS = {"train": 120, "dev": 30, "test": 30}
FACTS = 6  # told in a paragraph, of the nine that there are
QUESTIONS = 3  # asked of what a paragraph tells; in two of three paragraphs one more of what it does not


def names_in(text: str) -> list[str]:
    """Return the names that bars separate."""
    return text.split("|")


FIRST_NAMES = names_in(
    "Amara|Bogdan|Chiara|Dinesh|Elif|Farid|Greta|Hiro|Ingrid|Joaquin|Katya|Leila|Mirko|Nadia|Oskar|Priya|"
    "Rosa|Stefan|Tamsin|Ulrik|Vera|Wanda|Yusuf|Zora"
)
LAST_NAMES = names_in(
    "Okafar|Lindqvar|Moraux|Petrell|Tanaki|Hadden|Silvane|Novek|Ferrand|Brandtner|Castell|Dorsay|Eskola|"
    "Falk|Grimaud|Hollis|Ivers|Jansky|Kovar|Lauder|Marchetti|Nordal|Orsini|Pellegrin"
)
PLACE_NAMES = names_in(
    "Vostra|Ardel|Salen|Tirso|Quellin|Tarnow|Elmsey|Harrowby|Norvik|Pellham|Kestra|Ostrand|Delmar|Brenthal|"
    "Corvin|Fennmouth|Galdo|Ilmstad|Jorvale|Lunden|Marwick|Oxhaven|Rivella|Stennis|Thornby|Ulmen|Wexcombe|Zelle"
)
RIVERS = names_in("Anwe|Brill|Corra|Dunn|Esk|Fara|Glim|Havel|Issa|Jura|Kell|Lorn|Mave|Nith|Orla|Pell")
GOODS = names_in(
    "blue glass|smoked fish|church bells|linen paper|violins|apple brandy|clay pipes|woollen coats|clocks|"
    "goat cheese|copper kettles|sea salt|honey cakes|fishing boats|silk ribbons|mechanical toys"
)
SUBJECTS = names_in(
    "botany|astronomy|medicine|law|geology|music|chemistry|history|mathematics|architecture|philosophy|painting"
)
INVENTIONS = names_in(
    "a pocket barometer|a silent loom|the folding bridge|a star clock|a letter lock|the twin sail|a salt lamp|"
    "an ice plough|the paper compass|a steam organ|a tide gauge|the double flute"
)
ANIMALS = names_in(
    "a grey heron|two herrings|a white horse|a black goat|three bees|a red fox|an otter|a swan"
)
MONTHS = names_in("January|February|March|April|May|June|July|August|September|October|November|December")


@dataclass(frozen=True)
class Fact:
    """What can be told of a subject, in several wordings, and questions for the part in braces.

    S is the subject; other capitals are drawn: PERSON, PLACE, YEAR, RIVER, …. The years are ``since`` to
    ``until`` years after the subject's first.
    """

    wordings: str
    questions: str
    since: int = 0
    until: int = 1


PLACE_FACTS = (
    Fact(
        "S was founded in YEAR by {PERSON}|It was {PERSON} who founded S in YEAR|PERSON laid out a market there, but the founder of S was {PERSON}",
        "Who founded S?|Who was the founder of S?|By whom was S founded?",
    ),
    Fact(
        "A fire destroyed most of the houses in {YEAR}|In {YEAR} a great fire burned for COUNT days|Of the old town little was left after the fire of {YEAR}",
        "When was the fire?|In what year did the town burn?|When did a fire destroy S?",
        since=20,
        until=150,
    ),
    Fact(
        "S lies on the river {RIVER}, COUNT miles from PLACE|The river {RIVER} flows through the town|PLACE lies on the coast, S on the river {RIVER}",
        "On which river does S lie?|Which river flows through S?|What is the name of the river?",
    ),
    Fact(
        "It is known for its {GOODS}|Its workshops have made {GOODS} since YEAR|Merchants came from PLACE to buy {GOODS}",
        "What is S known for?|What is made in S?|What did merchants buy in S?",
        since=50,
        until=120,
    ),
    Fact(
        "The stone bridge was built by {PERSON} in YEAR|{PERSON} drew the plans of the stone bridge|The stone bridge, which {PERSON} built, leads to PLACE",
        "Who built the bridge?|Who was the builder of the stone bridge?|By whom was the bridge planned?",
        since=80,
        until=200,
    ),
    Fact(
        "About {PEOPLE} people live there today|Its population is {PEOPLE}|It has {PEOPLE} inhabitants",
        "How many people live in S?|What is the population of S?",
    ),
    Fact(
        "The yearly fair is held in {MONTH}|Every {MONTH} there is a fair on the square|Visitors come in {MONTH}, when the fair is held",
        "When is the fair held?|In which month is the fair?|What month does the fair take place in?",
    ),
    Fact(
        "Its coat of arms shows {ANIMAL}|On the coat of arms there is {ANIMAL}|The town's flag is green, its coat of arms {ANIMAL}",
        "What does the coat of arms show?|What is on the coat of arms of S?",
    ),
    Fact(
        "The present mayor is {PERSON}|{PERSON} has been mayor since YEAR|In YEAR the citizens chose {PERSON} as their mayor",
        "Who is the mayor of S?|Who is mayor?|Whom did the citizens choose as mayor?",
        since=310,
        until=320,
    ),
)
PERSON_FACTS = (
    Fact(
        "S was born in {PLACE} in YEAR|The birthplace of S is {PLACE}|In YEAR S was born in a village near {PLACE}",
        "Where was S born?|What is the birthplace of S?|In or near which town was S born?",
    ),
    Fact(
        "S studied {SUBJECT} in PLACE|As a student of {SUBJECT}, S lived in PLACE|S took a degree in {SUBJECT} in YEAR",
        "What did S study?|Which subject did S study?|What was the degree of S in?",
        since=18,
        until=24,
    ),
    Fact(
        "The teacher who mattered most was {PERSON}|S was taught by {PERSON} for COUNT years|{PERSON}, already old, became the teacher of S",
        "Who taught S?|Who was the teacher of S?|By whom was S taught?",
    ),
    Fact(
        "In YEAR S invented {INVENTION}|The best known work of S is {INVENTION}, made in YEAR|S is remembered for {INVENTION}",
        "What did S invent?|What is S remembered for?|What is the best known invention of S?",
        since=26,
        until=50,
    ),
    Fact(
        "S married {PERSON} in YEAR|In YEAR {PERSON} and S were married in PLACE|The marriage to {PERSON} lasted COUNT years",
        "Whom did S marry?|Who was married to S?|To whom was S married?",
        since=24,
        until=36,
    ),
    Fact(
        "The couple had {COUNT} children|After the wedding {COUNT} children were born|S had {COUNT} children, one of whom became mayor of PLACE",
        "How many children did S have?|How many children were there?",
    ),
    Fact(
        "From YEAR on S lived in {PLACE}|Later S moved to {PLACE} and opened a shop there|The last move, in YEAR, was to {PLACE}",
        "Where did S move to?|Where did S live later?|To which town did S move?",
        since=40,
        until=55,
    ),
    Fact(
        "S died in {YEAR}|S, who died in {YEAR}, was buried in PLACE|The death of S in {YEAR} was hardly noticed",
        "When did S die?|In what year did S die?|What was the year of the death of S?",
        since=60,
        until=90,
    ),
    Fact(
        "A street in PLACE and a ship, the {SHIP}, recall the name|The ship {SHIP} carried the first letters of S|S crossed the sea in YEAR on the {SHIP}",
        "What is the name of the ship?|Which ship is told of?|On which ship did S cross the sea?",
        since=30,
        until=55,
    ),
)
COUNTS = names_in("two|three|four|five|six|seven|eight|nine|eleven|twelve")
SHIPS = names_in(
    "Morning Star|Grey Lady|Good Hope|Sea Thistle|Old Anna|Northern Light|Swallow|Patience|Two Sisters"
)


LISTS = {
    "PLACE": PLACE_NAMES,
    "RIVER": RIVERS,
    "GOODS": GOODS,
    "SUBJECT": SUBJECTS,
    "INVENTION": INVENTIONS,
    "ANIMAL": ANIMALS,
    "MONTH": MONTHS,
    "COUNT": COUNTS,
    "SHIP": SHIPS,
}


class Drawer:
    """Draws what stands for the capitals, nothing twice in a paragraph."""

    def __init__(self, draw: random.Random) -> None:
        self._random = draw
        self._used: set[str] = set()
        self._first_year = draw.randrange(1610, 1690)

    def draw(self, kind: str, *, fact: Fact = PLACE_FACTS[0]) -> str:
        """Return something of this kind that has not been drawn yet."""
        while True:
            value = self._draw(kind, fact)
            if value not in self._used:
                self._used.add(value)
                return value

    def _draw(self, kind: str, fact: Fact) -> str:
        if kind == "PERSON":
            return f"{self._random.choice(FIRST_NAMES)} {self._random.choice(LAST_NAMES)}"
        if kind == "YEAR":
            return str(self._first_year + self._random.randrange(fact.since, fact.until + 1))
        if kind == "PEOPLE":
            return f"{self._random.randrange(2, 90)},{self._random.randrange(10)}00"
        return self._random.choice(LISTS[kind])


def tell(wording: str, subject: str, drawer: Drawer, *, fact: Fact) -> tuple[str, int, str]:
    """Return a sentence with all drawn, where the answer starts in it, and the answer."""
    sentence = answer = ""
    start = 0
    for piece in re.split(r"(\{[A-Z]+\}|\b[A-Z]{2,}\b|\bS\b)", wording):
        if piece == "S":
            piece = subject
        elif re.fullmatch(r"\{[A-Z]+\}", piece):
            piece = answer = drawer.draw(piece[1:-1], fact=fact)
            start = len(sentence)
        elif re.fullmatch(r"[A-Z]{2,}", piece):
            piece = drawer.draw(piece, fact=fact)
        sentence += piece
    return (
        sentence[0].upper() + sentence[1:] + ".",
        start,
        answer if start else answer[0].upper() + answer[1:],
    )


def make_paragraph(name: str, draw: random.Random) -> dict[str, object]:
    """Return a paragraph in the form of SQuAD v2, its questions with ids that begin with this name."""
    facts = draw.choice((PLACE_FACTS, PERSON_FACTS))
    drawer = Drawer(draw)
    subject = drawer.draw("PLACE" if facts is PLACE_FACTS else "PERSON")
    order = draw.sample(range(len(facts)), len(facts))
    told, untold = order[:FACTS], order[FACTS:]
    context = ""
    answers: dict[int, tuple[int, str]] = {}
    for number in told:
        # After the first sentence the last name will do.
        shown = subject.split()[-1] if context else subject
        wording = draw.choice(names_in(facts[number].wordings))
        sentence, start, answer = tell(wording, shown, drawer, fact=facts[number])
        context += " " * bool(context)
        answers[number] = (len(context) + start, answer)
        context += sentence
    questions = []
    asked = draw.sample(told, QUESTIONS) + untold[: draw.random() < 2 / 3]
    for place, number in enumerate(asked, start=1):
        question = re.sub(r"\bS\b", subject, draw.choice(names_in(facts[number].questions)))
        right = [answers[number]] if number in answers else []
        questions.append(
            {
                "id": f"{name}-{place}",
                "question": question,
                "answers": [{"text": text, "answer_start": start} for start, text in right],
                "is_impossible": not right,
            }
        )
    return {"context": context, "qas": questions}


def main(folder: Path = SAMPLE_DIR) -> None:
    """Write train.json, dev.json and test.json, a paragraph a line."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in PARAGRAPHS.items():
        draw = random.Random(f"{SEED} {split}")
        paragraphs = [make_paragraph(f"{split}-{number}", draw) for number in range(1, count + 1)]
        lines = ",\n".join(json.dumps(paragraph) for paragraph in paragraphs)
        file = folder / f"{split}.json"
        head = '{"version": "v2.0", "data": [{"title": "Made up", "paragraphs": [\n'
        file.write_text(f"{head}{lines}\n]}}]}}\n", encoding="utf-8")
        print(f"{file}: {count} paragraphs")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
