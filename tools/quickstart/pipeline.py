"""The steps of the quickstart and the files between them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from mmps.apis.experiments import Experiment, Run, Step, data_options, output_to, reid_options
from mmps.evaluation import CUHKSYSUProtocol, GroundTruth, Predictions, evaluate_predictions
from mmps.evaluation.baselines import chance_metrics, colour_predictions

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / 'configs' / 'toy'
VARIANTS = ('j2', 'j3', 'j4')
GALLERY = 'g100'
console = Console()


class Quickstart:
    """The steps, which exchange files in one folder per seed."""

    def __init__(self, work_dir: Path, seed: int) -> None:
        self.folder = work_dir / f'seed_{seed}'
        self.data = self.folder / 'data'
        self.test_json = self.data / 'mmps' / 'test.json'
        self.log = self.folder / 'log.txt'
        self.seed = seed
        self.detector = self._run('retinanet_r18_fpn_synthetic', 'detector')

    def steps(self) -> list[Step]:
        """List all steps in order."""
        steps = [
            Step('draw', 'Draw a data set in the layout of CUHK-SYSU', self.draw),
            Step('convert', 'Convert it', self.convert, ['draw']),
            Step('phase1', 'Train the detector (phase 1)', lambda: self.train(self.detector),
                 ['convert'], self.detector.about()),
        ]  # fmt: skip
        for variant in VARIANTS:
            steps += self._steps_of(variant)
        tested = [f'test_{variant}' for variant in VARIANTS]
        return [*steps, Step('baselines', 'Measure the baselines', self.baselines, tested)]

    def draw(self) -> None:
        """Draw a data set in CUHK-SYSU's layout."""
        run_tool('tools/misc/make_synthetic.py', self.data, '--layout', 'cuhk_sysu',
                 '--seed', self.seed)  # fmt: skip

    def convert(self) -> None:
        """Convert it as the real data set is converted."""
        run_tool('tools/dataset_converters/cuhk_sysu.py', self.data)

    def train(self, run: Run) -> None:
        """Train a run, and show the command that does the same."""
        show_command('tools/train.py', run.config.relative_to(ROOT), '--work-dir', run.work_dir)
        with output_to(self.log):
            run.train()

    def reid(self, variant: str) -> Run:
        """Return phase 2 of a variant, on the detector of phase 1."""
        return self._run(self._config(variant), variant, reid_options(self.detector.checkpoint))

    def evaluate(self, variant: str, trained: bool) -> dict[str, float]:
        """Test a variant with its trained or its fresh re-ID branch; keep the predictions."""
        name = variant if trained else f'untrained_{variant}'
        checkpoint = self.reid(variant).checkpoint if trained else self.detector.checkpoint
        with output_to(self.log):
            return self.test(variant).evaluate(checkpoint, self.folder / f'{name}.npz', not trained)

    def test(self, variant: str) -> Run:
        """Return a variant's test."""
        return self._run(self._config(variant), 'test')

    def baselines(self) -> dict[str, dict[str, float]]:
        """Measure chance, and colours without any network, on the detector's boxes."""
        truth = GroundTruth.load(self.test_json)
        predictions = Predictions.load(self.folder / 'j2.npz')
        protocol = CUHKSYSUProtocol(gallery_sizes=(100,))
        with Progress(transient=True) as bar:
            task = bar.add_task('Colours', total=len(truth.image_ids))
            coloured = colour_predictions(
                predictions, truth, self.data, lambda done, _: bar.update(task, completed=done)
            )
        return {
            'chance': chance_metrics(predictions, truth, protocol, draws=5, seed=0),
            'colour': evaluate_predictions(truth, coloured, protocol, gt_boxes=True).metrics,
        }

    def _steps_of(self, variant: str) -> list[Step]:
        name, reid = variant.upper(), self.reid(variant)
        return [
            Step(
                f'phase2_{variant}',
                f'Train the re-ID branch of {name} (phase 2)',
                lambda: self.train(reid),
                ['phase1'],
                reid.about(),
            ),
            Step(
                f'test_{variant}',
                f'Test {name}',
                lambda: self.evaluate(variant, trained=True),
                [f'phase2_{variant}'],
                self.test(variant).about(),
            ),
            Step(
                f'test_untrained_{variant}',
                f'Test {name} with an untrained branch',
                lambda: self.evaluate(variant, trained=False),
                ['phase1'],
                self.test(variant).about(),
            ),
        ]

    def _run(self, config: str, folder: str, options: dict[str, Any] | None = None) -> Run:
        options = {**data_options(self.data), **(options or {})}
        return Run(CONFIGS / f'{config}.py', self.folder / folder, options, progress=True)

    @staticmethod
    def _config(variant: str) -> str:
        return f'joint-{variant}_retinanet_r18_fpn_synthetic'


def run_all(start: Quickstart) -> dict[str, Any]:
    """Run every step; return the content of results.json."""
    experiment = Experiment(start.folder / 'steps', start.steps())
    found = experiment.run(on_step=show_step)
    seconds = experiment.seconds()
    metrics = {
        name.removeprefix('test_'): result
        for name, result in found.items()
        if name.startswith('test_')
    }
    scores = {name: search_scores(m) for name, m in {**metrics, **found['baselines']}.items()}
    return {
        'detector': {'AP50': metrics['j2']['det/AP'], 'recall': metrics['j2']['det/recall']},
        'variants': {v: scores[v] for v in VARIANTS},
        'baselines': {name: s for name, s in scores.items() if name not in VARIANTS},
        'seconds': {**seconds, 'total': round(sum(seconds.values()), 1)},
        'table': 'quickstart',
        'seed': start.seed,
        'command': f'bash tools/quickstart.sh --seed {start.seed}',
        **context_of(experiment),
    }


def context_of(experiment: Experiment) -> dict[str, Any]:
    """Return commit, date, machine and versions of the last test."""
    record = experiment.record('baselines')
    return {'commit': record.get('commit'), **record['machine']}


def search_scores(metrics: dict[str, float]) -> dict[str, dict[str, float]]:
    """Pick mAP and top-1 with detected and with ground-truth boxes."""
    return {
        boxes: {key: metrics[f'{prefix}{GALLERY}/{key}'] for key in ('mAP', 'top1')}
        for boxes, prefix in (('detected', ''), ('gt', 'gt/'))
    }


def show_step(step: Step, done: bool) -> None:
    """Print what is done now, or was before."""
    console.print(f'[bold]{step.title}[/]' + (' [dim](done before)[/]' if done else ''))


def run_tool(script: str, *arguments: Any) -> None:
    """Run one of our tools as a user would, and stop if it fails."""
    show_command(script, *arguments)
    done = subprocess.run([sys.executable, str(ROOT / script), *map(str, arguments)], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def show_command(script: str, *arguments: Any) -> None:
    """Print the command that does the same."""
    console.print(f'[dim]  python {script} {" ".join(map(str, arguments))}[/]', soft_wrap=True)
