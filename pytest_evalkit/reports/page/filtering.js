// Which lines are listed, and in what order.

const OUTCOMES = index.outcomes;
const code = Object.fromEntries(OUTCOMES.map((name, position) => [name, position]));
const failed = (outcome) => outcome === code.error || outcome === code.skipped;

// Whether the second run did better (1), worse (-1) or neither on a line.
const gain = (row) => other.rows.gain[row] ?? 0;

const KINDS_OF_OUTCOME = [
  ["all", "All", () => true],
  ["wrong", "Wrong", (row) => rows.outcome[row] === code.wrong],
  ["partly", "Partly right", (row) => rows.outcome[row] === code.partly],
  ["right", "Right", (row) => rows.outcome[row] === code.right],
  ["answered", "Answered", (row) => rows.outcome[row] === code.answered],
  ["error", "Errors", (row) => rows.outcome[row] === code.error],
  ["unparsed", "No answer found", (row) => documents.parse[rows.doc[row]] === 1],
  ["skipped", "Skipped", (row) => rows.outcome[row] === code.skipped],
];
const KINDS_OF_CHANGE = [
  ["all", "All", () => true],
  ["worse", "Worse in B", (row) => gain(row) < 0],
  ["better", "Better in B", (row) => gain(row) > 0],
  ["changed", "Other answer", (row) => other.rows.outcome[row] !== null && other.rows.answer[row] !== rows.answer[row]],
  ["failing", "Failed in one", (row) => other.rows.outcome[row] !== null && failed(rows.outcome[row]) !== failed(other.rows.outcome[row])],
  ["only", "In A only", (row) => other.rows.outcome[row] === null],
];

const state = {
  view: document.body.dataset.view,
  outcome: "all",
  words: [],
  task: null,
  kind: null,
  filter: null,
  sort: "order",
};

// The first line of each document: what is listed where no filter is chosen.
const isFirst = rows.doc.map((number, row) => row === 0 || rows.doc[row - 1] !== number);

const kindsOfView = () => (state.view === "compare" ? KINDS_OF_CHANGE : KINDS_OF_OUTCOME);

function fits(row) {
  const number = rows.doc[row];
  if (state.filter === null ? !isFirst[row] : rows.filter[row] !== state.filter) return false;
  if (state.task !== null && documents.task[number] !== state.task) return false;
  if (state.kind !== null && !documents.kinds[number].includes(state.kind)) return false;
  return state.words.every((word) => haystack(number).includes(word));
}

const SORT_KEYS = {
  score: (row) => rows.score[row],
  latency: (row) => documents.latency[rows.doc[row]],
  tokens: (row) => documents.tokens[rows.doc[row]],
};

function sorted(found) {
  if (state.sort === "order") return state.view === "compare" ? flipsFirst(found) : found;
  if (state.sort === "id") {
    const collator = new Intl.Collator("en", { numeric: true });
    return found.sort((a, b) => collator.compare(documents.id[rows.doc[a]], documents.id[rows.doc[b]]));
  }
  const sign = state.sort.startsWith("-") ? -1 : 1;
  const key = SORT_KEYS[state.sort.replace("-", "")];
  // What has no value comes last, either way.
  const value = (row) => key(row) ?? Infinity * sign;
  return found.sort((a, b) => sign * (value(a) - value(b)) || a - b);
}

// Worse ones, then better ones, then other answers, then the rest; stable within each.
function flipsFirst(found) {
  const place = (row) => {
    if (gain(row)) return gain(row) < 0 ? 0 : 1;
    return other.rows.answer[row] !== rows.answer[row] ? 2 : 3;
  };
  const places = new Map(found.map((row) => [row, place(row)]));
  return found.sort((a, b) => places.get(a) - places.get(b) || a - b);
}

// The lines to list, and how many there would be for each kind of outcome.
function choose() {
  const kinds = kindsOfView();
  const base = [];
  for (let row = 0; row < rows.doc.length; row++) if (fits(row)) base.push(row);
  const counts = kinds.map(([, , test]) => base.reduce((sum, row) => sum + test(row), 0));
  const [, , test] = kinds.find(([name]) => name === state.outcome) ?? kinds[0];
  return { found: sorted(base.filter(test)), counts };
}
