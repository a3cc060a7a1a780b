// Hits as cards, and what the user says of them.
import { show } from './api.js';
import { $, arrows, make } from './dom.js';
import { moment, texts } from './texts.js';

const name = (path) => path.split(/[\\/]/).slice(-2).join('/');

export function skeletons(count = 8) {
  $('hits').replaceChildren(...Array.from({ length: count }, () => make('li', { class: 'hit empty', 'aria-hidden': 'true' })));
}

export function facts(hit) {
  const list = make('div', { class: 'facts' });
  if ('similarity' in hit) {
    const bar = make('span', { class: 'bar', 'aria-hidden': 'true' }, make('i'));
    bar.firstChild.style.width = `${Math.max(0, Math.min(1, hit.similarity)) * 100}%`;
    list.append(make('p', { class: 'similarity' }, make('b', { text: hit.rank }), bar, make('span', { text: hit.similarity.toFixed(3), title: texts.similarity })));
    const rate = hit.calibration ? texts.wrong(hit.calibration) : '';
    if (rate) list.append(make('p', { class: 'rate', text: rate }));
  }
  list.append(make('p', {}, make('strong', { text: hit.camera ?? texts.noCamera }), ` · ${moment(hit.time)}`));
  if (texts.stay(hit.visit)) list.append(make('p', { text: texts.stay(hit.visit) }));
  list.append(make('p', { class: 'source', text: name(hit.source), title: hit.source }));
  return list;
}

export function verdictButtons(hit, state, changed) {
  const group = make('div', { class: 'verdict', role: 'group', 'aria-label': texts.verdictOf });
  for (const verdict of ['same', 'other']) {
    group.append(make('button', {
      class: verdict, 'aria-pressed': String(state.verdictOf(hit.id) === verdict), text: texts[verdict],
      onclick: () => { state.judge(hit, verdict); changed(hit); },
    }));
  }
  return group;
}

function card(hit, state, actions, first) {
  const crop = make('img', { class: 'crop', alt: '' });
  const scene = make('img', { alt: '' });
  const open = make('button', { class: 'open', 'aria-label': `${texts.open} ${texts.hit(hit)}`, tabindex: first ? 0 : -1, onclick: () => actions.open(hit) }, crop, scene);
  const item = make('li', { class: 'hit', draggable: 'true', 'data-id': hit.id }, open, facts(hit), verdictButtons(hit, state, actions.changed));
  item.dataset.verdict = state.verdictOf(hit.id) ?? '';
  item.addEventListener('dragstart', (event) => {
    event.dataTransfer.setData('text/x-person', hit.id);
    event.dataTransfer.effectAllowed = 'copy';
  });
  return { item, load: () => {
    show(crop, `/v1/people/${hit.id}/crop?height=240`);
    show(scene, `/v1/people/${hit.id}/scene?width=360&box=true`);
  } };
}

export function showHits(hits, state, actions, append = false) {
  const list = $('hits');
  const cards = hits.map((hit, at) => card(hit, state, actions, !append && at === 0));
  if (append) list.append(...cards.map((c) => c.item));
  else list.replaceChildren(...cards.map((c) => c.item));
  for (const { load } of cards) load();
}

export function refresh(hit, state, actions) {
  const item = document.querySelector(`.hit[data-id="${hit.id}"]`);
  if (!item) return;
  item.dataset.verdict = state.verdictOf(hit.id) ?? '';
  const focus = [...item.querySelectorAll('button')].indexOf(document.activeElement);
  item.querySelector('.verdict').replaceWith(verdictButtons(hit, state, actions.changed));
  if (focus >= 0) item.querySelectorAll('button')[focus].focus();
}

export function focusHit(id) {
  const open = document.querySelector(`.hit[data-id="${id}"] .open`);
  open?.scrollIntoView({ block: 'center' });
  open?.focus();
}

export function startHits(state, actions) {
  $('hits').addEventListener('keydown', (event) => {
    const opens = [...document.querySelectorAll('#hits .open')];
    const tops = opens.map((o) => o.getBoundingClientRect().top);
    if (arrows(event, opens, Math.max(1, tops.filter((t) => t === tops[0]).length))) return;
    const id = event.target.closest('.hit')?.dataset.id;
    const verdict = { y: 'same', n: 'other' }[event.key.toLowerCase()];
    const hit = state.hits.find((h) => h.id === id);
    if (!hit || !verdict || event.ctrlKey || event.metaKey || event.altKey) return;
    state.judge(hit, verdict);
    actions.changed(hit);
  });
}
