"""A repository at a glance, for a page: who brings what, environments side by side, and how parts hang together."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Column(StrEnum):
    """A column of a picture, from what is applied by hand to what a request meets first."""

    ENTRY = "entry point"
    APPLICATION = "application"
    WORKLOAD = "workload"
    SERVICE = "service"
    ROUTE = "route"


@dataclass(frozen=True, slots=True)
class Owner:
    """An Application, Kustomization or HelmRelease: what brings it, and how many objects of a kind it brings."""

    name: str
    parent: str
    environment: str
    cluster: str
    kinds: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One fact of one workload (its image, its replicas) in every environment, empty where it is not."""

    workload: str
    fact: str
    cells: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Tell whether the environments that have it disagree."""
        return len({cell for cell in self.cells if cell}) > 1


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a picture and the file a person would edit."""

    column: Column
    label: str
    title: str
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The parts of one environment; an edge is a pair of indexes of nodes, from left to right."""

    environment: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """All of it. ``lines`` are the texts of the files that findings are in."""

    name: str
    environments: tuple[str, ...]
    owners: tuple[Owner, ...]
    rows: tuple[Row, ...]
    pictures: tuple[Picture, ...]
    lines: Mapping[str, tuple[str, ...]]
