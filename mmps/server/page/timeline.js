// When and where hits were seen, over everybody of the gallery.
import { get } from './api.js';
import { $, arrows, drawn, make } from './dom.js';
import { clock, isDate, moment, texts } from './texts.js';

const ROW = 30, TOP = 6, AXIS = 22, BINS = 120, MOST = 12;

export function startTimeline(state, actions) {
  const draw = () => drawTimeline(state, actions);
  new ResizeObserver(draw).observe($('timeline'));
  $('unrange').addEventListener('click', () => actions.range(null, null));
  return {
    async load() {
      state.counts = await get(`/v1/timeline?bins=${BINS}`);
      draw();
    },
    draw,
  };
}

function ends(state) {
  const edges = state.counts.edges;
  const { since, until } = state.filters;
  return [since ?? edges[0], until ?? edges[edges.length - 1]];
}

function shownCameras(state) {
  const hits = new Map();
  for (const hit of state.hits) hits.set(hit.camera, (hits.get(hit.camera) ?? 0) + 1);
  const chosen = state.filters.cameras;
  return state.counts.cameras.filter((c) => c.counts.some(Boolean) && (!chosen.length || chosen.includes(c.name)))
    .sort((a, b) => (hits.get(b.name) ?? 0) - (hits.get(a.name) ?? 0)).slice(0, MOST)
    .sort((a, b) => (a.name ?? '~').localeCompare(b.name ?? '~', 'en', { numeric: true }));
}

function drawTimeline(state, actions) {
  const place = $('timeline');
  const width = place.clientWidth;
  if (!state.counts || width < 50) return;
  const focus = document.activeElement?.dataset?.hit;
  const ranged = state.filters.since !== null || state.filters.until !== null;
  $('unrange').hidden = !ranged;
  if (!state.counts.edges.length) {
    place.replaceChildren(make('p', { class: 'hint', text: texts.noTimes }));
    return;
  }
  const [first, last] = ends(state);
  $('range').textContent = texts.from(first, last);
  const rows = shownCameras(state);
  const left = Math.min(120, width * 0.25);
  const x = (t) => left + (width - left - 12) * (t - first) / Math.max(last - first, 1e-9);
  const height = TOP + rows.length * ROW + AXIS;
  const svg = drawn('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'group', 'aria-label': texts.timeline });
  const most = Math.max(1, ...rows.flatMap((c) => c.counts));
  rows.forEach((camera, at) => svg.append(cameraRow(camera, TOP + at * ROW, { x, most, width, left, state })));
  svg.append(axis(first, last, x, height, width));
  const dots = state.hits.filter((h) => h.time !== null && h.time >= first && h.time <= last)
    .map((hit) => dot(hit, rows, x, state, actions)).filter(Boolean);
  dots.forEach((d, at) => d.setAttribute('tabindex', at ? -1 : 0));
  svg.append(...[...dots].reverse()); // the most similar above the others
  svg.addEventListener('keydown', (event) => {
    const order = [...dots].sort((a, b) => a.dataset.time - b.dataset.time);
    arrows(event, order);
  });
  selecting(svg, { x, left, width, first, last, height }, actions);
  place.replaceChildren(svg);
  if (focus) place.querySelector(`[data-hit="${focus}"]`)?.focus();
}

function cameraRow(camera, top, { x, most, width, left, state }) {
  const name = camera.name ?? texts.noCamera;
  const label = drawn('text', { x: 0, y: top + ROW / 2 + 4, class: 'label' });
  label.textContent = name.length > 16 ? `…${name.slice(-15)}` : name;
  const total = camera.counts.reduce((a, b) => a + b, 0);
  const group = drawn('g', { role: 'img', 'aria-label': texts.seen(total, name) }, label);
  group.append(drawn('line', { x1: left, x2: width - 12, y1: top + ROW - 4, y2: top + ROW - 4, class: 'base' }));
  camera.counts.forEach((count, at) => {
    const from = Math.max(x(state.counts.edges[at]), left);
    const to = Math.min(x(state.counts.edges[at + 1]), width - 12);
    if (!count || to <= from) return;
    const tall = Math.max(2, (ROW - 10) * Math.sqrt(count / most));
    group.append(drawn('rect', { x: from, y: top + ROW - 4 - tall, width: Math.max(1, to - from - 0.5), height: tall, class: 'seen' }));
  });
  return group;
}

function axis(first, last, x, height, width) {
  const group = drawn('g', { class: 'axis', 'aria-hidden': 'true' });
  const steps = Math.max(1, Math.min(6, Math.floor(width / 150)));
  const days = last - first > 86400;
  for (let step = 0; step <= steps; step += 1) {
    const time = first + (last - first) * step / steps;
    const text = drawn('text', { x: x(time), y: height - 5, 'text-anchor': step === 0 ? 'start' : step === steps ? 'end' : 'middle' });
    text.textContent = days && isDate(time) ? moment(time).replace(/ \d{4}/, '').replace(/:\d\d$/, '') : clock(time);
    group.append(text);
  }
  return group;
}

function dot(hit, rows, x, state, actions) {
  const row = rows.findIndex((c) => c.name === hit.camera);
  if (row < 0) return null;
  const circle = drawn('circle', {
    cx: x(hit.time), cy: TOP + row * ROW + ROW / 2, r: 6, role: 'button', class: `dot ${state.verdictOf(hit.id) ?? ''}`,
    'aria-label': texts.hit(hit), 'data-hit': hit.id, 'data-time': hit.time,
  }, drawn('title'));
  circle.firstChild.textContent = texts.hit(hit);
  circle.addEventListener('click', () => actions.focus(hit.id));
  circle.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      actions.focus(hit.id);
    }
  });
  return circle;
}

// Dragging over the timeline chooses a time; the filters do so from the keyboard.
function selecting(svg, { left, width, first, last, height }, actions) {
  const right = width - 12;
  const time = (event) => {
    const at = Math.min(Math.max(event.clientX - svg.getBoundingClientRect().left, left), right);
    return first + (last - first) * (at - left) / (right - left);
  };
  let begin = null;
  const mark = drawn('rect', { class: 'mark', y: 0, height: height - AXIS, x: 0, width: 0 });
  svg.append(mark);
  svg.addEventListener('pointerdown', (event) => {
    if (event.target.closest('.dot')) return;
    begin = { x: event.clientX, time: time(event) };
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener('pointermove', (event) => {
    if (!begin) return;
    const edge = svg.getBoundingClientRect().left;
    mark.setAttribute('x', Math.min(begin.x, event.clientX) - edge);
    mark.setAttribute('width', Math.abs(event.clientX - begin.x));
  });
  svg.addEventListener('pointerup', (event) => {
    if (begin && Math.abs(event.clientX - begin.x) > 6) {
      const [a, b] = [begin.time, time(event)].sort((p, q) => p - q);
      actions.range(a, b);
    }
    begin = null;
    mark.setAttribute('width', 0);
  });
}
