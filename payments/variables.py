"""Reading the environment: where a value comes from, and collecting what is wrong with it.

Everything that is wrong is collected, so that a person mends a configuration once and not
once per variable. A problem names the variable and the fix, never the value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dotenv import dotenv_values

from payments.errors import PaymentsError

ACCOUNT_SEPARATOR = "__"
FILE_SUFFIX = "_FILE"
TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})
N = TypeVar("N", int, float)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the `variable`, what is the matter, and the `fix`."""

    variable: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.what}. {self.fix}."


class ConfigError(PaymentsError):
    """The configuration cannot be used."""

    def __init__(self, problems: Collection[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = [f"{count} problem{'s' * (count != 1)} with the configuration:"]
        lines += [f"  - {problem}" for problem in self.problems]
        super().__init__("\n".join(lines))


class Variables:
    """The variables of one environment; the environment wins over `.env`, `NAME` over `NAME_FILE`.

    Attributes:
        problems: what must be mended before the service can start.
        warnings: what works, and is better mended.
        secrets_seen: every secret value that was read, for the masking of logs.
        origins: where each variable that was asked for comes from; None where it is not set.
    """

    def __init__(self, environ: Mapping[str, str], env_file: Path | None = None) -> None:
        from_file: dict[str, str] = {}
        if env_file is not None and env_file.is_file():
            parsed = dotenv_values(env_file, interpolate=False, encoding="utf-8")
            from_file = {name: value for name, value in parsed.items() if value is not None}
        self._values = {**from_file, **environ}
        self._in_environment = frozenset(environ)
        for name in environ:  # a plain NAME in the environment beats a NAME_FILE in .env, and v.v.
            if name.endswith(FILE_SUFFIX) and name.removesuffix(FILE_SUFFIX) not in environ:
                self._values.pop(name.removesuffix(FILE_SUFFIX), None)
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.secrets_seen: set[str] = set()
        self.origins: dict[str, str | None] = {}

    def problem(self, variable: str, what: str, fix: str) -> None:
        self.problems.append(Problem(variable, what, fix))

    def warn(self, variable: str, what: str, fix: str) -> None:
        self.warnings.append(Problem(variable, what, fix))

    def text(self, name: str, default: str = "") -> str:
        """The stripped value, or `default` where it is unset or empty."""
        value = self._values.get(name, "").strip()
        if value or name not in self.origins:
            self.origins[name] = self._origin(name) if value else None
        return value or default

    def is_set(self, name: str) -> bool:
        return bool(self.text(name) or self.text(name + FILE_SUFFIX))

    def starting_with(self, prefix: str) -> dict[str, str]:
        """The variables of which the name begins so, and that are not empty."""
        texts = {name: self.text(name) for name in self._values if name.startswith(prefix)}
        return {name: text for name, text in texts.items() if text}

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        value = self.text(name, default)
        if value in allowed:
            return value
        self.problem(name, "is not one of the allowed values", f"Use one of: {', '.join(allowed)}")
        return default

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value not in TRUE | FALSE:
            self.problem(name, "is not a yes or a no", "Use one of: 1, 0, true, false, yes, no")
        return value in TRUE

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        return self._number(name, default, least, most, int, "a whole number")

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        return self._number(name, default, least, most, float, "a number")

    def _number(
        self, name: str, default: N, least: N, most: N, parse: Callable[[str], N], kind: str
    ) -> N:
        value = self.text(name)
        if not value:
            return default
        try:
            number = parse(value)
        except ValueError:
            number = None
        # int() takes "1_000" and Arabic digits too; `not (a <= x <= b)` also refuses NaN.
        odd = "_" in value or not value.isascii()
        if number is None or odd or not least <= number <= most:
            self.problem(name, f"is not {kind} from {least:,} to {most:,}", "Correct or remove it")
            return default
        return number

    def names(self, name: str, default: str = "") -> tuple[str, ...]:
        """A comma-separated list, without its empty parts."""
        return tuple(part.strip() for part in self.text(name, default).split(",") if part.strip())

    def secrets(self, name: str) -> tuple[str, ...]:
        """The comma-separated secrets of `name`, or those in the file that `NAME_FILE` names."""
        value = self.text(name) or self._read_file(name)
        if not value:
            return ()
        parts = tuple(part.strip() for part in value.split(","))
        if "" in parts:
            self.problem(name, "has an empty secret between commas", "Remove the stray comma")
        secrets = tuple(part for part in parts if part)
        self.secrets_seen.update(secrets)
        return secrets

    def secret(self, name: str) -> str:
        """One secret, or ""."""
        value = self.text(name) or self._read_file(name)
        if value:
            self.secrets_seen.add(value)
        return value

    def _origin(self, name: str) -> str:
        return "environment" if name in self._in_environment else ".env"

    def _read_file(self, name: str) -> str:
        path = self._values.get(name + FILE_SUFFIX, "").strip()
        if not path:
            return ""
        self.origins[name] = f"file, named in {self._origin(name + FILE_SUFFIX)}"
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError, ValueError) as error:
            self.problem(
                name + FILE_SUFFIX,
                f"names a file that cannot be read ({type(error).__name__})",
                "Check its path and permissions",
            )
            return ""
        if not value:
            self.problem(name + FILE_SUFFIX, "names an empty file", f"Put the value of {name} in")
        return value

    def accounts(self, name: str) -> Iterator[str]:
        """The accounts of which `NAME__ACCOUNT` (or `NAME__ACCOUNT_FILE`) is set, in lower case."""
        prefix = name + ACCOUNT_SEPARATOR
        found = {
            key.removesuffix(FILE_SUFFIX).removeprefix(prefix).lower()
            for key, value in self._values.items()
            if key.startswith(prefix) and value.strip()
        }
        yield from sorted(found - {""})
