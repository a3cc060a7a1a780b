"""The log of a conversion: every box or image that was dropped or corrected, and every warning."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mmps.structures import DataError


@dataclass
class ConversionLog:
    """Collects what a conversion changed.

    Attributes:
        strict: Whether a warning is an error.
        lines: One line per event, in order.
        kinds: How often each kind of event occurred.
    """

    strict: bool = False
    lines: list[str] = field(default_factory=list)
    kinds: Counter = field(default_factory=Counter)

    def note(self, kind: str, where: str, detail: str = '') -> None:
        """Log a box or an entry that was dropped or corrected.

        Args:
            kind: What happened, such as ``'dropped a box without area'``.
            where: File, or file and position in it.
            detail: The values concerned.
        """
        self.kinds[kind] += 1
        self.lines.append(f'{where}: {kind}' + (f': {detail}' if detail else ''))

    def count(self, kind: str, where: str, number: int) -> None:
        """Log in one line how many entries of a file were treated in the same way.

        Args:
            kind: Description of the treatment.
            where: The file.
            number: Number of entries.
        """
        self.kinds[kind] += number
        self.lines.append(f'{where}: {kind} ({number}x)')

    def remark(self, sentence: str) -> None:
        """Log information that is not a problem.

        Args:
            sentence: One sentence.
        """
        self.kinds[sentence] += 1
        self.lines.append(sentence)

    def warn(self, sentence: str) -> None:
        """Log a problem that the user should look at.

        Args:
            sentence: One sentence with the problem and the fix.

        Raises:
            DataError: With the same sentence, if the log is strict.
        """
        if self.strict:
            raise DataError(sentence)
        self.kinds[sentence] += 1
        self.lines.append(f'warning: {sentence}')

    def summary(self) -> list[str]:
        """Summarise the log.

        Returns:
            One line per kind of event.
        """
        return [f'{kind} ({count}x)' if count > 1 else kind for kind, count in self.kinds.items()]
