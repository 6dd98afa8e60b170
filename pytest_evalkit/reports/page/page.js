// The controls: what they say is kept in the state, and the list follows.

const byId = (id) => document.getElementById(id);
const outcomesNode = document.querySelector(".outcomes");

function refresh() {
  byId("sort").options[0].textContent = state.view === "compare" ? "Flips first" : "In order";
  const { found, counts } = choose();
  const kept = list.open ? rows.doc[list.found[list.selected]] : null;
  list.found = found;
  byId("shown").textContent = number(found.length);
  drawOutcomes(counts);
  listNode.scrollTop = 0;
  const position = kept === null ? -1 : found.findIndex((row) => rows.doc[row] === kept);
  list.selected = position;
  redrawRows();
  if (position >= 0) select(position, true);
  listNode.classList.toggle("nothing", !found.length);
}

function drawOutcomes(counts) {
  outcomesNode.replaceChildren();
  kindsOfView().forEach(([name, label], position) => {
    if (!counts[position] && name !== "all" && name !== state.outcome) return;
    const button = element("button", { type: "button" }, `${label} `, element("small", {}, number(counts[position])));
    button.dataset.outcome = name;
    button.setAttribute("aria-pressed", name === state.outcome);
    button.addEventListener("click", () => {
      state.outcome = name;
      refresh();
    });
    outcomesNode.append(button);
  });
}

const chosen = (select) => (select.value === "" ? null : Number(select.value));

function fill(id, key, names, least) {
  const select = byId(id);
  names.forEach((name, position) => {
    select.append(shown("option", { value: String(position) }, name));
  });
  select.hidden = names.length < least;
  select.addEventListener("change", () => {
    state[key] = chosen(select);
    refresh();
  });
}

function fillKinds() {
  const columns = new Map();
  index.kinds.forEach(([column, value], position) => {
    if (!columns.has(column)) columns.set(column, element("optgroup", { label: column }));
    columns.get(column).append(shown("option", { value: String(position) }, value));
  });
  const select = byId("kind");
  select.append(...columns.values());
  select.hidden = index.kinds.length < 2;
  select.addEventListener("change", () => {
    state.kind = chosen(select);
    refresh();
  });
}

function delayed(action) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, 120);
  };
}

function setControls() {
  fill("task", "task", index.tasks, 2);
  fillKinds();
  byId("filter").append(element("option", { value: "" }, "First filter"));
  fill("filter", "filter", index.filters, 2);
  const words = byId("words");
  const search = delayed(() => {
    state.words = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    refresh();
  });
  words.addEventListener("input", search);
  byId("sort").addEventListener("change", (event) => {
    state.sort = event.target.value;
    refresh();
  });
  document.querySelector(".controls").addEventListener("submit", (event) => event.preventDefault());
}

// A name in a breakdown lists its documents.
function linkBreakdowns() {
  for (const button of document.querySelectorAll(".link[data-column]")) {
    button.addEventListener("click", () => {
      const { task, column, value } = button.dataset;
      state.kind = index.kinds.findIndex(([name, text]) => name === column && text === value);
      state.task = index.tasks.indexOf(task);
      byId("kind").value = String(state.kind);
      byId("task").value = String(state.task);
      refresh();
      byId("documents").scrollIntoView();
    });
  }
}

function setViews() {
  for (const button of document.querySelectorAll(".views button")) {
    button.addEventListener("click", () => {
      state.view = button.dataset.to;
      state.outcome = "all";
      document.body.dataset.view = state.view;
      for (const each of document.querySelectorAll(".views button")) {
        each.setAttribute("aria-pressed", each === button);
      }
      refresh();
      redraw();
    });
  }
}

const KEYS = {
  j: act.next,
  k: act.previous,
  ArrowDown: act.next,
  ArrowUp: act.previous,
  Enter: () => select(Math.max(0, list.selected), true),
  Escape: act.close,
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target.closest("input, select, textarea, button, summary, a");
  if (event.key === "/" && field?.tagName !== "INPUT") {
    event.preventDefault();
    byId("documents").scrollIntoView();
    byId("words").focus();
    return;
  }
  if (field) {
    if (event.target.id === "words" && ["Escape", "Enter"].includes(event.key)) {
      event.preventDefault();
      listNode.focus({ preventScroll: true });
    } else if (event.key === "Escape") act.close();
    return;
  }
  // Arrows scroll the page, and a document that is being read, as everywhere.
  if (event.key.startsWith("Arrow") && event.target !== listNode) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

// On paper there is no scrolling: the first lines of the list are written out.
function writePrinted() {
  for (const folded of document.querySelectorAll("#load details")) folded.open = true;
  const table = document.querySelector(".printed");
  const head = ["", "Document", "Answer", "Target", "Score"].map((name) => element("th", {}, name));
  table.replaceChildren(element("thead", {}, element("tr", {}, ...head)));
  for (const row of list.found.slice(0, 100)) {
    const doc = rows.doc[row];
    const texts = [documents.id[doc], documents.error[doc] ?? rows.answer[row], documents.target[doc], scoreText(rows.outcome[row], rows.score[row])];
    const mark = element("td", {}, element("span", { class: `mark ${OUTCOMES[rows.outcome[row]]}` }));
    table.append(element("tr", {}, mark, ...texts.map((text) => shown("td", {}, text))));
  }
}

// Reads ahead what a search needs, whenever there is nothing else to do.
function readAhead(next = 0) {
  if (next >= index.shown) return;
  const step = (deadline) => {
    let position = next;
    while (position < index.shown && deadline.timeRemaining() > 4) haystack(position++);
    readAhead(position);
  };
  if (globalThis.requestIdleCallback) requestIdleCallback(step);
}

function start() {
  if (!listNode) return;
  setControls();
  linkBreakdowns();
  setViews();
  refresh();
  listNode.addEventListener("scroll", drawRows, { passive: true });
  addEventListener("resize", redrawRows);
  addEventListener("beforeprint", writePrinted);
  addEventListener("keydown", onKey);
  addEventListener("hashchange", openAddressed);
  openAddressed();
  drawCharts();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
  readAhead();
}

start();
