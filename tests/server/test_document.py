"""The OpenAPI document is kept: answers to requests drawn from it are those that it declares."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mmps.gallery import open_gallery
from mmps.server.app import create_app
from mmps.server.service import Service
from mmps.server.settings import Settings
from mmps.testing.coloured_people import ColourInferencer
from mmps.testing.served import Served

TOKEN = 'a-token-of-tests'


def test_the_document_is_openapi_3_1(client):
    document = client.get('/v1/openapi.json').json()
    assert document['openapi'].startswith('3.1')
    assert 'HTTPValidationError' not in document['components']['schemas']
    assert all(path.startswith('/v1/') or path == '/metrics' for path in document['paths'])
    for methods in document['paths'].values():
        for operation in methods.values():
            assert operation['summary']
            assert {'401', '422', '503'} <= {*operation['responses']}
            assert 'application/problem+json' in operation['responses']['422']['content']


@pytest.fixture
def editable(own_gallery, tmp_path):
    """A server that may change its gallery."""
    hosts, uploads = frozenset({'127.0.0.1'}), tmp_path / 'added'
    allowed = Settings(token=TOKEN, hosts=hosts, rate=0.0, uploads=uploads)
    with open_gallery(own_gallery) as reader:
        service = Service(reader, ColourInferencer(), allowed)
        app = create_app(service, lambda: open_gallery(own_gallery, mode='w'))
        server = Served(app, TOKEN)
        yield server
        server.stop()


@pytest.mark.parametrize('count', [100, pytest.param(2000, marks=pytest.mark.long)])
@pytest.mark.slow
def test_requests_drawn_from_the_document_get_declared_answers(editable, count):
    schemathesis = pytest.importorskip('schemathesis', reason='pip install schemathesis')
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    document = schemathesis.openapi.from_url(f'{editable.address}/v1/openapi.json')
    modes = (document.as_strategy(), document.as_strategy(schemathesis.GenerationMode.NEGATIVE))
    kept = (
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    )
    seen = set()

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(*modes))
    def holds(case):
        headers = {'Authorization': f'Bearer {TOKEN}'}
        answer = case.call(base_url=editable.address, headers=headers)
        seen.add((case.operation.path, answer.status_code))
        if answer.status_code != 503:
            case.validate_response(answer, checks=[not_a_server_error, *kept])

    holds()
    assert len({path for path, _ in seen}) >= 10
    assert {200, 422} <= {status for _, status in seen}
    assert editable.get('/v1/health').status_code == 200
