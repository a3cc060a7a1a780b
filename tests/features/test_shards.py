import numpy as np
import pytest

from mmps.features.shards import open_shard, shard_fault, write_shard

ROWS = np.arange(24, dtype=np.float16).reshape(2, 3, 4)


def test_what_is_written_is_read(tmp_path):
    write_shard(tmp_path / 'a.npy', ROWS)
    assert shard_fault(tmp_path / 'a.npy') is None
    mapped = open_shard(tmp_path / 'a.npy')
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, ROWS)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.npy']


def flip_byte(path):
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ('damage', 'fault'),
    [
        (flip_byte, 'has changed since it was written'),
        (lambda p: p.write_bytes(p.read_bytes()[:-10]), 'has changed since it was written'),
        (lambda p: p.write_bytes(p.read_bytes()[:20]), 'has changed since it was written'),
        (lambda p: p.write_bytes(b''), 'has changed since it was written'),
        (lambda p: np.save(p, ROWS), 'has changed since it was written'),
        (lambda p: p.unlink(), 'is missing'),
    ],
    ids=['flipped byte', 'cut', 'cut in its head', 'empty', 'no checksum', 'gone'],
)
def test_every_fault_is_found(tmp_path, damage, fault):
    path = tmp_path / 'a.npy'
    write_shard(path, ROWS)
    damage(path)
    assert shard_fault(path) == fault


def test_every_byte_counts(tmp_path):
    for position in range(0, 200, 7):
        path = tmp_path / 'a.npy'
        write_shard(path, ROWS)
        data = bytearray(path.read_bytes())
        data[position] ^= 16
        path.write_bytes(data)
        assert shard_fault(path)
