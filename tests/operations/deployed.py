"""The files of `deploy/` and `compose.yaml`, read as those who run them read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"


class _OneOfEach(yaml.SafeLoader):
    """A key that is there twice is a mistake that YAML hides."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _value in node.value]
        assert len(keys) == len(set(keys)), f"twice in {node.start_mark}: {keys}"
        return super().construct_mapping(node, deep)


def read(path: Path) -> list[Any]:
    """Every document in a file."""
    return list(yaml.load_all(path.read_text(), _OneOfEach))


def manifest(name: str, number: int = 0) -> Any:
    """One document of the manifests."""
    return read(KUBERNETES / f"{name}.yaml")[number]


def compose() -> Any:
    """The composition."""
    return read(ROOT / "compose.yaml")[0]


def alerts() -> list[dict[str, Any]]:
    """The rules by which people are called."""
    (file,) = read(ROOT / "deploy" / "prometheus" / "alerts.yml")
    return [rule for group in file["groups"] for rule in group["rules"]]


def board() -> Any:
    """The board."""
    return json.loads((ROOT / "deploy" / "grafana" / "boards" / "isoko.json").read_text())


def questions() -> list[str]:
    """Every PromQL expression of the rules and the board."""
    asked = [target["expr"] for panel in board()["panels"] for target in panel["targets"]]
    return [rule["expr"] for rule in alerts()] + asked


def selectors(question: str) -> Iterator[Any]:
    """The series that an expression looks at; a wrong expression raises."""
    # What Grafana puts in is some range of time.
    waiting = [promql.parse(question.replace("$__rate_interval", "1m"))]
    while waiting:
        part = waiting.pop()
        if isinstance(part, promql.VectorSelector):
            yield part
        elif isinstance(part, promql.MatrixSelector):
            yield part.vector_selector
        elif isinstance(part, promql.BinaryExpr):
            waiting += [part.lhs, part.rhs]
        elif isinstance(part, promql.Call):
            waiting += part.args
        elif isinstance(part, promql.NumberLiteral):
            continue
        else:
            waiting.append(part.expr)
