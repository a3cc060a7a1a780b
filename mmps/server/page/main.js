// The page: its state, and what happens when it changes.
import { get, post, postForFile, setToken, takeToken } from './api.js';
import { $, make } from './dom.js';
import { startFilters } from './filters.js';
import { focusHit, refresh, showHits, skeletons, startHits } from './hits.js';
import { showExamples, startQuery, useOfGallery } from './query.js';
import { fill, texts } from './texts.js';
import { startTimeline } from './timeline.js';
import { startViewer } from './viewer.js';

const PAGE = 24;
const narrow = matchMedia('(max-width: 60rem)');

const state = {
  info: null,
  examples: [], // of the query: {embedding} of uploads, {id} of people of the gallery
  verdicts: new Map(), // id -> {verdict, similarity, searched}: what the user says, apart from similarity
  hits: [],
  next: null,
  filters: { cameras: [], since: null, until: null, score: 0, visit: false },
  verdictOf: (id) => state.verdicts.get(id)?.verdict,
  judge(hit, verdict) {
    if (state.verdictOf(hit.id) === verdict) state.verdicts.delete(hit.id);
    else state.verdicts.set(hit.id, { verdict, similarity: hit.similarity, searched: false });
  },
  forget() {
    state.examples = [];
    state.verdicts.clear();
  },
};

const actions = {
  open: (hit) => viewer.open(hit),
  focus: focusHit,
  changed(hit) {
    refresh(hit, state, actions);
    tally();
    timeline.draw();
  },
  use: (id) => useOfGallery(id, state, search),
  range(since, until) {
    Object.assign(state.filters, { since, until });
    filters.show();
    search();
    timeline.draw();
  },
};

let running = null;

function of(verdict) {
  return [...state.verdicts].filter(([, v]) => v.verdict === verdict).map(([id]) => id);
}

function body(offset) {
  const { cameras, since, until, score, visit } = state.filters;
  const known = state.examples.filter((e) => e.id).map((e) => e.id);
  const confirmed = [...new Set([...known, ...of('same')])];
  return {
    embeddings: state.examples.filter((e) => e.embedding).map((e) => e.embedding),
    confirmed, rejected: of('other').filter((id) => !confirmed.includes(id)),
    ...(cameras.length && { cameras }), ...(since !== null && { since }), ...(until !== null && { until }),
    ...(score > 0 && { min_score: score }), per_visit: visit, offset, limit: PAGE,
  };
}

async function search(further = false) {
  running?.abort();
  const own = running = new AbortController();
  const append = further === true;
  const asked = body(append ? state.next : 0);
  const nothing = !asked.embeddings.length && !asked.confirmed.length;
  $('welcome').hidden = !nothing;
  if (nothing) {
    Object.assign(state, { hits: [], next: null });
    $('hits').replaceChildren();
    $('count').textContent = '';
    finish();
    return;
  }
  $('count').textContent = texts.searching;
  $('results').setAttribute('aria-busy', 'true');
  if (!append) skeletons();
  try {
    const found = await post('/v1/search', asked, own.signal);
    if (own !== running) return;
    report(null);
    for (const v of state.verdicts.values()) v.searched = true;
    state.hits = append ? [...state.hits, ...found.hits] : found.hits;
    state.next = found.next_offset;
    showHits(found.hits, state, actions, append);
    $('count').textContent = state.hits.length ? texts.shown(state.hits.length, state.next !== null) : texts.nobody;
    showExamples(state, search);
    finish();
    if (!append && narrow.matches) $('results').scrollIntoView();
  } catch (error) {
    if (error.name === 'AbortError') return;
    if (!append) $('hits').replaceChildren();
    $('count').textContent = '';
    report(error, () => search(further));
  } finally {
    if (own === running) $('results').removeAttribute('aria-busy');
  }
}

function finish() {
  $('more').hidden = state.next === null;
  tally();
  timeline.draw();
}

function tally() {
  const [same, other] = [of('same').length, of('other').length];
  $('verdicts').hidden = !same && !other;
  $('tally').textContent = texts.tally(same, other);
  $('again').disabled = ![...state.verdicts.values()].some((v) => !v.searched);
  for (const button of $('verdicts').querySelectorAll('[data-form]')) button.disabled = !same;
}

function report(error, again) {
  $('alert').hidden = !error;
  if (!error) return;
  if (error.status === 401) {
    $('alert').hidden = true;
    if (!$('login').open) $('login').showModal();
    $('login').onclose = () => {
      setToken($('token').value.trim());
      again?.();
    };
    return;
  }
  $('alert').querySelector('p').textContent = error.message;
  $('retry').hidden = !again;
  $('retry').onclick = () => {
    $('alert').hidden = true;
    again();
  };
}

async function save(form) {
  const before = $('count').textContent;
  $('count').textContent = texts.exporting;
  try {
    const people = [...state.verdicts].filter(([, v]) => v.verdict === 'same')
      .map(([id, { similarity, verdict }]) => ({ id, similarity, verdict }));
    const blob = await postForFile('/v1/export', { people, format: form });
    const link = make('a', { href: URL.createObjectURL(blob), download: `people.${form === 'evidence' ? 'zip' : form}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  } catch (error) {
    report(error, () => save(form));
  } finally {
    $('count').textContent = before;
  }
}

async function begin() {
  try {
    state.info = await get('/v1/info');
    $('about').textContent = texts.about(state.info);
    filters.fill();
    await timeline.load();
    report(null);
  } catch (error) {
    report(error, begin);
  }
}

function startTheme() {
  const names = Object.keys(texts.themes);
  let theme = localStorage.getItem('mmps-theme') ?? 'auto';
  const set = () => {
    document.documentElement.dataset.theme = theme;
    $('theme').textContent = texts.themes[theme];
  };
  $('theme').addEventListener('click', () => {
    theme = names[(names.indexOf(theme) + 1) % names.length];
    localStorage.setItem('mmps-theme', theme);
    set();
  });
  set();
}

function startKeys() {
  $('keys').querySelector('dl').append(...texts.keyList.flatMap(([key, what]) => [make('dt', { text: key }), make('dd', { text: what })]));
  $('help').addEventListener('click', () => $('keys').showModal());
  $('closekeys').addEventListener('click', () => $('keys').close());
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input:not([type=checkbox]), dialog')) return;
    const act = { s: () => $('again').disabled || $('verdicts').hidden || search(), i: () => $('file').click(), '?': () => $('keys').showModal() }[event.key.toLowerCase()];
    act?.();
  });
}

fill();
takeToken();
addEventListener('hashchange', () => { takeToken(); begin(); });
startTheme();
startKeys();
startQuery(state, search, report);
const filters = startFilters(state, () => { search(); timeline.draw(); });
const timeline = startTimeline(state, actions);
const viewer = startViewer(state, actions, report);
startHits(state, actions);
$('more').addEventListener('click', () => search(true));
$('again').addEventListener('click', () => search());
for (const button of document.querySelectorAll('[data-form]')) button.addEventListener('click', () => save(button.dataset.form));
begin();
