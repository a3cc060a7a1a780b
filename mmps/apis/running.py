"""Training a config and testing a checkpoint, checked before anything is computed."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from mmps.checkpoints import check_checkpoint
from mmps.engine.checks import check_amp

from .distributed import use_gloo_without_cuda
from .errors import explained_errors
from .evaluator_config import check_test_set, keep_details_beside, write_predictions
from .gpu import check_gpu


def train_config(config: Config) -> Runner:
    """Train a model: phase 1, feature cache and phase 2, or the part of them in the config.

    Args:
        config: From :func:`load_config`; :func:`resume_from` sets it to continue a run.

    Returns:
        The runner, with the trained model and the last metrics.

    Raises:
        UserError: The config or a file that it names is wrong; mostly before anything is computed.
    """
    check_gpu()
    check_amp(config.optim_wrapper)
    if config.get('load_from'):
        check_checkpoint(config.load_from, bool(config.get('resume')))
    if not config.get('default_hooks', {}).get('two_phase'):
        hooks = config.get('custom_hooks') or []
        if not any(str(hook.get('type')).endswith('OnePhaseHook') for hook in hooks):
            config.custom_hooks = [*hooks, {'type': 'mmps.OnePhaseHook'}]
    use_gloo_without_cuda(config)
    with explained_errors():
        runner = Runner.from_cfg(config)
        runner.train()
    return runner


def evaluate_checkpoint(
    config: Config,
    checkpoint: str | Path,
    out: str | Path | None = None,
    fresh_branch: bool = False,
    fast: bool = False,
) -> dict[str, float]:
    """Test a checkpoint; calibration and the result of each query are left beside it.

    Args:
        config: Of the model and its test set.
        checkpoint: Of this model, or of a plain detector.
        out: File for the predictions, ending in ``.npz``.
        fresh_branch: Whether weights that the checkpoint lacks are drawn as at the start of a
            training: the baseline "untrained branch".
        fast: Whether the model is prepared for prediction first (:class:`FastTestHook`).

    Returns:
        The evaluator's numbers, as fractions in 0..1.

    Raises:
        UserError: The checkpoint, the config or ``out`` is of no use for a test.
    """
    check_checkpoint(checkpoint)
    check_test_set(config)
    if out is not None:
        write_predictions(config, out)
    tested = None if fresh_branch else keep_details_beside(config, checkpoint)
    check_gpu()
    if fast:
        config.custom_hooks = [*config.get('custom_hooks', []), {'type': 'mmps.FastTestHook'}]
    config.load_from, config.resume = str(checkpoint), False
    use_gloo_without_cuda(config)
    with explained_errors():
        runner = Runner.from_cfg(config)
        if fresh_branch:
            runner.model.init_weights()
        if tested is None:
            return runner.test()
        tested.begin()
        metrics = runner.test()
        tested.end()
    return metrics
