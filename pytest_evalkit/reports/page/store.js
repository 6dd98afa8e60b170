// The data of the page: an index that is read at once, and blocks read when needed.

const parsed = (node) => JSON.parse(node.textContent);
const indexNode = document.querySelector("script.index");
const index = parsed(indexNode);
const documents = index.documents;
const rows = index.rows;
const other = index.other;

const lazily = (nodes) => {
  const read = [];
  return (position) => (read[position] ??= parsed(nodes[position]));
};
const detailBlock = lazily(document.querySelectorAll("script.block"));
const mediaBlock = lazily(document.querySelectorAll("script.media"));

const detailOf = (number) =>
  detailBlock(Math.floor(number / index.block))[number % index.block];

// The pictures of a medium: of a video, one for each frame; none where it has none.
function picturesOf(medium) {
  const place = index.media[medium];
  if (!place) return [];
  return mediaBlock(place[0])[place[1]].map(([mime, content, label]) => ({
    source: `data:${mime};base64,${content}`,
    label,
  }));
}

// All that a search looks at, of one document; written when it is first searched.
const haystacks = [];
function haystack(number) {
  return (haystacks[number] ??= written(number).join("\n").toLowerCase());
}

function written(number) {
  const texts = [documents.id[number]];
  const add = (text) => text && texts.push(text.t, text.e ?? "");
  const take = (detail) => {
    for (const message of detail.input ?? []) message.parts.forEach((part) => part.t && add(part));
    for (const answer of detail.answers) add(answer.answer);
    for (const key of ["target", "raw", "reasoning", "error", "refusal", "transcript", "judge"]) add(detail[key]);
  };
  const detail = detailOf(number);
  take(detail);
  if (detail.other) take(detail.other);
  return texts;
}
