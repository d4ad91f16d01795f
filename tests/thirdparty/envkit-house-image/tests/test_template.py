from __future__ import annotations

import json

from envkit.testing import TEMPLATE_CHECKS, TemplateTrials, check_template
from envkit_house_image.extension import HERE, envkit_templates

(HOUSE,) = envkit_templates()


def test_template_keeps_what_every_template_promises() -> None:
    check_template(HOUSE)
    assert TEMPLATE_CHECKS


def test_every_image_has_what_the_cluster_reads() -> None:
    for text in TemplateTrials(template=HOUSE).dockerfiles().values():
        assert "COPY files/cluster.json /etc/house/cluster.json" in text
        assert "HOUSE_CLUSTER=/etc/house/cluster.json" in text


def test_file_of_the_cluster_is_json() -> None:
    assert json.loads((HERE / "cluster.json").read_text(encoding="utf-8"))["queue"] == "text"
