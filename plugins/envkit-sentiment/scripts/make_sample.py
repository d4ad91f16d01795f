"""Write the sample data: made-up reviews with one to five stars, from a small grammar and a seed.

Words alone do not tell the stars: what is praised is denied ("not as sturdy as I had hoped"), what is
blamed is denied too ("not bad at all"), and praise ends in a contrast ("lovely until it broke"). A third of
the things and of the words that judge them is never seen in train, nor is one way in eight of saying it; and
now and then somebody gives a star more or less than others would.

    python scripts/make_sample.py [FOLDER]
"""

from __future__ import annotations

import csv
import random
import re
import sys
from pathlib import Path

SAMPLE_DIR = Path(__file__).parents[1] / "src" / "envkit_sentiment" / "sample"
SEED = 4
REVIEWS = {"train": 800, "dev": 160, "test": 160}
WHIMS = 0.04  # the share of reviews with a star more or less

Words = dict[str, list[str]]
Sentences = dict[int, list[str]]


def words_in(text: str) -> list[str]:
    """Return the words that bars separate."""
    return text.split("|")


WORDS: Words = {
    "THING": words_in(
        "kettle|lamp|backpack|headphones case|blender|tent|keyboard|bike lock|raincoat|coffee mug|office chair|"
        "phone stand|garden hose|notebook|frying pan|sleeping bag|desk fan|puzzle|travel pillow|wall clock|"
        "board game|water bottle|toaster|speaker"
    ),
    "PART": words_in(
        "handle|lid|zip|colour|finish|battery|cable|button|packaging|manual|material|sound|base|strap|screen|"
        "delivery|fit|switch|weight|smell|shape|stitching|design|price"
    ),
    "GOOD": words_in(
        "great|lovely|solid|excellent|beautiful|sturdy|handy|reliable|well made|clever|comfortable|pleasant|"
        "impressive|perfect|superb|delightful|sensible|neat"
    ),
    "BAD": words_in(
        "bad|awful|flimsy|cheap|ugly|useless|clumsy|unreliable|poor|disappointing|annoying|fragile|terrible|"
        "badly made|dreadful|shoddy|irritating|crooked"
    ),
    "BROKE": words_in(
        "it broke|it fell apart|it stopped working|the PART came off|the PART cracked|it began to leak"
    ),
    "WHILE": words_in("a week|two days|a month|three uses|one wash|the first evening"),
}

# A word in capitals is drawn from its words; {a|b} is a choice.
SENTENCES: Sentences = {
    5: [
        "I could not be happier with this THING .",
        "{Easily|By far} the best THING I have ever had .",
        "There is not a single thing to complain about .",
        "The PART is GOOD and the PART is even better .",
        "{Nothing|Not one thing} about it is BAD : a GOOD THING in every way .",
        "I expected a BAD PART and was wrong : it is GOOD , and so is the rest .",
        "Buy it . {GOOD|Simply GOOD} from the PART to the PART .",
        "I have {dropped|washed|used} it for a year and it never let me down .",
    ],
    4: [
        "Not BAD at all , I would buy this THING again .",
        "A GOOD THING , although the PART is a little BAD .",
        "The PART could be better , but everything else is GOOD .",
        "{Mostly|Nearly} GOOD , and I do not mind the BAD PART .",
        "GOOD PART , GOOD PART , just a slightly BAD PART .",
        "Far from BAD : only the PART took me {a while|some time} to like .",
        "It is no longer BAD now that the PART was changed , and I am quite happy .",
    ],
    3: [
        "The PART is GOOD , but the PART is BAD .",
        "The PART is BAD , but the PART is GOOD .",
        "Neither GOOD nor BAD , it {does|is} what it says .",
        "An ordinary THING : not GOOD , not BAD .",
        "Some will call it GOOD , others BAD ; I cannot decide .",
        "It works . {Nothing more|No more than that} , nothing less .",
        "Half of it is GOOD and half of it is BAD .",
    ],
    2: [
        "Not as GOOD as I had hoped .",
        "I wanted to like this THING , but the PART is BAD .",
        "Rather BAD , even if the PART is GOOD enough .",
        "GOOD for WHILE , until BROKE .",
        "Hardly GOOD : the PART is BAD and only the PART is all right .",
        "They say it is GOOD . It is not , though the PART will do .",
        "It would be GOOD if the PART were not so BAD .",
    ],
    1: [
        "A BAD THING , and after WHILE BROKE .",
        "The PART is BAD and the PART is even worse .",
        "I could not be more disappointed with this THING .",
        "There is nothing GOOD about it , least of all the PART .",
        "{A waste of|Save your} money : BAD from the PART to the PART .",
        "Anything but GOOD . I sent it back the same day .",
        "GOOD ? No . The worst THING I have ever had .",
        "I would give it no stars if I could .",
    ],
}

_CHOICE = re.compile(r"\{([^}]*)\}")
_SLOT = re.compile("|".join(WORDS))


def main() -> None:
    """Write train.csv, dev.csv and test.csv into the folder given, or where the plugin ships them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_DIR
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(SEED)
    known = {kind: draw.sample(words, len(words) * 2 // 3) for kind, words in WORDS.items()}
    known["BROKE"], known["WHILE"] = WORDS["BROKE"], WORDS["WHILE"]
    usual = {stars: draw.sample(patterns, len(patterns) - 1) for stars, patterns in SENTENCES.items()}
    seen: set[str] = set()
    for split, number in REVIEWS.items():
        rows = []
        while len(rows) < number:
            stars = 1 + len(rows) % 5
            review = (
                make_review(draw, usual[stars], known)
                if split == "train"
                else make_review(draw, SENTENCES[stars], WORDS)
            )
            if review not in seen:
                seen.add(review)
                rows.append((review, give_stars(draw, stars)))
        draw.shuffle(rows)
        with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerows([("review", "stars"), *rows])
        print(f"{split}: {number} reviews")


def make_review(draw: random.Random, patterns: list[str], words: Words) -> str:
    """Return a review of one or two sentences of these patterns."""
    chosen = draw.sample(patterns, draw.choice((1, 2)))
    return " ".join(make_sentence(draw, pattern, words) for pattern in chosen)


def give_stars(draw: random.Random, meant: int) -> int:
    """Return the stars that a reviewer gives who means so many."""
    given = meant + draw.choice((-1, 1)) if draw.random() < WHIMS else meant
    return min(5, max(1, given))


def make_sentence(draw: random.Random, pattern: str, words: Words) -> str:
    """Return one sentence of this pattern, without the blanks before its signs."""
    text = _CHOICE.sub(lambda choice: draw.choice(choice[1].split("|")), pattern)
    while _SLOT.search(text):  # a word that is drawn may hold slots of its own
        text = _SLOT.sub(lambda slot: draw.choice(words[slot[0]]), text)
    text = re.sub(r"\b([Aa])(?= [aeiou])", r"\1n", text)
    text = re.sub(r" ([.,:;?])", r"\1", text)
    return re.sub(r"(?<=[.?] )[a-z]|^[a-z]", lambda letter: letter[0].upper(), text)


if __name__ == "__main__":
    main()
