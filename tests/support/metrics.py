"""Reading `/metrics` as Prometheus does."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


class Page:
    """One page of metrics: its samples by name and labels."""

    def __init__(self, text: str) -> None:
        self.samples: dict[tuple[str, Labels], float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """The sum of this name's samples that have these labels; 0 where there is none."""
        wanted = set(labels.items())
        return sum(
            value for (named, has), value in self.samples.items() if named == name and wanted <= has
        )

    def labels_of(self, name: str) -> set[frozenset[str]]:
        """The names of the labels that samples of this name have."""
        return {frozenset(dict(has)) for named, has in self.samples if named == name}

    def values_of(self, name: str, label: str) -> set[str]:
        return {dict(has).get(label, "") for named, has in self.samples if named == name}

    def since(self, before: Page, name: str, **labels: str) -> float:
        """How much was added."""
        return self.value(name, **labels) - before.value(name, **labels)
