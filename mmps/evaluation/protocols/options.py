"""Options of command lines that choose a protocol, and the config that they stand for."""

from __future__ import annotations

import argparse
from inspect import signature

from mmengine.config import DictAction
from mmengine.utils import get_object_from_string

from mmps.registry import TASK_UTILS
from mmps.structures import ConfigError

from .base import SearchProtocol, protocols_by_name


def add_protocol_options(parser: argparse.ArgumentParser) -> None:
    """Add what chooses a protocol, by its name, and sets it up.

    Args:
        parser: Parser of a tool.
    """
    parser.add_argument(
        '--protocol',
        required=True,
        metavar=f'{{{",".join(protocols_by_name())}}}',
        help="whose rules: fixed galleries, every query in all other images, PRW's; or the dotted "
        'path of your own, such as my_module.MyProtocol (set PYTHONPATH to its folder)',
    )
    parser.add_argument(
        '--galleries',
        metavar='DIR',
        help='cuhk_sysu: folder of galleries_<S>.npz (default: that of TEST_JSON)',
    )
    parser.add_argument(
        '--gallery-size',
        nargs='+',
        metavar='S',
        help='cuhk_sysu: numbers of images, occlusion, resolution or full (default: 100)',
    )
    parser.add_argument(
        '--boxes-per-image',
        nargs='+',
        type=float,
        default=[],
        metavar='K',
        help='all but cuhk_sysu: search again among the boxes above the score that leaves K of '
        'them per image on average, and name the best K (default: search all boxes only)',
    )
    parser.add_argument(
        '--camera',
        choices=('all', 'cross', 'official'),
        default='all',
        help="prw, generic: all cameras, all but the query's, or PRW's official rule",
    )
    parser.add_argument(
        '--other-visits',
        action='store_true',
        help="prw, generic: leave out the boxes of the query's own visit (TEST_JSON has visits)",
    )
    parser.add_argument(
        '--convention',
        choices=('legacy', 'strict'),
        default='legacy',
        help='legacy counts as public evaluators do, strict counts every annotated box once',
    )
    parser.add_argument(
        '--protocol-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='further settings of the protocol',
    )


def add_searcher_options(parser: argparse._ActionsContainer) -> None:
    """Add what changes similarities, and the memory that they take.

    Args:
        parser: Of a tool, or a group of its options.
    """
    parser.add_argument(
        '--score-weighted', action='store_true', help='multiply similarities by detection scores'
    )
    parser.add_argument(
        '--cbgm',
        nargs=2,
        type=int,
        metavar=('K1', 'K2'),
        help='re-rank by context graph matching (default: off)',
    )
    parser.add_argument(
        '--k-reciprocal',
        nargs=2,
        type=int,
        metavar=('K1', 'K2'),
        help='re-rank the 100 most similar boxes by k-reciprocal neighbours (default: off)',
    )
    parser.add_argument(
        '--memory-mb', type=float, default=256.0, metavar='M', help='bound on memory in MiB'
    )


def protocol_class(args: argparse.Namespace) -> type[SearchProtocol]:
    """Find the protocol among those that are registered, or by its dotted path.

    Raises:
        ConfigError: There is no protocol of this name.
    """
    named = protocols_by_name()
    if args.camera == 'official':
        if args.protocol not in ('prw', 'generic', 'prw_official'):
            raise ConfigError('--camera official belongs to prw and generic.')
        return named['prw_official']
    if args.protocol in named:
        return named[args.protocol]
    found = get_object_from_string(args.protocol) if '.' in args.protocol else None
    if not (isinstance(found, type) and issubclass(found, SearchProtocol)):
        raise ConfigError(
            f'there is no protocol {args.protocol!r}; choose {", ".join(named)}, or give the '
            'dotted path of a SearchProtocol'
        )
    return found


def protocol_config(args: argparse.Namespace) -> dict:
    """Translate the command line to the config of a protocol.

    Args:
        args: Of a parser with the options above.

    Raises:
        ConfigError: There is no such protocol, or it lacks a setting that an option stands for.
    """
    kind = protocol_class(args)
    settings = signature(kind).parameters
    chosen = {'convention': args.convention, 'searcher': _searcher_config(args)}
    for option, (name, value) in _settings_by_option(args).items():
        if name in settings:
            chosen[name] = value or settings[name].default
        elif value:
            others = [n for n, k in protocols_by_name().items() if name in signature(k).parameters]
            raise ConfigError(f'{option} belongs to {" and ".join(others)}, not {args.protocol}.')
    for name, value in args.protocol_options.items():
        if name not in settings:
            raise ConfigError(
                f'--protocol-options {name}: {args.protocol} has the settings {", ".join(settings)}'
            )
        chosen[name] = value
    ours = TASK_UTILS.module_dict.get(kind.__name__) is kind
    path = f'{kind.__module__}.{kind.__name__}'
    return {'type': f'mmps.{kind.__name__}' if ours else path, **chosen}


def _settings_by_option(args: argparse.Namespace) -> dict[str, tuple[str, object]]:
    """Return by option the setting of a protocol that it stands for, and its value."""
    return {
        '--gallery-size': ('gallery_sizes', args.gallery_size),
        '--galleries': ('galleries_dir', args.galleries),
        '--boxes-per-image': ('boxes_per_image', args.boxes_per_image),
        '--camera': ('cross_camera', args.camera == 'cross'),
        '--other-visits': ('other_visits', args.other_visits),
    }


def _searcher_config(args: argparse.Namespace) -> dict:
    """Translate what changes similarities."""
    rerankers = []
    if args.cbgm:
        rerankers.append({'type': 'mmps.ContextGraph', 'k1': args.cbgm[0], 'k2': args.cbgm[1]})
    if args.k_reciprocal:
        k1, k2 = args.k_reciprocal
        rerankers.append({'type': 'mmps.KReciprocal', 'k1': k1, 'k2': k2})
    return {
        'score_weighted': args.score_weighted,
        'rerankers': rerankers,
        'memory_mb': args.memory_mb,
    }
