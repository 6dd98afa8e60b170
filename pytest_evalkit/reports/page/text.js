// Every text of a model, a data set or a task becomes a text node: it cannot be markup.

// Characters that hide, reorder or overwrite what stands around them.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Cs}/gu;

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") made.className = value;
    else if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function nameOf(character) {
  const code = character.codePointAt(0);
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

// Appends a text to a node; what cannot be seen is shown by its name.
function show(node, text) {
  let last = 0;
  for (const match of text.matchAll(HIDDEN)) {
    node.append(text.slice(last, match.index));
    node.append(element("span", { class: "hidden-sign" }, nameOf(match[0])));
    last = match.index + match[0].length;
  }
  node.append(text.slice(last));
  return node;
}

function shown(name, properties, text) {
  return show(element(name, properties), text);
}

const number = (value, digits = 3) =>
  value === null || value === undefined
    ? ""
    : Number.isInteger(value)
      ? value.toLocaleString("en")
      : value.toFixed(digits);

const seconds = (value) =>
  value === null || value === undefined
    ? ""
    : value >= 100
      ? `${Math.round(value)} s`
      : `${value.toPrecision(2)} s`;

const milliseconds = (value) =>
  `${value.toLocaleString("en", { maximumFractionDigits: value < 1 ? 3 : value < 10 ? 2 : value < 1000 ? 1 : 0 })} ms`;
