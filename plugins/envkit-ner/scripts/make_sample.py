"""Write the sample data: made-up news in CoNLL columns, from a small grammar and a seed.

Many names are ordinary words too (a rose, to mark, a bath), and places play and pay as clubs and
governments do, so that a model has to read the sentence and not only the word. A third of the names
of dev and test is never seen in train.

    python scripts/make_sample.py [FOLDER]
"""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

SAMPLE_DIR = Path(__file__).parents[1] / "src" / "envkit_ner" / "sample"
SEED = 20
SENTENCES = {"train": 480, "dev": 120, "test": 120}


def names_in(text: str) -> list[str]:
    """Return the names that bars separate."""
    return text.split("|")


FIRST_NAMES = names_in(
    "Rose|Mark|Will|May|Grace|Hope|Bill|Jack|Frank|Art|Olive|Ivy|Dawn|Pearl|Rich|Chase|Grant|Drew|Rob|Sue|"
    "Amara|Bogdan|Chiara|Dinesh|Elif|Farid|Greta|Hiro|Ingrid|Joaquin|Katya|Leila|Mirko|Nadia|Oskar|Priya"
)
LAST_NAMES = names_in(
    "Field|Cook|Baker|Stone|Rivers|Young|Price|Banks|Law|Marsh|Wood|Bishop|Cash|Street|Short|Page|Hill|Day|"
    "Lincoln|Jordan|Florence|Chester|Okafor|Lindqvist|Moreau|Petrov|Tanaka|Haddad|Silva|Novak|Ferrari|Brandt"
)
PLACES = names_in(
    "Bath|Reading|Nice|Cork|Split|Mobile|Bergen|Lincoln|Florence|Jordan|Chester|Orange|Poole|Sale|Deal|Hull|"
    "Turkey|Chad|China|Kenya|Norway|Peru|Lake Vostra|Mount Ardel|New Harrow|Port Salen|San Tirso|"
    "East Morrow|the Bay of Ilm|Quellin|Tarnow|Ostrava|Izmir|Lagos|Kyoto|Recife"
)
COMPANY_WORDS = names_in(
    "Beacon|Granite|Summit|Harbor|Orchard|Falcon|Target|Shell|Gap|Sprint|Visa|Oracle|Stone|Baker|Lincoln|"
    "Florence|Vantor|Quillix|Norvane|Delmara|Ostrix|Pellum|Kestrel|Arcadia"
)
COMPANY_ENDINGS = names_in("Bank|Motors|Foods|Group|Airways|Union|Steel|University|Hospital|& Sons")
OTHERS = names_in(
    "Kenyan|Peruvian|Norwegian|Turkish|Chinese|Jordanian|Croatian|Irish|Winter Cup|Spring Open|Harbor Prize|"
    "Summit Accord|Golden Rose|Beacon Award|Orange Revolution|Catholic|Buddhist|Falcon 9|Orchard X|May Day|"
    "Hill Report|Lake Games|English|Basque|Swahili|Nobel Prize"
)

# A word in capitals is drawn from its names and tagged; {a|b} is a choice. Everything else is tagged O.
TEMPLATES = (
    "PER {said|repeated|insisted|denied} on {Monday|Tuesday|Friday} that ORG would {leave|return to|invest in} LOC .",
    "PER , who {runs|founded|advises} ORG , {was born|grew up|lives|teaches} in LOC .",
    "ORG {named|hired|sued|fired} PER {last week|in May|on Thursday} .",
    "The MISC {minister|striker|novelist|pianist} PER {arrived|died|performed|was arrested} in LOC .",
    "ORG shares {rose|fell|jumped} {two|five|nine} percent after talks with ORG in LOC .",
    "{Police|Doctors|Farmers|Teachers} in LOC {said|feared} the {bath|shell|stone|bank} was {old|stolen|empty} .",
    "LOC ORG 2 , LOC ORG 0 .",
    "TEAM beat TEAM {3-1|2-0|4-2} in the MISC on {Sunday|Saturday} .",
    "TEAM {drew with|lost to|will meet} TEAM at home in LOC .",
    "PER won the MISC {for the second time|in LOC|ahead of PER} .",
    "The MISC begins in LOC next {week|month|spring} .",
    "It may {rain|snow} in LOC , PER of ORG said .",
    "Prices rose in May , and a rose in LOC now costs {three|four} dollars .",
    "Will the {hill|field|lake} be sold , PER asked the {mayor|council} of LOC .",
    "She likes reading {in the bath|by the lake|to children} and speaks MISC .",
    "They had a nice day in LOC , far from the {banks|street|woods} .",
    "The deal with ORG will {mark|split|chase} a {market|crowd} that PER once {led|knew} .",
    "The target is to cook {a turkey|an orange pie|ten meals} in {one hour|half a day} .",
    "I hope the price of {coal|cork|china} will {drop|rise} , the baker said .",
    "A {bishop|judge|nurse} from LOC gave PER a {pearl|grant|page of law} .",
    "MISC exports to LOC {doubled|fell|were banned} , ORG {reported|said} .",
    "ORG said it had {no comment|new plans|a rich offer} .",
    "PER said {she|he} had {no comment|new plans|a rich offer} .",
    "LOC said it had {no comment|new plans|closed the border} .",
    "{Talks|A summit|A sprint race} between LOC and LOC {ended|failed} {at dawn|on the day} .",
    "PER and PER {met|married|studied} at ORG in LOC .",
    "{Young|Old|Frank} {people|words} {may|will} mark the day in the {street|wood|marsh} .",
    "The {beacon|orchard|harbor|summit} {near|above|outside} LOC {was|is} {closed|full of visa holders} .",
    "LOC , {May 3|June 12|April 30} ( ORG ) - PER {resigned|returned} .",
    "{Analysts|Investors} at ORG {doubt|hope} that LOC can {pay|deal with} ORG .",
)
SLOTS = frozenset({"PER", "ORG", "LOC", "MISC", "TEAM"})

_CHOICE = re.compile(r"\{([^}]*)\}")
Names = dict[str, list[str]]
Row = tuple[str, str]


def main() -> None:
    """Write train.conll, dev.conll and test.conll into the folder given, or where the plugin ships them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_DIR
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(SEED)
    known, every = split_names(draw)
    for split, number in SENTENCES.items():
        sentences = [make_sentence(draw, known if split == "train" else every) for _ in range(number)]
        text = "\n".join("".join(f"{word}\t{tag}\n" for word, tag in sentence) for sentence in sentences)
        (folder / f"{split}.conll").write_text(text, encoding="utf-8", newline="\n")
        print(f"{split}: {number} sentences")


def split_names(draw: random.Random) -> tuple[Names, Names]:
    """Return the names that train may use and all names, by kind."""
    every = {
        "first": FIRST_NAMES,
        "last": LAST_NAMES,
        "place": PLACES,
        "company": COMPANY_WORDS,
        "other": OTHERS,
    }
    return {kind: draw.sample(names, len(names) * 2 // 3) for kind, names in every.items()}, every


def make_sentence(draw: random.Random, names: Names) -> list[Row]:
    """Return one sentence as words with IOB2 tags."""
    pattern = draw.choice(TEMPLATES)
    rows: list[Row] = []
    for word in _CHOICE.sub(lambda choice: draw.choice(choice[1].split("|")), pattern).split():
        if word not in SLOTS:
            rows.append((word, "O"))
            continue
        parts = make_name(draw, names, word).split()
        if parts[0] == "the":
            rows.append((parts.pop(0), "O"))
        entity_type = "ORG" if word == "TEAM" else word  # a place that plays is a club
        rows += [(part, f"{'I' if index else 'B'}-{entity_type}") for index, part in enumerate(parts)]
    if draw.random() < 0.1:  # a headline
        rows = [(word.upper(), tag) for word, tag in rows]
    return rows


def make_name(draw: random.Random, names: Names, slot: str) -> str:
    """Return a name for this slot, in one to four words."""
    if slot == "PER":
        first, last = draw.choice(names["first"]), draw.choice(names["last"])
        return draw.choice((f"{first} {last}", f"{first} {last}", first, last, f"{first[0]}. {last}"))
    if slot == "ORG":
        company, ending = draw.choice(names["company"]), draw.choice(COMPANY_ENDINGS)
        place = draw.choice([place for place in names["place"] if " " not in place])
        return draw.choice((company, f"{company} {ending}", f"{company} {ending}", f"{ending} of {place}"))
    return draw.choice(names["other" if slot == "MISC" else "place"])


if __name__ == "__main__":
    main()
