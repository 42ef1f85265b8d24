"""What a kustomization does to the resources it has: patches, namespace, labels, annotations, references."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scaffold.expand import jsonpatch
from scaffold.expand.fieldspecs import (
    ANNOTATIONS,
    METADATA_LABELS,
    NAMESPACES,
    SELECTOR_LABELS,
    TEMPLATE_LABELS,
    FieldError,
    FieldSpec,
    NameReference,
    places,
    selects,
    spec,
)
from scaffold.expand.resources import Id, KustomizeError, Resource, Resources
from scaffold.model.manifest import Place
from scaffold.model.repo import NotChecked, Repo, normalise
from scaffold.model.yamltext import parse
