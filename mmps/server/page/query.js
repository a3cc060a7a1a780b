// The person who is searched: an upload, one of its people, or people of the gallery.
import { post, show } from './api.js';
import { $, arrows, make, over } from './dom.js';
import { texts } from './texts.js';

export function startQuery(state, search, report) {
  const drop = $('drop');
  const accept = (file) => file && look(file, state, search, report);
  $('file').addEventListener('change', (event) => {
    accept(event.target.files[0]);
    event.target.value = ''; // the same file may be chosen again
  });
  document.addEventListener('paste', (event) => accept([...event.clipboardData.files][0]));
  for (const name of ['dragover', 'dragleave', 'drop']) {
    $('query').addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle('over', name === 'dragover');
      if (name !== 'drop') return;
      const id = event.dataTransfer.getData('text/x-person');
      if (id) useOfGallery(id, state, search);
      else accept(event.dataTransfer.files[0]);
    });
  }
  $('whole').addEventListener('click', () => useWhole(state, search, report));
  $('people').addEventListener('keydown', (event) => arrows(event, [...$('people').children]));
  $('clear').addEventListener('click', () => {
    state.forget();
    $('scene').hidden = true;
    wide(false);
    $('drop').hidden = false;
    showExamples(state, search);
    search();
    $('file').focus();
  });
}

// While somebody is chosen the image is large: people in it may be small.
const wide = (choosing) => document.querySelector('main').classList.toggle('choosing', choosing);

export function useOfGallery(id, state, search) {
  state.forget();
  state.examples.push({ id });
  showExamples(state, search);
  search();
}

async function look(file, state, search, report) {
  state.file = file;
  $('people').replaceChildren();
  wide(true);
  $('drop').hidden = true;
  $('scene').hidden = false;
  const image = $('upload');
  if (image.src) URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  image.alt = file.name;
  $('found').textContent = texts.looking;
  $('scene').setAttribute('aria-busy', 'true');
  try {
    const limit = state.info?.limits.bytes;
    if (file.size > limit) throw new Error(texts.tooLarge(file.name, limit));
    const form = new FormData();
    form.append('image', file);
    const found = await post('/v1/people', form);
    if (state.file === file) showPeople(found, state, search);
  } catch (error) {
    $('found').textContent = error.message;
    report(error, () => look(file, state, search, report));
  } finally {
    $('scene').removeAttribute('aria-busy');
  }
}

function showPeople(found, state, search) {
  $('found').textContent = found.people.length ? texts.noticed(found.people.length) : texts.nobodyFound;
  $('people').setAttribute('aria-label', texts.peopleFound);
  const buttons = found.people.map((person, at) => over(make('button', {
    class: 'person', tabindex: at ? -1 : 0, 'aria-label': texts.person(person.number), 'aria-pressed': 'false',
    onclick: async () => {
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === buttons[at]));
      wide(false);
      state.forget();
      const label = `${found.image} ${person.number}`;
      state.examples.push({ embedding: person.embedding, label, url: await cut(person.box, found) });
      showExamples(state, search);
      search();
    },
  }, make('span', { text: person.number })), person.box, found.width, found.height));
  $('people').replaceChildren(...buttons);
  buttons[0]?.focus({ preventScroll: true });
}

async function useWhole(state, search, report) {
  if (!state.file) return;
  const form = new FormData();
  form.append('image', state.file);
  form.append('crop', 'true');
  form.append('conditions', '{"limit": 1}');
  try {
    const { query } = await post('/v1/search/image', form);
    const { naturalWidth: width, naturalHeight: height } = $('upload');
    const url = await cut([0, 0, width, height], { width, height });
    wide(false);
    state.forget();
    state.examples.push({ embedding: query.embedding, label: state.file.name, url });
    showExamples(state, search);
    search();
  } catch (error) {
    report(error, () => useWhole(state, search, report));
  }
}

// A small copy of the person, from the image that the browser already has.
function cut([x1, y1, x2, y2], { width }) {
  const image = $('upload');
  const scale = image.naturalWidth / width || 1;
  const canvas = make('canvas');
  canvas.height = 160;
  canvas.width = Math.max(1, Math.min(240, 160 * (x2 - x1) / (y2 - y1)));
  const from = [x1, y1, x2 - x1, y2 - y1].map((v) => v * scale);
  canvas.getContext('2d').drawImage(image, ...from, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob((blob) => done(blob ? URL.createObjectURL(blob) : ''), 'image/jpeg'));
}

export function showExamples(state, search) {
  const all = [...state.examples, ...[...state.verdicts].filter(([, v]) => v.searched && v.verdict === 'same').map(([id]) => ({ id, judged: true }))];
  $('examples').hidden = !all.length;
  $('chips').replaceChildren(...all.map((example, at) => {
    const image = make('img', { alt: example.label ?? texts.person(at + 1) });
    if (example.url) image.src = example.url, image.classList.add('here');
    else show(image, `/v1/people/${example.id}/crop?height=160`);
    const remove = make('button', { class: 'quiet', 'aria-label': `${texts.remove} ${image.alt}`, text: '×', onclick: () => {
      if (example.judged) state.verdicts.delete(example.id);
      else state.examples.splice(state.examples.indexOf(example), 1);
      showExamples(state, search);
      search();
    } });
    return make('li', {}, image, remove);
  }));
}
