"""Write the sample data: made-up sentences with two marked entities, as texts with spans of characters.

Of some sentences two pairs are marked, with another relation each, so that the markers have to be read.

    python scripts/make_sample.py [FOLDER]
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

SAMPLE_DIR = Path(__file__).parents[1] / "src" / "envkit_relation" / "sample"

SENTENCES = {
    "train": {
        "born_in": """
            [1 Ada Brandt] was born in [2 Tromso].
            [1 Malik Osei] was born in [2 Kumasi] and trained as a nurse.
            [1 Ines Ferreira] was born in [2 Porto], where her father sold shoes.
            The painter [1 Jonas Lund] was born in [2 Malmo].
            [1 Farah Aziz], born in [2 Lahore], now leads Bluecrest.
            [1 Tom Keller], born in [2 Linz], joined Harbor Bank in spring.
            Born in [2 Galway], [1 Nora Walsh] founded Kestrel Foods.
            Born in [2 Kyoto], [1 Kenji Mori] works for Pellum.
            Like her mother, [1 Olga Petrova] was born in [2 Kazan].
            [2 Recife] is where [1 Rui Campos] was born.
            [2 Bergen] is where [1 Leif Aas] was born and went to school.
            [1 Selin Kaya] says she was born in [2 Izmir].
        """,
        "employed_by": """
            [1 Peter Hahn] works for [2 Norvane].
            [1 Lucia Moretti] works for [2 Delmara Steel] as an engineer.
            [1 Dinesh Rao] has worked for [2 Quillix] since May.
            [1 Tom Keller], born in Linz, joined [2 Harbor Bank] in spring.
            [1 Hana Sato] joined [2 Arcadia Motors] last year.
            Born in Kyoto, [1 Kenji Mori] works for [2 Pellum].
            [1 Greta Holm] is employed by [2 Summit Airways].
            [2 Vantor] hired [1 Samuel Boateng] on Monday.
            [2 Granite Union] hired [1 Chloe Martin] to run its shops.
            [2 Ostrix] has hired the chemist [1 Ivan Dragan].
            The accountant [1 Mary Dolan] works for [2 Falcon Group].
            [1 Oskar Nilsson] joined [2 Orchard Hospital] as a surgeon.
        """,
        "founded": """
            [1 Elif Demir] founded [2 Tilia Books].
            [1 Hugo Blanc] founded [2 Verdane] with two friends.
            Born in Galway, [1 Nora Walsh] founded [2 Kestrel Foods].
            [1 Wanda Kowalska] founded [2 Amber Mills] at nineteen.
            [2 Lumen Tools] was founded by [1 Andre Silva].
            [2 Sparrow Radio] was founded by [1 Joan Price] in a garage.
            [2 Rowan Press] of Leeds was founded by [1 Alan Marsh].
            [1 Yusuf Haddad] set up [2 Cedar Clinic] after the war.
            [1 Bianca Rossi] set up [2 Fontana Glass] in an old mill.
            In 1990 [1 Mei Lin] set up [2 Jade Freight].
            [2 Polar Boats] was set up by [1 Erik Strand].
            It was [1 Clara Vogel] who founded [2 Vogel Pianos].
        """,
        "based_in": """
            [1 Rowan Press] of [2 Leeds] was founded by Alan Marsh.
            [1 Norvane] is based in [2 Ghent].
            [1 Delmara Steel] is based in [2 Bilbao] and has four plants.
            [1 Summit Airways] is based in [2 Denver].
            [1 Quillix], based in [2 Tallinn], makes maps.
            [1 Amber Mills], based in [2 Gdansk], sells flour.
            [1 Harbor Bank] has its head office in [2 Trieste].
            [1 Pellum] has its head office in [2 Osaka].
            The head office of [1 Falcon Group] is in [2 Dublin].
            The head office of [1 Lumen Tools] is in [2 Recife].
            From its base in [2 Oulu], [1 Polar Boats] sends out ships.
            [2 Lyon] is the base of [1 Verdane].
        """,
        "no_relation": """
            [1 Farah Aziz], born in Lahore, read a book about [2 Bluecrest].
            [1 Paul Weber] walked past the windows of [2 Vantor].
            [1 Ruth Levy] flew over [2 Tallinn] at night.
            [1 Omar Said] painted the harbour of [2 Trieste].
            [1 Anna Berg] wrote to [2 Ostrix] and got no answer.
            [1 Carlos Vega] saw an advertisement of [2 Jade Freight].
            [1 Tilia Books] printed a guide to [2 Lisbon].
            [1 Sparrow Radio] reported on floods in [2 Hanoi].
            [1 Arcadia Motors] sold two cars in [2 Bergen].
            A cousin of [1 Jan Novak] once sang in [2 Lyon].
            [1 Lena Fischer] dreamed of [2 Kyoto] all winter.
            [1 Ben Carter] complained about [2 Summit Airways].
        """,
    },
    "dev": {
        "born_in": """
            [1 Marta Nowak] was born in [2 Lublin].
            Born in [2 Cork], [1 Sean Daly] works for Alder Shipping.
            [2 Parma] is where [1 Dario Conti] was born.
        """,
        "employed_by": """
            [1 Aisha Bello] works for [2 Nimbus] as a pilot.
            Born in Cork, [1 Sean Daly] works for [2 Alder Shipping].
            [2 Heron Dairy] hired [1 Vera Lang] last week.
        """,
        "founded": """
            [1 Karim Nasser] founded [2 Oasis Solar].
            [2 Thistle Knits] was founded by [1 Fiona Grant].
            In 2004 [1 Per Dahl] set up [2 Fjord Optics].
        """,
        "based_in": """
            [1 Nimbus] is based in [2 Zurich].
            [1 Oasis Solar] has its head office in [2 Amman].
            [1 Heron Dairy], based in [2 Utrecht], makes cheese.
        """,
        "no_relation": """
            [1 Emma Stone] walked past the gates of [2 Nimbus].
            [1 Viktor Hale] flew over [2 Zurich] in a storm.
            [1 Fjord Optics] sold a telescope in [2 Quito].
        """,
    },
    "test": {
        "born_in": """
            [1 Tariq Malik] was born in [2 Multan] and raised by an aunt.
            [1 Rosa Prieto], born in [2 Cadiz], joined Basalt Works.
            Born in [2 Turku], [1 Aino Laine] founded Birch Audio.
        """,
        "employed_by": """
            [1 Henry Moss] is employed by [2 Lantern Rail].
            [1 Rosa Prieto], born in Cadiz, joined [2 Basalt Works].
            [2 Corvus] hired the lawyer [1 Mina Park].
        """,
        "founded": """
            Born in Turku, [1 Aino Laine] founded [2 Birch Audio].
            [2 Lantern Rail] was founded by [1 George Tilley] in a barn.
            [1 Zeynep Arslan] set up [2 Saffron Air].
        """,
        "based_in": """
            [1 Birch Audio] is based in [2 Turku].
            The head office of [1 Corvus] is in [2 Prague].
            [1 Saffron Air], based in [2 Adana], flies to islands.
        """,
        "no_relation": """
            [1 Liam Burke] read a book about [2 Corvus].
            [1 Basalt Works] printed a map of [2 Cadiz].
            [1 Nina Roth] complained about [2 Lantern Rail].
        """,
    },
}


def make_row(marked: str, relation: str) -> dict[str, object]:
    """Return a row whose spans are those of the brackets: ``[1 ...]`` is the head, ``[2 ...]`` the tail."""
    text, spans = "", {}
    for part in re.split(r"(\[[12] [^\]]+\])", marked):
        is_entity = part.startswith(("[1 ", "[2 "))
        written = part[3:-1] if is_entity else part
        if is_entity:
            spans[part[1]] = [len(text), len(text) + len(written)]
        text += written
    return {"text": text, "head": spans["1"], "tail": spans["2"], "relation": relation}


def main() -> None:
    """Write the three files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_DIR
    folder.mkdir(parents=True, exist_ok=True)
    for split, by_relation in SENTENCES.items():
        rows = [
            make_row(line.strip(), relation)
            for relation, lines in by_relation.items()
            for line in lines.strip().splitlines()
        ]
        file = folder / f"{split}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        print(f"{file}: {len(rows)} rows")


if __name__ == "__main__":
    main()
