from __future__ import annotations

from datetime import datetime, timezone

import pytest

from mmps.gallery.sources import Place, Places, parse_time
from mmps.structures import DataError


def local(*moment):
    return datetime(*moment).timestamp()


def test_times_are_iso_or_seconds():
    utc = datetime(2026, 11, 27, 8, 30, tzinfo=timezone.utc).timestamp()
    for text in ('2026-11-27T08:30:00Z', '2026-11-27 09:30+01:00', str(utc), f'{utc:.0f}'):
        assert parse_time(text) == utc
    assert parse_time('2026-11-27T08:30') == local(2026, 11, 27, 8, 30)
    assert parse_time('2026-11-27T08:30:00.9') == local(2026, 11, 27, 8, 30) + 0.9
    for text in ('', 'noon', '27.11.2026', '2026-13-01'):
        with pytest.raises(DataError, match='is no time'):
            parse_time(text)


@pytest.mark.parametrize(
    ('pattern', 'source', 'place'),
    [
        ('{camera}/*.mp4', 'footage/north/a.mp4', Place('north')),
        ('{camera}_*.jpg', 'x/cam1_s1_000151.jpg', Place('cam1')),
        ('{camera}/{start:%Y%m%d-%H%M%S}*', 'x/gate 3/20261127-083000_a.mkv',
         Place('gate 3', local(2026, 11, 27, 8, 30))),
        ('{start:%Y-%m-%dT%H%M%S%z}.ts', 'a/2026-11-27T083000+0000.ts',
         Place('', datetime(2026, 11, 27, 8, 30, tzinfo=timezone.utc).timestamp())),
        ('{camera}/**/*.mp4', 'north/2026/11/a.mp4', Place('north')),
        ('{camera}.mp4', 'x/a.avi', Place()),
        ('a+{camera}.mp4', 'x/a+b.mp4', Place('b')),
    ],
)  # fmt: skip
def test_places_are_read_from_names(pattern, source, place):
    assert Places.of(names=pattern)(source) == place


@pytest.mark.parametrize(
    ('pattern', 'words'),
    [
        ('north', 'neither a CSV file nor a pattern'),
        ('{camera}/{x}.mp4', 'only .camera. and .start'),
        ('{camera}_{start:%B}', '%B is not known'),
        ('{start:%H}_{start:%M}', 'two times'),
    ],
)
def test_patterns_that_cannot_be_are_refused_at_once(pattern, words):
    with pytest.raises(DataError, match=words):
        Places.of(names=pattern)


def test_a_time_in_a_name_that_is_none():
    with pytest.raises(DataError, match=r'20261399.*no time'):
        Places.of(names='{start:%Y%m%d}.mp4')('a/20261399.mp4')


def test_places_are_read_from_a_table(tmp_path):
    table = tmp_path / 'places.csv'
    table.write_text(
        '\ufeffsource,camera,start\n'
        'x/a.mp4,north,2026-11-27T08:30\n'
        'b.mp4,"south, gate",\n'
        '*/late/*,,100\n',
        encoding='utf-8',
    )
    places = Places.of(names=str(table))
    assert places('x/a.mp4') == Place('north', local(2026, 11, 27, 8, 30))
    assert places('y/b.mp4') == Place('south, gate')
    assert places('y/late/c.mp4') == Place('', 100.0)
    assert places('y/c.mp4') == Place()


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ('source,camera,start\na.mp4,x,noon', r'line 2.*no time'),
        ('name,where\na,b', 'needs a line of names'),
        ('', 'needs a line of names'),
        (None, 'cannot be read'),
    ],
)
def test_tables_that_cannot_be_are_refused(tmp_path, content, words):
    if content is not None:
        (tmp_path / 'places.csv').write_text(content)
    with pytest.raises(DataError, match=words):
        Places.of(names=str(tmp_path / 'places.csv'))


def test_options_come_before_names():
    places = Places.of(camera='mine', start=5.0, names='{camera}/*')
    assert places('north/a.mp4') == Place('mine', 5.0)
