// Requests with the token, and images that need it.
import { texts } from './texts.js';

const KEY = 'mmps-token';
const PARALLEL = 6;

export class Failure extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

// The token comes behind # of the address, which no server sees, and is taken out of it.
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return;
  sessionStorage.setItem(KEY, given);
  history.replaceState(null, '', location.pathname);
}

export const setToken = (token) => sessionStorage.setItem(KEY, token);

async function send(path, options, tries = 3) {
  const headers = { ...options.headers };
  const token = sessionStorage.getItem(KEY);
  if (token) headers.Authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, credentials: 'omit' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Failure(texts.dead, 0);
  }
  if ((answer.status === 503 || answer.status === 429) && tries > 1) {
    const wait = Math.min(Number(answer.headers.get('Retry-After')) || 1, 5);
    await new Promise((done) => setTimeout(done, wait * 1000));
    return send(path, options, tries - 1);
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Failure(answer.status === 401 ? texts.wrongToken : problem.detail ?? answer.statusText, answer.status);
  }
  return answer;
}

export const get = async (path, signal) => (await send(path, { signal })).json();

const posting = (body, signal) => body instanceof FormData
  ? { method: 'POST', body, signal }
  : { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' }, signal };

export const post = async (path, body, signal) => (await send(path, posting(body, signal))).json();
export const postForFile = async (path, body) => (await send(path, posting(body))).blob();

const waiting = [];
let running = 0;

function next() {
  while (running < PARALLEL && waiting.length) {
    const { image, path } = waiting.shift();
    if (!image.isConnected) continue;
    running += 1;
    send(path, {}).then((answer) => answer.blob()).then((blob) => {
      const url = URL.createObjectURL(blob);
      image.onload = () => URL.revokeObjectURL(url);
      image.src = url;
      image.classList.add('here');
    }).catch((error) => {
      image.classList.add('gone');
      image.title = error.status === 404 ? texts.notShown : error.message;
      image.alt = `${image.alt} (${image.title})`;
    }).finally(() => {
      running -= 1;
      next();
    });
  }
}

const watcher = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    watcher.unobserve(target);
    waiting.push({ image: target, path: target.dataset.path });
  }
  next();
}, { rootMargin: '300px' });

// Loads an image of the API when it comes into sight.
export function show(image, path) {
  image.classList.remove('here', 'gone');
  image.dataset.path = path;
  watcher.unobserve(image);
  watcher.observe(image);
}
