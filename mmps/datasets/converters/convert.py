"""The steps that all converters share: read, measure images, check counts, write, report."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mmps.files import write_text
from mmps.structures.manifest import MANIFEST

from .boxes import report_odd_places
from .coco import write_split
from .log import ConversionLog
from .records import Parsed, Split
from .sizes import Progress, measure, no_progress

LOG_FILE = 'conversion.log'

Parse = Callable[[Path, ConversionLog, Progress], Parsed]


@dataclass(frozen=True)
class Converter:
    """One data set.

    Attributes:
        name: Name of the data set.
        parse: Reads its annotation files.
    """

    name: str
    parse: Parse


@dataclass(frozen=True)
class Conversion:
    """The result of a conversion.

    Attributes:
        splits: The converted splits.
        files: The written files.
        log: Dropped, corrected and unexpected entries.
    """

    splits: list[Split]
    files: list[Path]
    log: ConversionLog


def convert(
    converter: Converter,
    root: Path,
    out_dir: Path | None = None,
    *,
    strict: bool = False,
    progress: Progress = no_progress,
) -> Conversion:
    """Convert a data set; nothing is written before everything has been read.

    Args:
        converter: The data set.
        root: Folder of the data set.
        out_dir: Folder for the files, ``mmps`` in the data set's own folder if not given.
        strict: Whether unexpected counts and missing images are errors.
        progress: Displays the progress of each step.

    Returns:
        The result.

    Raises:
        DataError: If this is not the data set, or a file of it cannot be used.
    """
    log = ConversionLog(strict)
    parsed = converter.parse(root, log, progress)
    root = parsed.root
    splits = [measure(root, split, log, progress) for split in parsed.splits]
    for split in splits:
        report_odd_places(split, log)
    if not (root / MANIFEST).is_file():
        check_counts(splits, parsed.official_counts, converter.name, log)
    folder = root / 'mmps' if out_dir is None else out_dir
    files: list[Path] = []
    for split in progress(splits, len(splits), 'writing'):
        files += write_split(folder, split, converter.name)
    text = ''.join(f'{line}\n' for line in log.lines).replace(f'{root}{os.sep}', '')
    write_text(folder / LOG_FILE, text)
    return Conversion(splits, [*files, folder / LOG_FILE], log)


def check_counts(
    splits: list[Split], official: dict[str, dict[str, int]], name: str, log: ConversionLog
) -> None:
    """Compare with the published figures.

    Args:
        splits: The splits that were read.
        official: Figures of the published set, by split; unknown ones are omitted.
        name: Name of the data set.
        log: Receives the differences.

    Raises:
        DataError: If a figure differs and the log is strict.
    """
    for split in splits:
        found = split.counts()
        for key, expected in official.get(split.name, {}).items():
            if found[key] != expected:
                log.warn(
                    f'{name} {split.name} has {found[key]:,} {key}, '
                    f'the published set {expected:,}: is the copy complete?'
                )
