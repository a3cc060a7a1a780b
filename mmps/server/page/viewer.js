// A hit in its scene, with the moments before and after.
import { get, show } from './api.js';
import { $, arrows, make, over } from './dom.js';
import { facts, verdictButtons } from './hits.js';
import { clock, moment, texts } from './texts.js';

export function startViewer(state, actions, report) {
  const viewer = $('viewer');
  $('close').addEventListener('click', () => viewer.close());
  viewer.addEventListener('click', (event) => event.target === viewer && viewer.close());
  $('strip').addEventListener('keydown', (event) => {
    if (arrows(event, [...$('strip').querySelectorAll('button')])) document.activeElement.click();
  });
  return { open: (hit) => open(hit, state, actions, report) };
}

async function open(hit, state, actions, report) {
  const viewer = $('viewer');
  $('viewer-h').textContent = texts.hit(hit);
  $('strip').replaceChildren();
  $('around').replaceChildren();
  $('judge').replaceChildren(verdictButtons(hit, state, judged));
  let chosen = hit.id;
  $('use').onclick = () => {
    viewer.close();
    actions.use(chosen);
  };
  function judged(same) {
    actions.changed(same);
    $('judge').replaceChildren(verdictButtons(hit, state, judged));
  }
  const choose = (id) => {
    chosen = id;
    for (const button of $('around').children) button.setAttribute('aria-pressed', String(button.dataset.id === id));
  };
  if (!viewer.open) viewer.showModal();
  try {
    const { frames, own } = await get(`/v1/people/${hit.id}/frames?before=4&after=4`);
    const buttons = frames.map((frame, at) => {
      const image = make('img', { alt: '' });
      const label = at === own ? texts.ownFrame : clock(frame.time);
      const button = make('button', { 'aria-label': moment(frame.time), 'aria-pressed': String(at === own), tabindex: at === own ? 0 : -1 }, image, make('span', { text: label }));
      button.addEventListener('click', () => {
        for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
        showMoment(frame, at === own ? hit : null, choose);
      });
      return button;
    });
    $('strip').replaceChildren(...buttons.map((button) => make('li', {}, button)));
    frames.forEach((frame, at) => show(buttons[at].querySelector('img'), `/v1/people/${frame.people[0].id}/scene?width=240`));
    buttons[own].scrollIntoView({ inline: 'center', block: 'nearest' });
    showMoment(frames[own], hit, choose);
  } catch (error) {
    viewer.close();
    report(error, () => open(hit, state, actions, report));
  }
}

function showMoment(frame, hit, choose) {
  const big = $('big');
  big.alt = `${frame.source} ${frame.frame ?? ''}`;
  show(big, `/v1/people/${(hit ?? frame.people[0]).id}/scene?width=1600`);
  $('moment').replaceChildren(...facts(hit ?? { ...frame }).childNodes);
  $('around').setAttribute('aria-label', texts.peopleHere);
  $('around').replaceChildren();
  const place = () => {
    const size = [frame.width || big.naturalWidth, frame.height || big.naturalHeight];
    $('around').replaceChildren(...frame.people.map((person, at) => over(make('button', {
      class: `person${person.id === hit?.id ? ' own' : ''}`, 'data-id': person.id, 'aria-pressed': String(person.id === hit?.id),
      'aria-label': texts.person(at + 1), onclick: () => choose(person.id),
    }), person.box, ...size)));
  };
  big.addEventListener('load', place, { once: true });
  choose((hit ?? frame.people[0]).id);
}
