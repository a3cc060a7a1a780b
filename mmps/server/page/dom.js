// Building elements.
export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'text') element.textContent = value;
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

export function drawn(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Puts an element over a box of an image, in per cent, so that it follows every size.
export function over(element, [x1, y1, x2, y2], width, height) {
  const inside = (v) => Math.min(Math.max(v, 0), 1);
  const [left, top, right, bottom] = [x1 / width, y1 / height, x2 / width, y2 / height].map(inside);
  Object.assign(element.style, {
    left: `${100 * left}%`, top: `${100 * top}%`,
    width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%`,
  });
  return element;
}

// Arrow keys move the focus among elements; the others stay out of the order of Tab.
export function arrows(event, elements, columns = 1) {
  const at = elements.indexOf(document.activeElement);
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (at < 0 || !step || !elements[at + step]) return false;
  event.preventDefault();
  elements[at].tabIndex = -1;
  elements[at + step].tabIndex = 0;
  elements[at + step].focus();
  return true;
}
