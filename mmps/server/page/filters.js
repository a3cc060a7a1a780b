// Cameras, times, scores, visits.
import { $, make } from './dom.js';
import { isDate, num, texts } from './texts.js';

const PATIENCE = 250; // milliseconds after the last change

// A time field as seconds since 1970, or since a video's beginning where the gallery has no dates.
function read(text, dated) {
  if (!text.trim()) return null;
  if (dated) {
    const time = new Date(text).getTime() / 1000;
    return Number.isNaN(time) ? null : time;
  }
  const seconds = text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return Number.isNaN(seconds) ? null : seconds;
}

function write(time, dated) {
  if (time === null) return '';
  if (dated) {
    const local = new Date((time - new Date(time * 1000).getTimezoneOffset() * 60) * 1000);
    return local.toISOString().slice(0, 19);
  }
  return `${Math.floor(time / 60)}:${(time % 60).toFixed(1).padStart(4, '0')}`;
}

export function startFilters(state, changed) {
  const form = $('form');
  const dated = () => isDate(state.info?.until ?? null);
  let timer = 0;
  const take = () => {
    const { since, until, score, visit } = form.elements;
    Object.assign(state.filters, {
      cameras: [...form.querySelectorAll('[name=camera]:checked')].map((box) => box.value),
      since: read(since.value, dated()), until: read(until.value, dated()),
      score: Number(score.value), visit: visit.checked,
    });
    $('score').value = Number(score.value).toFixed(2);
    clearTimeout(timer);
    timer = setTimeout(changed, PATIENCE);
  };
  form.addEventListener('input', take);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(take));
  if (matchMedia('(max-width: 60rem)').matches) $('filters').open = false;
  return {
    fill() {
      for (const name of ['since', 'until']) {
        const field = form.elements[name];
        if (dated()) Object.assign(field, { type: 'datetime-local', step: 1 });
        else Object.assign(field, { type: 'text', placeholder: 'm:ss' });
      }
      const named = state.info.cameras.filter((c) => c.name !== null);
      $('cameras').hidden = !named.length;
      $('cameras').querySelector('div').replaceChildren(...named.map((camera) => make('label', { class: 'chip' },
        make('input', { type: 'checkbox', name: 'camera', value: camera.name }),
        make('span', {}, camera.name, make('small', { text: num(camera.people), title: texts.hits })))));
    },
    show() {
      for (const name of ['since', 'until']) form.elements[name].value = write(state.filters[name], dated());
    },
  };
}
