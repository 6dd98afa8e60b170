// An open document.

const SIDES = ["A", "B"];

// A text with what is shared, what is left out and what is its own.
function textBlock(text) {
  const block = element("pre");
  if (text.s !== undefined) {
    const before = index.shared[text.s];
    const folded = element("details", { class: "shared" });
    folded.append(
      element("summary", {}, `${number(before.length)} characters that all prompts begin with`),
      shown("span", {}, before),
    );
    block.append(folded);
  }
  show(block, text.t);
  if (text.n !== undefined) {
    const missing = text.n - text.t.length - text.e.length;
    block.append(element("span", { class: "cut" }, `… ${number(missing)} of ${number(text.n)} characters left out …`));
    show(block, text.e);
  }
  return block;
}

const emptyBlock = (words = "none") => element("p", { class: "none" }, words);

function titled(title, ...content) {
  return element("div", { class: "field" }, element("h4", {}, title), ...content);
}

function folded(title, content, open = false) {
  return element("details", { open }, element("summary", {}, title), content);
}

function mediaOf(part) {
  const strip = element("div", { class: "strip" });
  const pictures = part.m.flatMap((medium) => picturesOf(medium));
  for (const picture of pictures) {
    const image = element("img", { src: picture.source, alt: part.media, loading: "lazy" });
    image.addEventListener("click", () => image.classList.toggle("large"));
    strip.append(element("figure", {}, image, ...(picture.label ? [element("figcaption", {}, picture.label)] : [])));
  }
  const label = shown("span", { class: "medium" }, part.label);
  return element("div", { class: "media" }, strip, ...(pictures.length ? [] : [label]));
}

function prompt(messages) {
  const field = element("div", { class: "prompt" });
  for (const message of messages) {
    const said = element("div", { class: "said" }, shown("h4", {}, message.role));
    for (const part of message.parts) said.append(part.m ? mediaOf(part) : textBlock(part));
    field.append(said);
  }
  return field;
}

function answerFields(answer, several) {
  const heading = several ? `Answer, by ${answer.filter}` : "Answer";
  const scores = element("p", { class: "metrics" });
  for (const [name, value] of answer.metrics) {
    scores.append(element("span", { class: "metric" }, shown("i", {}, name), " ", shown("b", {}, value)));
  }
  if (answer.parse) scores.append(shown("span", { class: "parse" }, answer.parse));
  return titled(heading, answer.answer ? textBlock(answer.answer) : emptyBlock(), scores);
}

// What became of a document in one run.
function answered(detail) {
  const parts = [];
  if (detail.error) parts.push(element("div", { class: "field problem" }, textBlock(detail.error)));
  const several = detail.answers.length > 1;
  for (const answer of detail.answers) parts.push(answerFields(answer, several));
  return parts;
}

function asReceived(detail) {
  const parts = [];
  const add = (title, text, open = false) => text && parts.push(folded(title, textBlock(text), open));
  const scored = detail.answers[0]?.answer;
  const differs = detail.raw && (!scored || scored.t !== detail.raw.t || scored.n !== detail.raw.n);
  add("As received", differs ? detail.raw : null, !detail.stripped);
  add("Without thought", detail.stripped, true);
  add("Thought", detail.reasoning);
  add("Refusal", detail.refusal);
  add("Between question and answer", detail.transcript);
  add("Calls of tools in the answer", detail.tool_calls);
  add("Judge", detail.judge, true);
  for (const note of detail.notes ?? []) parts.push(element("div", { class: "notes" }, textBlock(note)));
  return parts;
}

function factList(facts) {
  const list = element("dl", { class: "facts" });
  for (const [name, value] of facts) {
    list.append(element("div", {}, element("dt", {}, name), shown("dd", {}, value)));
  }
  return list;
}

function sideOf(letter, detail) {
  const head = element("h3", {}, element("b", { class: `side ${letter.toLowerCase()}` }, letter));
  return element("div", { class: "run" }, head, ...answered(detail), ...asReceived(detail), factList(detail.facts));
}

function comparedBody(detail) {
  const second = detail.other
    ? sideOf("B", detail.other)
    : element("div", { class: "run" }, element("h3", {}, element("b", { class: "side b" }, "B")), emptyBlock("not in this run"));
  const parts = [titled("Target", textBlock(detail.target)), element("div", { class: "sides" }, sideOf("A", detail), second)];
  if (detail.other?.input) parts.push(folded("Prompt of B, which differs", prompt(detail.other.input), true));
  return parts;
}

function singleBody(detail) {
  const pair = element("div", { class: "pair" }, titled("Target", textBlock(detail.target)), element("div", {}, ...answered(detail)));
  return [pair, ...asReceived(detail)];
}

function outcomeChip(outcome) {
  const name = OUTCOMES[outcome];
  return element("span", { class: `outcome ${name}` }, name === "partly" ? "partly right" : name);
}

function detailHead(row, act) {
  const doc = rows.doc[row];
  const button = (label, title, step) => {
    const made = element("button", { type: "button", title, "aria-label": title }, label);
    made.addEventListener("click", step);
    return made;
  };
  const title = element("h3", {}, shown("code", {}, documents.id[doc]), outcomeChip(rows.outcome[row]));
  if (state.view === "compare" && other.rows.outcome[row] !== null) {
    title.append("→", outcomeChip(other.rows.outcome[row]));
  }
  const kinds = documents.kinds[doc].map((kind) => `${index.kinds[kind][0]}: ${index.kinds[kind][1]}`);
  const where = [index.tasks[documents.task[doc]], ...kinds].join(" · ");
  return element(
    "header",
    {},
    element("div", {}, title, shown("p", { class: "where" }, where)),
    element(
      "div",
      { class: "steps" },
      button("↑", "Previous (k)", act.previous),
      button("↓", "Next (j)", act.next),
      button("✕", "Close (esc)", act.close),
    ),
  );
}

function renderDetail(row, act) {
  const detail = detailOf(rows.doc[row]);
  const compares = state.view === "compare";
  const body = compares ? comparedBody(detail) : singleBody(detail);
  const asked = detail.input.length ? titled("Prompt", prompt(detail.input)) : emptyBlock("Nothing was asked.");
  const end = compares ? [] : [factList(detail.facts)];
  return [detailHead(row, act), element("div", { class: "body" }, ...body, asked, ...end)];
}

// Marks the words that were searched for, where the browser can.
function highlight(node) {
  if (!globalThis.CSS?.highlights) return;
  const ranges = [];
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  while (state.words.length && walker.nextNode() && ranges.length < 2000) {
    const text = walker.currentNode.data.toLowerCase();
    for (const word of state.words) {
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, Math.min(at + word.length, walker.currentNode.length));
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}
