// Every text of the page, and how numbers and times are written.
export const texts = {
  skip: 'Skip to the hits',
  title: 'Find a person',
  keys: 'Keys',
  retry: 'Try again',
  query: 'Who is searched?',
  choose: 'Choose an image',
  dropHint: 'or drop one here, or paste it',
  whole: 'The image shows one person',
  another: 'Another image',
  examples: 'Searching for',
  clear: 'Start over',
  filters: 'Filters',
  cameras: 'Cameras',
  since: 'From',
  until: 'Until',
  minScore: 'Detected with at least',
  perVisit: 'One hit per visit to a camera',
  resetFilters: 'Reset filters',
  timeline: 'When and where',
  allTimes: 'All times',
  hits: 'Hits',
  step1: 'Give an image of the person.',
  step2: 'Choose the person among those who are found in it.',
  step3: 'Mark hits as the same person or someone else, and search again.',
  again: 'Search again',
  exportAs: 'Export the confirmed ones as',
  evidence: 'Evidence (ZIP)',
  more: 'Show more hits',
  close: 'Close',
  use: 'Search for this person',
  same: 'Same person',
  other: 'Someone else',
  keysTitle: 'Keys',
  tokenTitle: 'Token needed',
  tokenHint: 'Open the address that the server printed when it was started, or enter its token.',
  token: 'Token',
  enter: 'Enter',
  wrongToken: 'The token is missing or wrong.',
  dead: 'The server does not answer. Is it still running?',
  looking: 'Looking for people …',
  searching: 'Searching …',
  exporting: 'Preparing the export …',
  notShown: 'the file is gone or was changed',
  noCamera: 'no camera',
  noTime: 'time unknown',
  noTimes: 'No times are known.',
  nobody: 'Nobody in the gallery meets the conditions.',
  nobodyFound: 'Nobody is found in this image. If it shows one person alone, use the whole image.',
  themes: { auto: 'Theme: auto', light: 'Theme: light', dark: 'Theme: dark' },
  verdictOf: 'Your verdict',
  remove: 'Remove',
  similarity: 'similarity',
  upload: 'image',
  open: 'Open the scene of',
  ownFrame: 'this moment',
  peopleHere: 'People of this moment',
  peopleFound: 'People of the image',
  noticed: (n) => n === 1 ? 'One person is found. Choose to search.' : `${n} people are found. Choose one to search.`,
  tooLarge: (name, bytes) => `${name} has more than ${num(Math.floor(bytes / 1e6))} MB: save it smaller.`,
  person: (n) => `Person ${n}`,
  about: (i) => `${i.gallery} · ${num(i.people)} people · ${num(i.sources)} ${i.sources === 1 ? 'source' : 'sources'}`,
  shown: (n, more) => more ? `the ${n} most similar` : n === 1 ? 'one hit' : `${n} hits`,
  tally: (same, other) => `${same} confirmed · ${other} rejected`,
  wrong: (c) => !c.pairs ? '' : !c.wrong ? `none of ${num(c.pairs)} wrong at this similarity`
    : 2 * c.wrong > c.pairs ? `${(10 * c.wrong / c.pairs).toFixed(1)} of 10 wrong at this similarity`
      : `1 of ${num(Math.round(c.pairs / c.wrong))} wrong at this similarity`,
  stay: (v) => v && v.boxes > 1 && v.since !== null ? `there from ${clock(v.since)} to ${clock(v.until)}` : '',
  hit: (h) => `Rank ${h.rank}, similarity ${h.similarity.toFixed(2)}, ${h.camera ?? texts.noCamera}, ${moment(h.time)}`,
  seen: (n, camera) => `${num(n)} people at ${camera}`,
  from: (a, b) => `${moment(a)} to ${moment(b)}`,
  keyList: [
    ['Tab, Shift + Tab', 'move between parts of the page'],
    ['Arrow keys', 'move between hits, or between moments of a scene'],
    ['Enter', 'open the scene of a hit'],
    ['Y', 'same person, or take it back'],
    ['N', 'someone else, or take it back'],
    ['S', 'search again'],
    ['I', 'choose an image'],
    ['Esc', 'close a window'],
    ['?', 'show these keys'],
  ],
};

const FIRST_DATE = 86400 * 365; // earlier times count from the beginning of a video

export const isDate = (t) => t !== null && t >= FIRST_DATE;
export const num = (n) => n.toLocaleString('en');

export function clock(t) {
  if (t === null) return texts.noTime;
  if (isDate(t)) return new Date(t * 1000).toLocaleTimeString('en-GB');
  const two = (n) => String(Math.floor(n)).padStart(2, '0');
  return `${Math.floor(t / 3600)}:${two(t / 60 % 60)}:${two(t % 60)}`;
}

export function moment(t) {
  if (!isDate(t)) return clock(t);
  const day = new Date(t * 1000).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
  return `${day}, ${clock(t)}`;
}

export function fill(root = document) {
  for (const place of root.querySelectorAll('[data-text]')) place.textContent = texts[place.dataset.text];
}
