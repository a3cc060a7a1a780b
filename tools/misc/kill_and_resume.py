#!/usr/bin/env python
r"""Kill a small training at many moments, resume it, and compare all weights.

One run is not interrupted but observed: every logged iteration and every new file is an event. Each
further run receives SIGKILL some time after one of these events, continues with
`tools/train.py CONFIG --resume`, and must end with the same bits in every weight, in the average of
the weights, and in the states of optimizer and schedules. Nothing is cleaned up in between. A run
that ends before its moment proves nothing and is not counted; too many of them fail the proof.

examples:
  python tools/misc/kill_and_resume.py
  python tools/misc/kill_and_resume.py --kills 8 --workers 2 --ema
  # two processes on the CPU, joined by gloo
  python tools/misc/kill_and_resume.py --kills 8 --processes 2
  python tools/misc/kill_and_resume.py --kills 8 \
      --config configs/compared/jdi-oim_faster-rcnn_r18_fpn_synthetic.py
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mmps.command_line import report_user_errors, teaching_parser
from mmps.files import write_json
from mmps.structures import UserError
from mmps.testing.differences import compare

ROOT = Path(__file__).resolve().parents[2]
POLL = 0.001
LAST = 'epoch_5.pth'
ENOUGH = 0.75
"""Share of the runs that have to be killed before they end."""
SPECIAL = ('writing checkpoint', 'cache', 'boundary', 'validation')


@dataclass(frozen=True)
class Event:
    """An event that is visible in a run's folder."""

    name: str
    kind: str
    time: float


@dataclass(frozen=True)
class Moment:
    """A moment to kill: some seconds after an event."""

    event: Event
    delay: float
    kind: str


class Run:
    """One training, as a subprocess for each rank, and the events in its folder."""

    def __init__(self, config: Path, work_dir: Path, processes: int, resume: bool) -> None:
        command = [sys.executable, str(ROOT / 'tools' / 'train.py'), str(config)]
        command += ['--work-dir', str(work_dir), *(['--resume'] if resume else [])]
        self.work_dir, self.seen, self.events = work_dir, set(), []
        self.log = open(work_dir.with_suffix('.log'), 'ab')  # noqa: SIM115
        shared = {**os.environ, 'OMP_NUM_THREADS': '1'}
        if processes > 1:
            command += ['--launcher', 'pytorch']
            shared |= {'WORLD_SIZE': str(processes), 'MASTER_ADDR': 'localhost'}
            shared['MASTER_PORT'] = str(free_port())
        self.ranks = [
            subprocess.Popen(
                command, cwd=ROOT, stdout=self.log, stderr=self.log, start_new_session=True,
                env={**shared, 'RANK': str(rank), 'LOCAL_RANK': str(rank)}
                if processes > 1 else shared,
            )
            for rank in range(processes)
        ]  # fmt: skip

    @property
    def ended(self) -> bool:
        return any(rank.poll() is not None for rank in self.ranks)

    def look(self) -> None:
        """Record new events in the folder."""
        now = time.monotonic()
        for name, kind in shown(self.work_dir):
            if name not in self.seen:
                self.seen.add(name)
                self.events.append(Event(name, kind, now))

    def kill(self) -> None:
        for rank in self.ranks:
            os.killpg(rank.pid, signal.SIGKILL)
        self.finish()

    def finish(self) -> int:
        codes = [rank.wait() for rank in self.ranks]
        self.log.close()
        return max(codes, key=abs)


def shown(work_dir: Path) -> list[tuple[str, str]]:
    """List name and kind of every event that the files in a work directory prove."""
    found = []
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for number, line in enumerate(path.read_bytes().splitlines()):
            phase = 'phase 2' if b'loss_triplet' in line else 'phase 1'
            found.append((f'line {number}', 'after validation' if b'det/AP' in line else phase))
    for path in (*work_dir.glob('*.pth'), *work_dir.glob('.*.pth.*.tmp')):
        if path.suffix == '.tmp':
            found.append((path.name.rsplit('.', 2)[0], 'writing checkpoint'))
        else:
            found.append((path.name, 'boundary' if path.name == 'epoch_2.pth' else 'validation'))
    cache = work_dir / 'feature_cache'
    if cache.is_dir():
        found += [
            (p.name.split('.tmp')[0], 'cache') for p in cache.rglob('*') if 'tmp' not in p.name
        ]
    return found


def free_port() -> int:
    with socket.socket() as s:
        s.bind(('localhost', 0))
        return s.getsockname()[1]


def watch(config: Path, work_dir: Path, processes: int) -> list[Event]:
    """Train without interruption; return the events in order."""
    run = Run(config, work_dir, processes, resume=False)
    while not run.ended:
        run.look()
        time.sleep(POLL)
    if run.finish() != 0:
        raise SystemExit(f'the uninterrupted run failed: see {work_dir.with_suffix(".log")}')
    return run.events


def choose(events: list[Event], kills: int, rng: random.Random) -> list[Moment]:
    """Choose moments: two thirds evenly over all events, the rest over special ones."""
    even = kills - kills // 3
    moments = []
    for k in range(even):
        place = (k + rng.random()) / even * (len(events) - 1)
        event, gap = events[int(place)], events[int(place) + 1].time - events[int(place)].time
        moments.append(Moment(event, place % 1 * gap, event.kind))
    for k in range(kills - even):
        kind = SPECIAL[k % len(SPECIAL)]
        event = rng.choice([e for e in events if e.kind == kind] or events)
        gaps = [e.time - event.time for e in events if e.time > event.time]
        moments.append(Moment(event, rng.random() * min(gaps, default=0.0), event.kind))
    return moments


def kill_at(config: Path, work_dir: Path, processes: int, moment: Moment) -> str | None:
    """Train until the moment, kill; return the kind of event, nothing if the run was faster."""
    run = Run(config, work_dir, processes, resume=False)
    while not run.ended:
        run.look()
        if moment.event.name in run.seen:
            time.sleep(moment.delay)
            if run.ended:
                break
            run.kill()
            return run.events[-1].kind
        time.sleep(POLL)
    if run.finish() != 0:
        raise SystemExit(f'a run failed before it was killed: see {work_dir.with_suffix(".log")}')
    return None


def resume(config: Path, work_dir: Path, processes: int) -> bool:
    """Resume the run; return whether it finished."""
    return Run(config, work_dir, processes, resume=True).finish() == 0


def write_config(out: Path, args: argparse.Namespace) -> Path:
    """Draw a small data set and write the config of a run that takes seconds."""
    from mmps.datasets.converters import Converter, convert, cuhk_sysu
    from mmps.synthetic import Recipe, make
    from mmps.testing.runs import joint_run, tiny_run

    data = out / 'data'
    make(data, Recipe('cuhk_sysu', 'a', 3, 40, 12), workers=1)
    convert(Converter('CUHK-SYSU', cuhk_sysu.parse), data)
    changes = {'train_cfg__val_interval': 1, 'log_level': 'WARNING'}
    if args.config:
        config = joint_run(args.config, data, out / 'unused', **changes)
    else:
        config = tiny_run(data, out / 'unused', **changes)
        config.default_hooks.two_phase.batches.identities = 2 * args.processes
    for loader in (config.train_dataloader, config.cached_people):
        loader.num_workers = args.workers
    if args.ema:
        config.custom_hooks = [
            *config.get('custom_hooks', []),
            {'type': 'EMAHook', 'momentum': 0.1},
        ]
    config.dump(out / 'config.py')
    return out / 'config.py'


def attempt(out: Path, config: Path, args: argparse.Namespace, number: int, moment: Moment) -> dict:
    """Kill one run, resume it, compare."""
    work_dir = out / f'kill_{number:02d}'
    work_dir.mkdir()
    hit = kill_at(config, work_dir, args.processes, moment)
    record = {'wanted': moment.kind, 'event': moment.event.name, 'delay': round(moment.delay, 4)}
    saved = (path.name for path in work_dir.glob('epoch_*.pth'))
    record |= {'killed in': hit, 'resumed from': max(saved, default=None)}
    ended = resume(config, work_dir, args.processes)
    record['differences'] = compare(out / 'whole' / LAST, work_dir / LAST) if ended else ['failed']
    if not record['differences']:
        shutil.rmtree(work_dir)
    return record


def parse_args(arguments: list[str] | None) -> argparse.Namespace:
    parser = teaching_parser(__doc__)
    add = parser.add_argument
    add(
        '--out',
        type=Path,
        metavar='DIR',
        help='new or empty folder for all files (default: in work_dirs/kill_and_resume)',
    )
    add(
        '--config',
        type=Path,
        metavar='FILE',
        help='of configs/compared: its losses, in one phase (default: two phases)',
    )
    add('--kills', type=int, default=30, metavar='N', help='runs that are killed')
    add('--seed', type=int, default=0, metavar='N', help='chooses the moments')
    add('--processes', type=int, default=1, metavar='N', help='processes of each training')
    add('--workers', type=int, default=0, metavar='N', help='workers of each data loader')
    add('--ema', action='store_true', help='train with an average of the weights (EMAHook)')
    return parser.parse_args(arguments)


def new_folder(given: Path | None) -> Path:
    """Make the folder of this call; nothing of an earlier one is touched.

    Raises:
        UserError: The given folder holds something.
    """
    folder = given or Path('work_dirs', 'kill_and_resume', time.strftime('%Y%m%d_%H%M%S'))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UserError(f'--out {folder} is not empty: give a new folder')
    return folder.resolve()


def verdict(records: list[dict]) -> str | None:
    """Return what contradicts the proof, if anything does."""
    killed = sum(record['killed in'] is not None for record in records)
    failed = sum(bool(record['differences']) for record in records)
    if failed:
        return f'{failed} of {len(records)} runs did not end like the uninterrupted one'
    if killed < ENOUGH * len(records):
        return (
            f'only {killed} of {len(records)} runs were killed, the others were faster than their '
            f'moment: at least {ENOUGH:.0%} must be killed; try again on a quieter machine'
        )
    return None


def main(arguments: list[str] | None = None) -> None:
    args = parse_args(arguments)
    out = new_folder(args.out)
    config = write_config(out, args)
    (out / 'whole').mkdir()
    events = watch(config, out / 'whole', args.processes)
    moments = choose(events, args.kills, random.Random(args.seed))
    records = []
    for number, moment in enumerate(moments, 1):
        records.append(attempt(out, config, args, number, moment))
        print(f'{number:3d}/{args.kills}  {json.dumps(records[-1])}', flush=True)
    write_json(out / 'report.json', records)
    hits = [record for record in records if record['killed in']]
    kinds = Counter(record['killed in'] for record in hits).most_common()
    print('killed in: ' + ', '.join(f'{kind} {count}' for kind, count in kinds))
    same = sum(not record['differences'] for record in hits)
    print(f'{same}/{len(hits)} killed runs bit-identical to the uninterrupted run')
    if objection := verdict(records):
        raise SystemExit(objection)


if __name__ == '__main__':
    sys.exit(report_user_errors(main))
