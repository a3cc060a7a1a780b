"""The log of a conversion: every box or picture that was dropped or repaired, and every warning."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mmps.structures import DataError


@dataclass
class ConversionLog:
    """Collects what a conversion changed.

    Args:
        strict: Whether a warning is an error.
        lines: One line per event, in order.
        kinds: How often each kind of event occurred.
    """

    strict: bool = False
    lines: list[str] = field(default_factory=list)
    kinds: Counter = field(default_factory=Counter)

    def note(self, kind: str, where: str, detail: str = '') -> None:
        """Log a box or an entry that was dropped or repaired.

        Args:
            kind: What happened, such as ``'dropped a box without area'``.
            where: File, or file and place in it.
            detail: The values.
        """
        self.kinds[kind] += 1
        self.lines.append(f'{where}: {kind}' + (f': {detail}' if detail else ''))

    def count(self, kind: str, where: str, number: int) -> None:
        """Log how many entries of a file went one way, in one line.

        Args:
            kind: What happened to them.
            where: File.
            number: How many they are.
        """
        self.kinds[kind] += number
        self.lines.append(f'{where}: {kind} ({number}x)')

    def remark(self, sentence: str) -> None:
        """Log what the user should know and nothing is wrong with.

        Args:
            sentence: One sentence.
        """
        self.kinds[sentence] += 1
        self.lines.append(sentence)

    def warn(self, sentence: str) -> None:
        """Log something that the user should look at.

        Args:
            sentence: One sentence that says what is wrong and what to do.

        Raises:
            DataError: With the same sentence, if the log is strict.
        """
        if self.strict:
            raise DataError(sentence)
        self.kinds[sentence] += 1
        self.lines.append(f'warning: {sentence}')

    def summary(self) -> list[str]:
        """Sum up.

        Returns:
            One line per kind of event.
        """
        return [f'{kind} ({count}x)' if count > 1 else kind for kind, count in self.kinds.items()]
