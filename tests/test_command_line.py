from __future__ import annotations

import io
import sys

import pytest

from mmps.command_line import report_user_errors, teaching_parser
from mmps.structures import DataError


def test_defaults_that_say_nothing_are_not_shown():
    parser = teaching_parser('Does it.\n\nexamples:\n  python it.py\n')
    parser.add_argument('--flag', action='store_true', help='switch it on')
    parser.add_argument('--some', nargs='*', default=[], help='a few')
    parser.add_argument('--sizes', nargs=2, default=[6, 4], help='height and width')
    parser.add_argument('--share', type=float, default=0.0, help='50 %% at most')
    parser.add_argument('--told', default=3, help='as it was (default: what it was)')
    text = ' '.join(parser.format_help().split())
    assert 'switch it on --some' in text
    assert 'a few --sizes' in text
    assert 'height and width (default: 6 4)' in text
    assert '50 % at most (default: 0.0)' in text
    assert text.count('default:') == 3
    assert text.endswith('examples: python it.py')


@pytest.mark.parametrize('encoding', ['utf-8', 'cp1252'])
def test_names_that_a_terminal_cannot_show_are_escaped(monkeypatch, encoding):
    shown = io.BytesIO()
    monkeypatch.setattr(sys, 'stdout', io.TextIOWrapper(shown, encoding))
    teaching_parser('Does it.\n\nexamples:\n  python it.py\n')
    print('s\udcfcd ü \u56fe', flush=True)
    text = shown.getvalue().decode(encoding)
    assert text.startswith('s\\udcfcd ü ')
    assert ('\\u56fe' in text) == (encoding != 'utf-8')


def test_user_errors_are_one_sentence_and_others_stay_errors(capsys):
    def fail():
        raise DataError('Traceback of a worker\n  File "x"\nmmps.DataError: a.jpg is broken')

    def interrupt():
        raise KeyboardInterrupt

    assert report_user_errors(fail) == 2
    assert capsys.readouterr().err == 'error: a.jpg is broken\n'
    assert report_user_errors(interrupt) == 130
    assert report_user_errors(lambda: None) == 0
    with pytest.raises(ZeroDivisionError):
        report_user_errors(lambda: 1 / 0)
