// The list of documents: only the lines in sight exist.

const listNode = document.querySelector(".list");
const linesNode = document.querySelector(".lines");
const headNode = document.querySelector(".row.head");
const rowsNode = document.querySelector(".rows");
const detailNode = document.querySelector(".detail");
const hasMedia = index.media.some((place) => place !== null);
const MARGIN = 8;

const list = { found: [], selected: -1, open: false, drawn: new Map() };

const rowHeight = () => parseFloat(getComputedStyle(listNode).getPropertyValue("--row"));

function cell(name, text) {
  return shown("span", { class: name }, text);
}

function pictureCell(doc) {
  const node = element("span", { class: "thumb" });
  const [picture] = documents.media[doc].slice(0, 1).flatMap(picturesOf);
  if (picture) node.append(element("img", { src: picture.source, alt: "" }));
  return node;
}

const scoreText = (outcome, score) =>
  score === null ? OUTCOMES[outcome] : number(score);

function lineOf(row, position) {
  const doc = rows.doc[row];
  const compares = state.view === "compare";
  const line = element("div", { class: "row", role: "option", id: `row-${position}` });
  line.style.transform = `translateY(${position * rowHeight()}px)`;
  line.setAttribute("aria-selected", position === list.selected);
  line.append(element("span", { class: `mark ${OUTCOMES[rows.outcome[row]]}`, title: OUTCOMES[rows.outcome[row]] }));
  if (compares) {
    const second = other.rows.outcome[row];
    line.append(element("span", { class: `mark ${second === null ? "absent" : OUTCOMES[second]}` }));
  }
  if (hasMedia) line.append(pictureCell(doc));
  const task = index.tasks.length > 1 ? `${index.tasks[documents.task[doc]]} ` : "";
  line.append(element("span", { class: "id" }, cell("task", task), cell("name", documents.id[doc])));
  line.append(cell("answer", documents.error[doc] ?? rows.answer[row]));
  line.append(compares ? cell("target", other.rows.answer[row] ?? "") : cell("target", documents.target[doc]));
  const scores = [scoreText(rows.outcome[row], rows.score[row])];
  if (compares && other.rows.outcome[row] !== null) {
    scores.push(scoreText(other.rows.outcome[row], other.rows.score[row]));
  }
  line.append(element("span", { class: "score" }, scores.join(" → ")));
  line.append(element("span", { class: "time" }, seconds(documents.latency[doc])));
  line.addEventListener("click", () => select(position, true));
  return line;
}

// What a click on a heading chooses, and what the next click on it does.
const ORDERS = { id: ["id", "order"], score: ["score", "-score"], time: ["-latency", "order"] };

function heading(name, text) {
  const node = cell(name, text);
  const orders = ORDERS[name];
  if (!orders) return node;
  node.classList.add("sorts");
  node.classList.toggle("sorted", orders.includes(state.sort) && state.sort !== "order");
  node.addEventListener("click", () => {
    const select = document.getElementById("sort");
    select.value = state.sort === orders[0] ? orders[1] : orders[0];
    select.dispatchEvent(new Event("change"));
  });
  return node;
}

function drawHead() {
  const compares = state.view === "compare";
  headNode.replaceChildren(
    ...(compares ? [element("span", { class: "mark absent" }), element("span", { class: "mark absent" })] : [element("span", { class: "mark absent" })]),
    ...(hasMedia ? [element("span", { class: "thumb" })] : []),
    heading("id", "Document"),
    heading("answer", compares ? "Answer of A" : "Answer"),
    heading("target", compares ? "Answer of B" : "Target"),
    heading("score", "Score"),
    heading("time", "Latency"),
  );
}

// Draws the lines in sight, and takes away those out of it.
function drawRows() {
  const height = rowHeight();
  const first = Math.max(0, Math.floor(listNode.scrollTop / height) - MARGIN);
  const last = Math.min(list.found.length, Math.ceil((listNode.scrollTop + listNode.clientHeight) / height) + MARGIN);
  for (const [position, node] of list.drawn) {
    if (position < first || position >= last) {
      node.remove();
      list.drawn.delete(position);
    }
  }
  for (let position = first; position < last; position++) {
    if (list.drawn.has(position)) continue;
    const node = lineOf(list.found[position], position);
    list.drawn.set(position, node);
    rowsNode.append(node);
  }
}

function redrawRows() {
  list.drawn.forEach((node) => node.remove());
  list.drawn.clear();
  // How high a line is depends on these.
  linesNode.classList.toggle("with-media", hasMedia);
  linesNode.classList.toggle("compares", state.view === "compare");
  rowsNode.style.height = `${list.found.length * rowHeight()}px`;
  drawHead();
  drawRows();
}

function reveal(position) {
  const height = rowHeight();
  const top = position * height;
  if (top < listNode.scrollTop) listNode.scrollTop = top;
  const bottom = top + height - listNode.clientHeight;
  if (bottom > listNode.scrollTop) listNode.scrollTop = bottom;
}

// Chooses a line; opens its document if one is open or is asked for.
function select(position, open = list.open) {
  if (!list.found.length) return;
  const bounded = Math.min(list.found.length - 1, Math.max(0, position));
  list.drawn.get(list.selected)?.setAttribute("aria-selected", false);
  list.selected = bounded;
  reveal(bounded);
  drawRows();
  list.drawn.get(bounded)?.setAttribute("aria-selected", true);
  listNode.setAttribute("aria-activedescendant", `row-${bounded}`);
  if (open) openDocument();
}

const act = {
  previous: () => select(list.selected - 1),
  next: () => select(list.selected + 1),
  close: () => closeDocument(),
};

function openDocument() {
  const row = list.found[list.selected];
  list.open = true;
  document.body.classList.add("reading");
  detailNode.replaceChildren(...renderDetail(row, act));
  detailNode.scrollTop = 0;
  highlight(detailNode);
  const doc = rows.doc[row];
  const place = [index.tasks[documents.task[doc]], documents.id[doc]].map(encodeURIComponent);
  history.replaceState(null, "", `#document/${place.join("/")}`);
}

function closeDocument() {
  if (!list.open) return;
  list.open = false;
  document.body.classList.remove("reading");
  detailNode.replaceChildren(emptyBlock("Choose a document."));
  history.replaceState(null, "", "#documents");
  listNode.focus({ preventScroll: true });
}

// Opens the document that the address names.
function openAddressed() {
  const [kind, ...names] = location.hash.slice(1).split("/");
  if (kind !== "document" || names.length !== 2) return;
  const [task, id] = names.map(decodeURIComponent);
  const position = list.found.findIndex(
    (row) => documents.id[rows.doc[row]] === id && index.tasks[documents.task[rows.doc[row]]] === task,
  );
  if (position < 0) return;
  document.getElementById("documents").scrollIntoView();
  select(position, true);
}
