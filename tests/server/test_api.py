"""What the API answers, on people who are coloured rectangles."""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from mmps.evaluation import Calibration
from mmps.gallery import open_gallery
from mmps.testing.coloured_people import COLOURS, START


def upload(data, name='query.png'):
    return {'image': (name, data, 'image/png')}


def search(client, **body):
    answer = client.post('/v1/search', json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def person_of(client, data, number=0):
    return client.post('/v1/people', files=upload(data)).json()['people'][number]


def colour_of(client, hit):
    """Number of the colour that is most of a hit's crop."""
    data = client.get(f'/v1/people/{hit["id"]}/crop').content
    centre = np.asarray(Image.open(io.BytesIO(data)).convert('RGB').resize((3, 3)))[2, 1]
    return int(np.abs(np.array(COLOURS) - centre).sum(axis=1).argmin())


def test_the_gallery_is_described(client):
    info = client.get('/v1/info').json()
    assert info['gallery'] == 'people.mmps'
    assert info['people'] == 6 * 2 + 1 + 2 + 5 * 2 + 1
    assert (info['sources'], info['editable'], info['calibrated']) == (3, False, False)
    cameras = {camera['name']: camera for camera in info['cameras']}
    assert {name: camera['people'] for name, camera in cameras.items()} == {
        None: 1, 'north': 13, 'south': 12
    }  # fmt: skip
    assert cameras['north']['since'] == START
    assert cameras['south']['until'] == info['until'] == START + 63
    assert client.get('/v1/cameras').json() == info['cameras']
    assert client.get('/v1/health').json() == {'status': 'alive'}
    assert client.get('/v1/ready').json() == {'status': 'ready'}


def test_the_timeline_counts_everybody_once(client):
    found = client.get('/v1/timeline', params={'bins': 7}).json()
    assert len(found['edges']) == 8
    counts = {camera['name']: camera['counts'] for camera in found['cameras']}
    assert (sum(counts['north']), sum(counts['south']), sum(counts[None])) == (13, 12, 0)
    assert sum(counts['north'][1:]) == 0
    params = {'bins': 2, 'camera': 'south', 'since': START + 60.5, 'until': START + 61.5}
    (south,) = client.get('/v1/timeline', params=params).json()['cameras']
    assert sum(south['counts']) == 1 + 2 + 2


def test_a_person_of_an_upload_is_found_where_she_was(client, drawn):
    found = client.post('/v1/people', files=upload(drawn([(4, 20), (0, 150)]))).json()
    assert (found['width'], found['height']) == (320, 240)
    assert [person['number'] for person in found['people']] == [1, 2]
    assert found['people'][0]['box'] == [150, 44, 194, 190]
    hits = search(client, embeddings=[found['people'][0]['embedding']], limit=11)['hits']
    assert [hit['rank'] for hit in hits] == list(range(1, 12))
    assert {colour_of(client, hit) for hit in hits} == {0}
    assert {hit['camera'] for hit in hits} == {'north', 'south'}
    assert sorted((hit['similarity'] for hit in hits), reverse=True) == [
        hit['similarity'] for hit in hits
    ]


def test_image_searches_agree_with_a_detected_person(client, drawn):
    data = drawn([(4, 20), (0, 150)])
    by_person = search(client, embeddings=[person_of(client, data, 1)['embedding']])['hits']

    def by_image(files=None, **fields):
        answer = client.post('/v1/search/image', files=files or upload(data), data=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert by_image(pick='2')['hits'] == by_person
    boxed = by_image(box='20, 44, 64, 190')
    assert boxed['hits'] == by_person
    assert boxed['query']['images'] == [{'image': 'query.png', 'box': [20, 44, 64, 190]}]
    crop = io.BytesIO()
    Image.open(io.BytesIO(data)).crop((20, 44, 64, 190)).save(crop, 'PNG')
    cropped = by_image(upload(crop.getvalue()), crop='true', conditions='{"limit": 5}')['hits']
    assert [hit['id'] for hit in cropped] == [hit['id'] for hit in by_person[:5]]
    again = search(client, embeddings=[boxed['query']['embedding']])['hits']
    assert again == by_person


def test_pages_join_to_one_list(client, drawn):
    embedding = person_of(client, drawn([(1, 150)]))['embedding']
    whole = search(client, embeddings=[embedding], limit=200)
    assert whole['next_offset'] is None
    pages, offset = [], 0
    while offset is not None:
        page = search(client, embeddings=[embedding], limit=7, offset=offset)
        pages += page['hits']
        offset = page['next_offset']
    assert pages == whole['hits']
    assert len({hit['id'] for hit in pages}) == len(pages) == 26


def test_conditions_choose_hits(client, drawn):
    body = {'embeddings': [person_of(client, drawn([(0, 150)]))['embedding']], 'limit': 200}
    north = search(client, **body, cameras=['north'])['hits']
    assert (len(north), {hit['camera'] for hit in north}) == (13, {'north'})
    late = search(client, **body, since=START + 61)['hits']
    assert {hit['time'] for hit in late} == {START + 61 + t / 2 for t in range(5)}
    assert len(search(client, **body, until='2026-11-27T08:00:00.4+00:00')['hits']) == 2
    sure = search(client, **body, min_score=0.8)['hits']
    assert 0 < len(sure) < 26
    assert min(hit['score'] for hit in sure) >= 0.8
    visits = search(client, **body, per_visit=True)['hits']
    assert sum(hit['visit']['boxes'] for hit in visits if hit['visit']) == 26
    assert len([hit for hit in visits if colour_of(client, hit) == 0]) == 2


def test_rejected_people_leave_and_confirmed_ones_lead(client, drawn):
    mixed = drawn([(0, 150), (2, 20)])
    both = [person['embedding'] for person in
            client.post('/v1/people', files=upload(mixed)).json()['people']]  # fmt: skip
    hits = search(client, embeddings=both, limit=26)['hits']
    red = [hit['id'] for hit in hits if colour_of(client, hit) == 0]
    green = [hit['id'] for hit in hits if colour_of(client, hit) == 2]
    after = search(client, embeddings=both, confirmed=red[:2], rejected=green, limit=26)['hits']
    assert not {hit['id'] for hit in after} & set(green)
    assert {hit['id'] for hit in after[: len(red)]} == set(red)
    alone = search(client, confirmed=[red[0]])['hits']
    assert alone[0]['id'] == red[0]
    assert alone[0]['similarity'] > 0.999


def test_similarities_are_calibrated_where_the_model_says_so(serving, drawn):
    known = Calibration(np.linspace(-1.01, 1.01, 3), np.array([0, 9]), np.array([9, 1]))
    client = serving(calibration=known)
    assert client.get('/v1/info').json()['calibrated']
    (hit,) = search(client, embeddings=[person_of(client, drawn([(0, 9)]))['embedding']], limit=1)[
        'hits'
    ]
    assert hit['calibration'] == {'wrong': 1, 'pairs': 10}


def test_images_have_the_asked_size(client, drawn):
    (hit,) = search(client, embeddings=[person_of(client, drawn([(0, 9)]))['embedding']], limit=1)[
        'hits'
    ]
    place = f'/v1/people/{hit["id"]}'
    assert client.get(place).json()['box'] == hit['box']
    for path, size in (
        ('scene?width=160', (160, 120)),
        ('scene?width=4000', (320, 240)),
        ('crop?height=73', (22, 73)),
        ('crop?height=1000', (88, 292)),
    ):
        answer = client.get(f'{place}/{path}')
        assert answer.headers['content-type'] == 'image/jpeg'
        assert Image.open(io.BytesIO(answer.content)).size == size
    plain, boxed = (
        np.asarray(Image.open(io.BytesIO(client.get(f'{place}/scene?box={b}').content)), int)
        for b in ('false', 'true')
    )
    assert np.abs(plain - boxed).max() > 60


def test_a_scene_has_moments_before_and_after(client, drawn):
    hits = search(client, embeddings=[person_of(client, drawn([(0, 9)]))['embedding']], limit=11)
    (third,) = [h for h in hits['hits'] if h['camera'] == 'north' and h['frame'] == 3]
    found = client.get(f'/v1/people/{third["id"]}/frames', params={'before': 2, 'after': 9}).json()
    assert [frame['frame'] for frame in found['frames']] == [1, 2, 3, 4, 5, 6]
    assert found['own'] == 2
    assert (found['frames'][0]['width'], found['frames'][0]['height']) == (320, 240)
    assert [len(frame['people']) for frame in found['frames']] == [2, 2, 2, 2, 2, 1]
    assert third['id'] in [person['id'] for person in found['frames'][2]['people']]
    everybody = search(client, confirmed=[third['id']], limit=26)['hits']
    (still,) = [hit for hit in everybody if hit['frame'] is None]
    alone = client.get(f'/v1/people/{still["id"]}/frames').json()
    assert (len(alone['frames']), alone['own']) == (1, 0)


def test_exports_hold_the_people_in_their_order(client, drawn):
    hits = search(client, embeddings=[person_of(client, drawn([(0, 9)]))['embedding']], limit=3)
    people = [
        {'id': hit['id'], 'similarity': hit['similarity'], 'verdict': 'same'}
        for hit in hits['hits']
    ]
    ids = [person['id'] for person in people]

    def exported(form):
        answer = client.post('/v1/export', json={'people': people, 'format': form})
        assert answer.status_code == 200
        assert 'attachment' in answer.headers['content-disposition']
        return answer.content

    rows = json.loads(exported('json'))['hits']
    assert [row['id'] for row in rows] == ids
    assert {row['verdict'] for row in rows} == {'same'}
    table = list(csv.DictReader(io.StringIO(exported('csv').decode())))
    assert [row['id'] for row in table] == ids
    assert [float(row['similarity']) for row in table] == [p['similarity'] for p in people]
    archive = zipfile.ZipFile(io.BytesIO(exported('evidence')))
    names = archive.namelist()
    assert len(names) == 7
    scene = Image.open(archive.open(f'evidence/001_{ids[0]}.jpg'))
    assert scene.size == (320, 240)


def test_images_are_added_and_people_removed(serving, own_gallery, drawn, tmp_path):
    client = serving(gallery=own_gallery, uploads=tmp_path / 'added')
    files = [
        ('image', ('a.png', drawn([(2, 30), (3, 150)]), 'image/png')),
        ('image', ('b.png', drawn([(4, 60)]), 'image/png')),
    ]
    fields = {'camera': 'gate', 'time': '2026-11-27T09:00:00+00:00'}
    job = finished(client, client.post('/v1/images', files=files, data=fields))
    assert (job['state'], job['people'], job['done'], job['problems']) == ('done', 3, 2, [])
    embedding = person_of(client, drawn([(2, 30)]))['embedding']
    hits = search(client, embeddings=[embedding], cameras=['gate'])['hits']
    assert len(hits) == 3
    assert {hit['time'] for hit in hits} == {START + 3600}
    assert colour_of(client, hits[0]) == 2
    again = finished(client, client.post('/v1/images', files=files[:1]))
    assert 'same content' in again['problems'][0]
    body = {'cameras': ['gate'], 'min_score': 0.6}
    counted = client.post('/v1/removals', json={**body, 'dry_run': True}).json()
    removed = finished(client, client.post('/v1/removals', json=body))
    assert counted['people'] == removed['people'] == 2
    assert len(search(client, embeddings=[embedding], cameras=['gate'])['hits']) == 1
    assert [job['kind'] for job in client.get('/v1/jobs').json()['jobs']] == [
        'remove',
        'add',
        'add',
    ]
    with open_gallery(own_gallery) as gallery:
        assert gallery.count() == 27


def finished(client, answer):
    assert answer.status_code == 202, answer.text
    job = answer.json()
    for _ in range(300):
        job = client.get(f'/v1/jobs/{job["id"]}').json()
        if job['state'] in ('done', 'failed'):
            return job
        time.sleep(0.02)
    raise AssertionError(job)


def test_images_that_a_killed_server_left_are_added_by_the_next(
    serving, own_gallery, drawn, tmp_path
):
    from mmps.server.jobs import Jobs

    left = Jobs(None, None, tmp_path / 'added').add([('a.png', drawn([(2, 30)]))], 'gate', None)
    client = serving(gallery=own_gallery, uploads=tmp_path / 'added')
    for _ in range(300):
        (job,) = client.get('/v1/jobs').json()['jobs']
        if job['state'] == 'done':
            break
        time.sleep(0.02)
    assert (job['id'], job['state'], job['people']) == (left.id, 'done', 1)
    cameras = {camera['name'] for camera in client.get('/v1/cameras').json()}
    assert 'gate' in cameras
    assert not list((tmp_path / 'added').rglob('*.json'))


def test_a_server_that_has_enough_to_do_says_when_to_come_again(serving):
    answer = serving(max_requests=0).get('/v1/info')
    assert answer.status_code == 503
    assert int(answer.headers['retry-after']) >= 1
    assert answer.json()['status'] == 503


def test_rows_that_another_process_adds_are_found(serving, own_gallery, drawn, tmp_path):
    from mmps.gallery.indexing import index
    from mmps.testing.coloured_people import ColourInferencer

    client = serving(gallery=own_gallery)
    embedding = person_of(client, drawn([(5, 30)]))['embedding']
    assert search(client, embeddings=[embedding], limit=1)['hits'][0]['source'].endswith(
        'still.png'
    )
    assert len(search(client, embeddings=[embedding], limit=200)['hits']) == 26
    (tmp_path / 'new.png').write_bytes(drawn([(5, 30)]))
    with open_gallery(own_gallery, mode='w') as writer:
        index(writer, ColourInferencer().find, [str(tmp_path / 'new.png')])
    assert 'new.png' in str(
        [hit['source'] for hit in search(client, embeddings=[embedding])['hits'][:2]]
    )


def test_searches_are_written_down_before_they_are_answered(serving, drawn, tmp_path):
    from mmps.gallery.audit import AuditLog

    log = tmp_path / 'log' / 'audit.jsonl'
    client = serving(audit=AuditLog(log))
    embedding = person_of(client, drawn([(0, 9)]))['embedding']
    hits = search(client, embeddings=[embedding], cameras=['north'], limit=2)['hits']
    by_image = client.post('/v1/search/image', files=upload(drawn([(0, 9)]))).json()['hits']
    first, second = (json.loads(line) for line in log.read_text().splitlines())
    assert first['hits'] == [hit['id'] for hit in hits]
    assert first['query'][0]['embedding'] == embedding
    assert first['conditions']['cameras'] == ['north']
    assert first['user'] == 'testclient'
    assert second['query'][0]['upload'] == 'query.png'
    assert second['hits'] == [hit['id'] for hit in by_image]
    log.unlink()
    log.mkdir()
    answer = client.post('/v1/search', json={'embeddings': [embedding]})
    assert answer.status_code == 422
    assert 'nothing is searched' in answer.json()['detail']


def test_measurements_are_prometheus(client):
    client.get('/v1/info')
    text = client.get('/metrics').text
    assert 'mmps_requests_total{route="/info",status="200"}' in text
    assert 'mmps_people 26.0' in text
    assert 'mmps_batch_size_bucket' in text


@pytest.mark.parametrize(
    ('body', 'status', 'words'),
    [
        ({}, 422, 'nobody is searched'),
        ({'confirmed': ['7']}, 404, 'no person with id 7'),
        ({'confirmed': ['7'], 'rejected': ['7']}, 422, 'both confirmed and rejected'),
        ({'embeddings': ['AAAA']}, 422, 'expected 32'),
        ({'embeddings': ['!']}, 422, 'no base64'),
        ({'embeddings': ['A' * 43 + '=']}, 422, 'zeros alone'),
        ({'confirmed': ['99999999999999999999']}, 422, 'confirmed.0'),
        ({'confirmed': ['9999999999999999999']}, 422, 'is no id'),
        ({'embeddings': ['x'], 'limit': 0}, 422, 'limit'),
        ({'embeddings': ['x'], 'colour': 'red'}, 422, 'colour'),
    ],
)
def test_wrong_searches_are_one_sentence(client, body, status, words):
    answer = client.post('/v1/search', json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers['content-type'] == 'application/problem+json'
    problem = answer.json()
    assert {*problem} == {'type', 'title', 'status', 'detail'}
    assert problem['status'] == status
    assert words in problem['detail']


def test_sentences_are_those_of_the_command_line(client, drawn):
    embedding = person_of(client, drawn([(0, 9)]))['embedding']

    def detail(**body):
        return client.post('/v1/search', json={'embeddings': [embedding], **body}).json()['detail']

    assert 'no camera nord; its cameras: north, south' in detail(cameras=['nord'])
    assert "'noon' is no time" in detail(since='noon')
    empty = client.post('/v1/search/image', files=upload(drawn([]))).json()['detail']
    assert 'nobody is found in query.png' in empty
    files = upload(drawn([(1, 9)]), 'holiday.png')
    picked = client.post('/v1/search/image', files=files, data={'pick': '4'}).json()['detail']
    assert picked == 'holiday.png shows 1 people: --pick takes 1 to 1'
    broken = client.post('/v1/people', files=upload(b'none')).json()['detail']
    assert 'is no readable image' in broken
    assert 'start it with --uploads' in client.post('/v1/removals', json={}).json()['detail']
