"""The page in a browser, used with the mouse and without it."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile

import pytest

from mmps.gallery import open_gallery
from mmps.server.app import create_app
from mmps.server.service import Service
from mmps.server.settings import Settings
from mmps.testing.coloured_people import ColourInferencer

pytestmark = pytest.mark.slow

playwright = pytest.importorskip('playwright.sync_api', reason='pip install playwright')

CHROMIUM = os.environ.get('MMPS_CHROMIUM') or next(
    filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None
)
TOKEN = 'a-token-of-tests'
AXE = 'axe_playwright_python.sync_playwright'


@pytest.fixture(scope='module')
def browser():
    if CHROMIUM is None:
        pytest.skip('no Chromium: apt-get install chromium, or name one by MMPS_CHROMIUM')
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'])
        yield started
        started.close()


@pytest.fixture
def page(browser, served):
    """The page, opened as it is printed; a failed script fails the test."""
    context = browser.new_context(viewport={'width': 1280, 'height': 900}, accept_downloads=True)
    opened = context.new_page()
    problems = []
    opened.on('pageerror', lambda error: problems.append(str(error)))
    opened.on(
        'console',
        lambda message: (
            problems.append(message.text)
            if message.type == 'error' and 'Failed to load resource' not in message.text
            else None
        ),
    )
    opened.goto(f'{served.address}/#token={TOKEN}')
    opened.wait_for_selector('#timeline svg')
    yield opened
    context.close()
    assert not problems


@pytest.fixture
def image(drawn, tmp_path):
    path = tmp_path / 'query.png'
    path.write_bytes(drawn([(4, 20), (0, 150)]))
    return path


def choose(page, image, person=1):
    page.set_input_files('#file', image)
    page.locator('#people .person').nth(person - 1).click()
    page.wait_for_selector('.hit:not(.empty)')


def has_hits(page, count):
    playwright.expect(page.locator('.hit:not(.empty)')).to_have_count(count)


def ids(page):
    return page.eval_on_selector_all('.hit', 'hits => hits.map(hit => hit.dataset.id)')


def test_a_person_is_found_judged_and_searched_again(page, image):
    page.set_input_files('#file', image)
    people = page.locator('#people .person')
    people.first.wait_for()
    assert people.count() == 2
    assert page.input_value('#file') == ''
    assert '#' not in page.url
    people.first.click()
    page.wait_for_selector('.hit img.crop.here')
    first = ids(page)
    assert len(first) == 24
    assert page.locator('#timeline .dot').count() > 5
    assert 'similarity 1.00' in page.locator('.hit .open').first.get_attribute('aria-label')
    page.locator('.hit .verdict .other').nth(0).click()
    page.locator('.hit .verdict .same').nth(1).click()
    assert page.inner_text('#tally') == '1 confirmed · 1 rejected'
    similarity = page.locator('.similarity span:last-child').nth(1).inner_text()
    with page.expect_response('**/v1/search') as answered:
        page.click('#again')
    body = answered.value.request.post_data_json
    assert (body['confirmed'], body['rejected']) == ([first[1]], [first[0]])
    playwright.expect(page.locator(f'.hit[data-id="{first[0]}"]')).to_have_count(0)
    assert first[1] in ids(page)
    assert page.locator(f'.hit[data-id="{first[1]}"]').get_attribute('data-verdict') == 'same'
    assert similarity == f'{float(similarity):.3f}'
    assert page.is_disabled('#again')


def test_filters_and_the_timeline_narrow_hits(page, image):
    choose(page, image)
    page.locator('#cameras label', has_text='south').click()
    has_hits(page, 12)
    assert page.locator('.facts strong').all_inner_texts() == ['south'] * 12
    page.locator('[name=visit]').check()
    playwright.expect(page.locator('#hits')).to_contain_text('there from')
    assert page.locator('.hit').count() < 12
    page.click('#form [type=reset]')
    has_hits(page, 24)
    box = page.locator('#timeline svg').bounding_box()
    page.mouse.move(box['x'] + box['width'] * 0.8, box['y'] + 10)
    page.mouse.down()
    page.mouse.move(box['x'] + box['width'] - 2, box['y'] + 10)
    page.mouse.up()
    has_hits(page, 12)
    assert page.input_value('[name=since]').startswith('2026-11-27T')
    page.click('#unrange')
    has_hits(page, 24)
    page.click('#more')
    has_hits(page, 26)
    assert len(set(ids(page))) == 26
    assert page.is_hidden('#more')


def test_a_hit_opens_its_scene_with_moments_around(page, image):
    choose(page, image)
    page.locator('.hit .open').first.click()
    page.wait_for_selector('#viewer #big.here')
    page.wait_for_selector('#around .person')
    assert page.locator('#strip li').count() >= 4
    own = page.locator('#around .person.own').bounding_box()
    big = page.locator('#big').bounding_box()
    assert big['x'] <= own['x'] < big['x'] + big['width']
    page.locator('#strip button').last.click()
    playwright.expect(page.locator('#around .own')).to_have_count(0)
    page.locator('#around .person').last.click()
    with page.expect_response('**/v1/search') as answered:
        page.click('#use')
    assert len(answered.value.request.post_data_json['confirmed']) == 1
    assert page.is_hidden('#viewer')


def test_confirmed_people_are_exported(page, image):
    choose(page, image)
    page.locator('.hit .verdict .same').nth(2).click()
    chosen = ids(page)[2]

    def exported(form):
        with page.expect_download() as loading:
            page.click(f'[data-form={form}]')
        return open(loading.value.path(), 'rb').read()

    (kept,) = json.loads(exported('json'))['hits']
    assert (kept['id'], kept['verdict']) == (chosen, 'same')
    assert chosen in exported('csv').decode()
    names = zipfile.ZipFile(io.BytesIO(exported('evidence'))).namelist()
    assert f'evidence/001_{chosen}.jpg' in names


def test_everything_works_from_the_keyboard(page, image):
    page.keyboard.press('?')
    assert page.is_visible('#keys')
    page.keyboard.press('Escape')
    page.set_input_files('#file', image)
    page.wait_for_selector('#people .person:focus')
    page.keyboard.press('ArrowRight')
    page.keyboard.press('Enter')
    page.wait_for_selector('.hit:not(.empty)')
    for _ in range(40):
        page.keyboard.press('Tab')
        if page.evaluate('document.activeElement.matches(".hit .open")'):
            break
    assert page.evaluate('document.activeElement.matches(".hit:first-child .open")')
    page.keyboard.press('n')
    page.keyboard.press('ArrowRight')
    page.keyboard.press('y')
    assert page.inner_text('#tally') == '1 confirmed · 1 rejected'
    page.keyboard.press('Enter')
    page.wait_for_selector('#around .person')
    page.keyboard.press('Escape')
    assert page.evaluate('document.activeElement.matches(".hit .open")')
    with page.expect_response('**/v1/search'):
        page.keyboard.press('s')


def test_a_hit_can_be_dragged_into_the_query(page, image):
    choose(page, image)
    third = ids(page)[2]
    with page.expect_response('**/v1/search') as answered:
        page.locator('.hit').nth(2).drag_to(page.locator('#query h2'))
    assert answered.value.request.post_data_json['confirmed'] == [third]


def test_a_wrong_token_is_asked_for(browser, served):
    page = browser.new_page()
    page.goto(f'{served.address}/#token=wrong-token')
    page.wait_for_selector('#login[open]')
    page.fill('#token', TOKEN)
    page.keyboard.press('Enter')
    page.wait_for_selector('#timeline svg')
    assert 'people.mmps' in page.inner_text('#about')
    page.close()


def test_what_is_no_image_and_a_dead_server_are_said(
    browser, drawn_gallery, start_server, image, tmp_path
):
    settings = Settings(token=TOKEN, hosts=frozenset({'127.0.0.1'}), rate=0.0)
    with open_gallery(drawn_gallery / 'people.mmps') as reader:
        app = create_app(Service(reader, ColourInferencer(), settings))
        server = start_server(app, TOKEN)
        page = browser.new_page()
        page.goto(f'{server.address}/#token={TOKEN}')
        page.wait_for_selector('#timeline svg')
        (tmp_path / 'x.png').write_bytes(b'no image')
        page.set_input_files('#file', tmp_path / 'x.png')
        page.wait_for_selector('#alert:not([hidden])')
        assert 'is no readable image' in page.inner_text('#alert')
        page.set_input_files('#file', image)
        page.locator('#people .person').first.wait_for()
        server.stop()
        page.locator('#people .person').first.click()
        page.wait_for_selector('#alert:not([hidden])')
        assert 'does not answer' in page.inner_text('#alert')
        page.close()


@pytest.mark.parametrize('theme', ['light', 'dark'])
@pytest.mark.parametrize('width', [390, 820, 1440])
def test_nothing_hinders_people_who_see_or_hear_it_otherwise(page, image, theme, width):
    axe = pytest.importorskip(AXE, reason='pip install axe-playwright-python')
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({'width': width, 'height': 900})

    def check():
        # the page's policy forbids scripts of others, so axe comes through the debugger
        found = axe.Axe().run(page).response['violations']
        serious = [v for v in found if v['impact'] in ('serious', 'critical')]
        assert not serious, json.dumps(serious, indent=1)[:3000]

    check()
    choose(page, image)
    page.locator('.hit .verdict .same').first.click()
    page.locator('.hit .verdict .other').nth(1).click()
    page.wait_for_timeout(300)
    check()
    assert page.evaluate('document.documentElement.scrollWidth <= innerWidth')
    page.locator('.hit .open').first.click()
    page.wait_for_selector('#around .person')
    check()
