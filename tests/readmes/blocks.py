"""The examples of all READMEs: fenced blocks, and commands inside of the text."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ('configs', 'mmps', 'tools', 'tests')
READMES = sorted(
    [ROOT / 'README.md', *(p for folder in FOLDERS for p in (ROOT / folder).rglob('README.md'))]
)
FENCE = re.compile(r'^ *```(\w*)\n(.*?)^ *```', re.DOTALL | re.MULTILINE)
STARTS_A_TOOL = re.compile(
    r'([A-Z_]+=\S* )*(torchrun |(\S*python|bash) (tools/|-m mmps)|tools/\S+\.\w|mmps [a-z]+)'
)
SHELLS = ('bash', 'sh', 'shell')


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    readme: Path
    language: str
    code: str

    def __str__(self) -> str:
        first = next(line for line in self.code.splitlines() if line.strip())
        return f'{self.readme.relative_to(ROOT)}: {first.strip()[:50]}'

    @property
    def commands(self) -> list[str]:
        """One command a line, without remarks and prompts."""
        lines = self.code.replace('\\\n', ' ').splitlines()
        plain = (re.sub(r'(^|\s)#.*', '', line).strip().removeprefix('$ ') for line in lines)
        return [part.strip() for line in plain if line for part in line.split('&&')]


@dataclass(frozen=True)
class Command:
    """A command of a README that starts one of our tools, or a module."""

    readme: Path
    text: str

    def __str__(self) -> str:
        return f'{self.readme.relative_to(ROOT)}: {self.text}'

    @cached_property
    def words(self) -> list[str]:
        """Program and arguments, what stands before them left out."""
        words = shlex.split(self.text)
        while words and re.fullmatch(r'[A-Z_]+=\S*', words[0]):
            del words[0]
        if words[0] == 'torchrun':
            del words[: next(k for k, word in enumerate(words) if word.startswith('tools/'))]
        if words[0].endswith('python') or words[0] == 'bash':
            del words[0]
        return words


def blocks(readme: Path) -> list[Block]:
    text = readme.read_text(encoding='utf-8')
    return [Block(readme, *found) for found in FENCE.findall(text)]


def inline_commands(readme: Path) -> list[str]:
    """Commands between backticks that start a tool by its path, or a module."""
    text = FENCE.sub('', readme.read_text(encoding='utf-8'))
    spans = (' '.join(span.split()) for span in re.findall(r'`([^`]+)`', text))
    commands = (part.strip() for span in spans for part in span.split('&&'))
    return [command for command in commands if STARTS_A_TOOL.match(command)]


BLOCKS = [block for readme in READMES for block in blocks(readme)]
COMMANDS = [
    *(Command(b.readme, c) for b in BLOCKS if b.language in SHELLS for c in b.commands),
    *(Command(readme, c) for readme in READMES for c in inline_commands(readme)),
]
