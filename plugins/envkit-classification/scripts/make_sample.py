"""Write the sample data: made-up messages to a shop's support, from a small grammar and a seed.

Words stand in several classes (to charge a card or a battery, an order that came or that is out of order, a
return of goods or of a fault, an update of an app or of an address), so that a model has to read the
sentence and not only the word. Some goods, openings and ways to put it are in dev and test alone.

    python scripts/make_sample.py [FOLDER]
"""

from __future__ import annotations

import csv
import random
import re
import sys
from pathlib import Path

SAMPLE_DIR = Path(__file__).parents[1] / "src" / "envkit_classification" / "sample"
SEED = 7
MESSAGES = {"train": 600, "dev": 150, "test": 150}


def words(text: str) -> list[str]:
    """Return the words that bars separate."""
    return text.split("|")


# GOODS, WHEN and AMOUNT are drawn from lists; {a|b} is a choice.
PATTERNS = {
    "billing": (
        "I was charged {twice|three times|AMOUNT too much} for {the|my} GOODS",
        "{why|can you explain why} is there a charge of AMOUNT on my {card|account|statement} since WHEN",
        "the invoice for {the|my} GOODS {shows|says|lists} AMOUNT but {I paid|the price was} less",
        "{please|could you} send me {a receipt|an invoice|a bill} for the order I placed WHEN",
        "my {discount|coupon|voucher} was not taken off {the total|when I paid|the price of the GOODS}",
        "{how do I|where can I} update the card that {you charge|my payments go to}",
        "I {cancelled|ended} my subscription WHEN and AMOUNT was {still|again} taken from my account",
    ),
    "delivery": (
        "my {order|parcel|package} {has not arrived|is still not here|never came} , it was due WHEN",
        "{where is|I am waiting for} my GOODS , the tracking {has not moved|shows nothing new} since WHEN",
        "the courier {left the package|returned the parcel|could not find the door} WHEN",
        "can you {update|change|correct} the address before {the order|my GOODS} {ships|goes out}",
        "{the|my} GOODS {was|were} sent to {the wrong city|my old address|a neighbour} WHEN",
        "how {long|many days} does {shipping|it} take to {return to|reach} {Norway|an island|the north}",
        "only half of {my order|the parcel} {came|was in the box} , the GOODS is {missing|not there}",
    ),
    "fault": (
        "{the|my} GOODS {does not charge|stopped charging|will not hold a charge} {any more|since WHEN}",
        "the screen of {the|my} GOODS {went black|flickers|is dead} {after the update|WHEN}",
        "{the|my} GOODS {is out of order|makes a loud noise|gets very hot} {after an hour|since WHEN}",
        "the app {crashes|closes|hangs} when I {open my account|pay|track an order}",
        "after the last update the GOODS {loses|drops} the {signal|connection} {every day|all the time}",
        "the {button|hinge|lid} of the GOODS {broke|came off|is stuck} {WHEN|within a week}",
        "the {fault|error|noise} {returned|came back} WHEN though {you|they} had repaired the GOODS",
    ),
    "account": (
        "I cannot {log in|sign in|get into my account} {since WHEN|after the update}",
        "{how do I|please help me} {reset|change} {the|my} password",
        "the {code|link} to {confirm|unlock} my account {never arrives|has not arrived|does not open}",
        "please {delete|close} my account {and all my data|today|, I have not used it since WHEN}",
        "{how can I|I want to} {update|change} the {email|phone number|name} {in|of} my {account|profile}",
        "somebody {else logged into|signed in to|uses} my account {WHEN|and placed an order}",
        "my {account|profile} is {locked|blocked} {after three tries|since WHEN} , please open it",
    ),
    "return": (
        "I {want|would like} to {return|send back} {the|my} GOODS , it {is too small|is not what I ordered}",
        "how do I {send back|return} {the|a} GOODS that {I do not like|was a gift|I bought WHEN}",
        "{when|how soon} {do I get|will I see} my money back for the GOODS I {sent back|returned} WHEN",
        "can I {exchange|swap} the GOODS for {a larger|another|a blue} one",
        "{please send|I need} a {label|slip} to {return|send back} {the order|my GOODS}",
        "is it {possible|too late} to {return|exchange} {an order|a GOODS} {after a month|from WHEN}",
        "you {promised|owe me} a refund of AMOUNT for the {returned|unopened} GOODS",
    ),
}
GOODS = words(
    "charger|headphones|kettle|lamp|backpack|tablet|watch|toaster|jacket|monitor|keyboard|drill|"
    "blender|camera|speaker|router"
)
TIMES = words("Monday|last week|two days ago|yesterday|the first of May|Friday|this morning|last month")
OPENINGS = ("", "", "", "", "hi , ", "hello , ", "good morning , ", "sorry to bother you but ", "question : ")
ENDINGS = ("", "", "", "", " , please help", " , thanks", " ?", " !", " , this is urgent", " . thank you")
UNSEEN_GOODS, UNSEEN_OPENINGS, UNSEEN_PATTERNS = 4, 2, 1  # from the end of the lists

_CHOICE = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile("GOODS|WHEN|AMOUNT")


def main() -> None:
    """Write train.csv, dev.csv and test.csv into the folder given, or where the plugin ships them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_DIR
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(SEED)
    seen: set[str] = set()
    for split, number in MESSAGES.items():
        rows: list[tuple[str, str]] = []
        while len(rows) < number:
            label = list(PATTERNS)[len(rows) % len(PATTERNS)]
            text = make_message(draw, label, is_train=split == "train")
            if text.lower() not in seen:
                seen.add(text.lower())
                rows.append((text, label))
        draw.shuffle(rows)
        with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("text", "label"), *rows])
        print(f"{split}: {number} messages")


def make_message(draw: random.Random, label: str, *, is_train: bool) -> str:
    """Return a message of this class."""
    goods = GOODS[:-UNSEEN_GOODS] if is_train else GOODS
    openings = OPENINGS[:-UNSEEN_OPENINGS] if is_train else OPENINGS
    patterns = PATTERNS[label][:-UNSEEN_PATTERNS] if is_train else PATTERNS[label]
    text = _CHOICE.sub(lambda choice: draw.choice(words(choice[1])), draw.choice(patterns))
    names = {
        "GOODS": draw.choice(goods),
        "WHEN": draw.choice(TIMES),
        "AMOUNT": f"{draw.choice('€$£')}{draw.randint(3, 240)}",
    }
    text = _SLOT.sub(lambda slot: names[slot[0]], text)
    text = draw.choice(openings) + text + draw.choice(ENDINGS)
    text = re.sub(r" (?=[,.?!:])", "", text)
    if draw.random() < 0.3:
        return text.lower()
    if draw.random() < 0.05:
        return text.upper()
    return text[0].upper() + text[1:]


if __name__ == "__main__":
    main()
