// A load sweep, drawn: figures by the number of requests in flight.

const index = JSON.parse(document.querySelector("script.index").textContent);

// Levels double as a rule: equal steps of their logarithm, each at its own tick.
const places = index.levels.map(Math.log2);
const known = (value) => value !== null;
const most = (values) => Math.max(...values.filter(known));

const COLOURS = { p50: "--right", p90: "--accent", p95: "--side-a", p99: "--wrong" };
const WORDS = { p50: "green", p90: "blue", p95: "violet", p99: "red" };

// As many ticks as have room for their numbers.
function ticks(plot) {
  const shown = [];
  let free = -Infinity;
  index.levels.forEach((level, at) => {
    const x = plot.valToPos(places[at], "x");
    const half = 4 * number(level).length + 3;
    if (x - half < free) return;
    shown.push(places[at]);
    free = x + half;
  });
  return shown;
}

const levelAxis = () =>
  axis("requests in flight", { ...FLAT, splits: ticks, values: (_, shown) => shown.map((place) => number(Math.round(2 ** place))) });

function levelScale(room) {
  const [low, high] = [places[0], places.at(-1)];
  const span = high - low || 1;
  return { time: false, range: () => [low - 0.04 * span, high + room * span] };
}

// Draws in pixels of the screen, whatever its density.
function drawn(plot, action) {
  const { ctx } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px system-ui`;
  action(ctx, devicePixelRatio);
  ctx.restore();
}

// Where the server gives way, from top to bottom.
function drawEnd(plot) {
  if (index.gives_way === null) return;
  drawn(plot, (ctx, scale) => {
    const { top, height, left, width } = plot.bbox;
    const x = Math.round(plot.valToPos(Math.log2(index.gives_way), "x", true));
    ctx.strokeStyle = ctx.fillStyle = colour("--wrong");
    ctx.lineWidth = scale;
    ctx.setLineDash([3 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    const isLeft = x > left + width / 2;
    ctx.textAlign = isLeft ? "right" : "left";
    ctx.fillText("gives way", x + (isLeft ? -4 : 4) * scale, top + 10 * scale);
  });
}

// The names of lines behind their last points, none over another.
function drawNames(plot, lines) {
  drawn(plot, (ctx, scale) => {
    const ends = lines
      .map(({ name, stroke, values }) => [name, stroke, values.findLastIndex(known)])
      .filter(([, , at]) => at >= 0)
      .map(([name, stroke, at], line) => ({ name, stroke, at, y: plot.valToPos(lines[line].values[at], "y", true) }))
      .sort((a, b) => b.y - a.y);
    let free = Infinity;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    for (const { name, stroke, at, y } of ends) {
      const place = Math.min(y, free);
      free = place - 12 * scale;
      ctx.fillStyle = colour(stroke);
      ctx.fillText(name, plot.valToPos(places[at], "x", true) + 6 * scale, place);
    }
  });
}

function drawWhiskers(plot, xs, intervals) {
  drawn(plot, (ctx, scale) => {
    ctx.strokeStyle = colour("--haze");
    ctx.lineWidth = 5 * scale;
    intervals.forEach((interval, at) => {
      if (!interval || xs[at] === null) return;
      const x = plot.valToPos(xs[at], "x", true);
      ctx.beginPath();
      interval.forEach((end, first) => ctx[first ? "lineTo" : "moveTo"](x, plot.valToPos(end, "y", true)));
      ctx.stroke();
    });
  });
}

const dots = (stroke) => ({ show: true, size: 6, fill: colour(stroke) });

function timesChart(name, times) {
  const lines = Object.entries(times).map(([line, values]) => ({ name: line, values, stroke: COLOURS[line] }));
  const said = lines.map((line) => `${WORDS[line.name]}: ${line.name}`).join("; ");
  const options = () => ({
    scales: { x: levelScale(0.14), y: { range: (_, __, top) => [0, top * 1.2 || 1] } },
    axes: [levelAxis(), axis("milliseconds", { size: 64 })],
    series: [{}, ...lines.map(({ stroke }) => ({ stroke: colour(stroke), width: 1.5, points: dots(stroke) }))],
    hooks: { draw: [drawEnd, (plot) => drawNames(plot, lines)] },
  });
  chart(`chart-${name}`, said, options, [places, ...lines.map(({ values }) => values)]);
}

const RATES = {
  request_throughput: ["requests/s", (value) => value],
  output_throughput: ["tokens/s", (value) => value],
  error_rate: ["per cent", (value) => value && 100 * value],
};

function rateChart(name, given) {
  const [label, scaled] = RATES[name];
  const values = given.map(scaled);
  const peak = most(values);
  const said = `most: ${number(peak, 1)} at ${number(index.levels[values.indexOf(peak)])} in flight`;
  const stroke = name === "error_rate" ? "--wrong" : "--accent";
  const options = () => ({
    scales: { x: levelScale(0.04), y: { range: (_, __, top) => [0, top * 1.2 || 1] } },
    axes: [levelAxis(), axis(label, { size: 64 })],
    series: [{}, { stroke: colour(stroke), width: 1.5, points: dots(stroke) }],
    hooks: { draw: [drawEnd] },
  });
  chart(`chart-${name}`, said, options, [places, values]);
}

// Scores in all of their intervals, with a little room; never a single line.
function scoreRange({ values, intervals }) {
  const ends = [...values, ...intervals.flatMap((interval) => interval ?? [])].filter(known);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const room = 0.08 * (high - low) || 0.05 * Math.abs(high) || 0.05;
  return { range: () => [low - room, high + room] };
}

function scoreChart(score) {
  const said = score.intervals.some(Boolean) ? "bars: 95 % intervals" : "without intervals";
  const options = () => ({
    scales: { x: levelScale(0.04), y: scoreRange(score) },
    axes: [levelAxis(), axis("score", { size: 64 })],
    series: [{}, { stroke: colour("--accent"), width: 1.5, points: dots("--accent") }],
    hooks: { drawAxes: [(plot) => drawWhiskers(plot, places, score.intervals)], draw: [drawEnd] },
  });
  chart(score.by_load, said, options, [places, score.values]);
}

// The numbers of levels beside their points; those of points in one place together.
function drawLevels(plot, order, xs, ys) {
  drawn(plot, (ctx, scale) => {
    const told = [];
    order.forEach((at, place) => {
      const x = plot.valToPos(xs[place], "x", true);
      const y = plot.valToPos(ys[place], "y", true);
      const near = told.find((one) => Math.abs(one.x - x) < 16 * scale && Math.abs(one.y - y) < 12 * scale);
      if (near) near.levels.push(index.levels[at]);
      else told.push({ x, y, levels: [index.levels[at]] });
    });
    const { left, width } = plot.bbox;
    for (const { x, y, levels } of told) {
      const isLeft = x > left + width / 2;
      ctx.fillStyle = colour(levels.includes(index.gives_way) ? "--wrong" : "--ink");
      ctx.textAlign = isLeft ? "right" : "left";
      const names = levels.sort((a, b) => a - b).map((level) => number(level));
      ctx.fillText(names.join(", "), x + (isLeft ? -7 : 7) * scale, y - 5 * scale);
    }
  });
}

// Each level where its latency and its score are; numbers name the levels.
function qualityChart(score) {
  const order = index.latency
    .map((_, at) => at)
    .filter((at) => index.latency[at] !== null && score.values[at] !== null)
    .sort((a, b) => index.latency[a] - index.latency[b]);
  if (!order.length) {
    chart(score.by_latency, "", null, null);
    return;
  }
  const xs = order.map((at) => index.latency[at]);
  const ys = order.map((at) => score.values[at]);
  const names = (plot) => drawLevels(plot, order, xs, ys);
  const said = `numbers: requests in flight${index.gives_way === null ? "" : "; red: where the server gives way"}`;
  const options = () => ({
    scales: { x: { time: false, range: () => [0, xs.at(-1) * 1.1] }, y: scoreRange(score) },
    axes: [axis("end-to-end latency, p95 in milliseconds", FLAT), axis("score", { size: 64 })],
    series: [{}, { paths: () => null, points: { ...dots("--accent"), stroke: colour("--accent") } }],
    hooks: { drawAxes: [(plot) => drawWhiskers(plot, xs, order.map((at) => score.intervals[at]))], draw: [names] },
  });
  chart(score.by_latency, said, options, [xs, ys]);
}

for (const [name, times] of Object.entries(index.times)) timesChart(name, times);
for (const [name, values] of Object.entries(index.rates)) rateChart(name, values);
for (const score of index.scores) {
  scoreChart(score);
  qualityChart(score);
}
keepDrawn();
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
document.documentElement.dataset.ready = String(Math.round(performance.now()));
