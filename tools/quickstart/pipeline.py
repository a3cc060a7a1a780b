"""What the quickstart does, step by step, and what flows between the steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from rich.progress import Progress
from steps import ROOT, Steps, run_tool, show_command

from mmps.apis.configs import load_config, resume_from
from mmps.apis.running import evaluate_checkpoint, train_config
from mmps.evaluation import CUHKSYSUProtocol, GroundTruth, Predictions, evaluate_predictions
from mmps.evaluation.baselines import chance_metrics, colour_predictions

CONFIGS = ROOT / 'configs' / 'toy'
VARIANTS = ('j2', 'j3', 'j4')
GALLERY = 'g100'


class Quickstart:
    """The steps and what flows between them, by way of files below one folder per seed."""

    def __init__(self, work_dir: Path, seed: int) -> None:
        self.folder = work_dir / f'seed_{seed}'
        self.data = self.folder / 'data'
        self.test_json = self.data / 'mmps' / 'test.json'
        self.detector = self.folder / 'detector' / 'epoch_12.pth'
        self.seed = seed

    def draw(self) -> None:
        """Draw a data set in CUHK-SYSU's layout."""
        run_tool('tools/misc/make_synthetic.py', self.data, '--layout', 'cuhk_sysu',
                 '--seed', self.seed)  # fmt: skip

    def convert(self) -> None:
        """Convert it as the real one would be."""
        run_tool('tools/dataset_converters/cuhk_sysu.py', self.data)

    def train_detector(self) -> None:
        """Phase 1, on the bare mmdet detector."""
        self._train('retinanet_r18_fpn_synthetic', self.detector.parent, {})

    def train_reid(self, variant: str) -> None:
        """Phase 2 of one variant, on the detector of phase 1."""
        start = {
            'load_from': str(self.detector),
            'default_hooks.two_phase.start': 'reid',
        }
        self._train(self._config(variant), self.folder / variant, start)

    def evaluate(self, variant: str, trained: bool) -> dict[str, float]:
        """Test a variant with its trained or its fresh re-ID branch; keep the predictions."""
        name = variant if trained else f'untrained_{variant}'
        config = self._quiet(self.load(variant), name)
        checkpoint = self.folder / variant / 'epoch_52.pth' if trained else self.detector
        with self._log():
            return evaluate_checkpoint(config, checkpoint, self.folder / f'{name}.npz', not trained)

    def load(self, variant: str) -> Any:
        """Read a variant's config, with this data set in it."""
        return self._load(self._config(variant), self.folder / 'test', {})

    def baselines(self) -> dict[str, dict[str, float]]:
        """Chance, and the colours of the box without any network, on the detector's boxes."""
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

    def _train(self, config_name: str, work_dir: Path, options: dict[str, Any]) -> None:
        show_command('tools/train.py', f'configs/toy/{config_name}.py', '--work-dir', work_dir)
        config = self._quiet(self._load(config_name, work_dir, options), config_name)
        config.custom_hooks = [{'type': 'mmps.ProgressBarHook'}]
        with self._log():
            resume_from(config, 'auto')
            train_config(config)

    def _load(self, config_name: str, work_dir: Path, options: dict[str, Any]) -> Any:
        config = str(CONFIGS / f'{config_name}.py')
        return load_config(config, str(work_dir), {**self._options(), **options})

    @staticmethod
    def _quiet(config: Any, name: str) -> Any:
        config.log_level = 'ERROR'
        # Several runs share this process; each needs names of its own to keep its log apart.
        config.experiment_name = config.visualizer.name = f'{name}_{time.time_ns()}'
        return config

    @contextmanager
    def _log(self) -> Iterator[None]:
        # What libraries print would tear the progress bars, which are on stderr.
        with open(self.folder / 'log.txt', 'a', encoding='utf-8') as log, redirect_stdout(log):
            yield

    def _options(self) -> dict[str, Any]:
        loaders = [f'{part}_dataloader.dataset.data_root' for part in ('train', 'val', 'test')]
        annotations = [f'{part}_evaluator.ann_file' for part in ('val', 'test')]
        return {
            **dict.fromkeys([*loaders, 'cached_people.dataset.data_root'], str(self.data)),
            **dict.fromkeys(annotations, str(self.test_json)),
        }

    @staticmethod
    def _config(variant: str) -> str:
        return f'joint-{variant}_retinanet_r18_fpn_synthetic'


def run_all(start: Quickstart, steps: Steps) -> dict[str, Any]:
    """Run every step; give the content of results.json."""
    steps.run('draw', 'Draw a data set in the layout of CUHK-SYSU', start.draw)
    steps.run('convert', 'Convert it', start.convert)
    steps.run('phase1', 'Train the detector (phase 1)', start.train_detector)
    metrics = {}
    for v in VARIANTS:
        name = v.upper()
        steps.run(f'phase2_{v}', f'Train the re-ID branch of {name} (phase 2)',
                  lambda v=v: start.train_reid(v))  # fmt: skip
        metrics[v] = steps.run(
            f'test_{v}', f'Test {name}', lambda v=v: start.evaluate(v, trained=True)
        )
        metrics[f'untrained_{v}'] = steps.run(
            f'test_untrained_{v}',
            f'Test {name} with an untrained branch',
            lambda v=v: start.evaluate(v, trained=False),
        )
    metrics |= steps.run('baselines', 'Measure the baselines', start.baselines)
    scores = {name: search_scores(m) for name, m in metrics.items()}
    return {
        'detector': {'AP50': metrics['j2']['det/AP'], 'recall': metrics['j2']['det/recall']},
        'variants': {v: scores[v] for v in VARIANTS},
        'baselines': {name: s for name, s in scores.items() if name not in VARIANTS},
        'seconds': {**steps.seconds, 'total': round(sum(steps.seconds.values()), 1)},
        'seed': start.seed,
    }


def search_scores(metrics: dict[str, float]) -> dict[str, dict[str, float]]:
    """Pick mAP and top-1 with detected and with ground-truth boxes."""
    return {
        boxes: {key: metrics[f'{prefix}{GALLERY}/{key}'] for key in ('mAP', 'top1')}
        for boxes, prefix in (('detected', ''), ('gt', 'gt/'))
    }
