// Charts of a run's documents.

const quantile = (ordered, share) =>
  ordered[Math.min(ordered.length - 1, Math.max(0, Math.ceil(share * ordered.length) - 1))];

// Counts in equal steps up to the 99.5th percentile; what is slower counts in the last.
function histogram(ordered) {
  const top = quantile(ordered, 0.995) || 1;
  const bins = Math.min(40, Math.max(8, Math.ceil(Math.sqrt(ordered.length))));
  const width = top / bins;
  const counts = new Array(bins).fill(0);
  for (const value of ordered) counts[Math.min(bins - 1, Math.floor(value / width))]++;
  return [counts.map((_, bin) => (bin + 0.5) * width), counts];
}

function latencyChart(timed) {
  const ordered = timed.map((number) => documents.latency[number]).sort((a, b) => a - b);
  const said = [50, 90, 99].map((p) => `p${p} ${seconds(quantile(ordered, p / 100))}`).join(" · ");
  const options = () => ({
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, most * 1.05 || 1] } },
    axes: [axis("seconds", FLAT), axis("documents", { size: 56 })],
    series: [
      {},
      { fill: colour("--accent"), stroke: colour("--accent"), paths: uPlot.paths.bars({ size: [0.9] }), points: { show: false } },
    ],
  });
  chart("chart-latency", said, options, histogram(ordered));
}

// How many documents were under way whenever that changed, thinned to what can be seen.
function flight(timed) {
  const events = timed.flatMap((number) => [
    [documents.start[number], 1],
    [documents.start[number] + documents.took[number], -1],
  ]);
  events.sort((a, b) => a[0] - b[0]);
  const end = events.at(-1)[0] || 1;
  const most = new Array(400).fill(null);
  let now = 0;
  let last = 0;
  for (const [time, step] of events) {
    const slot = Math.min(399, Math.floor((time / end) * 400));
    for (let gap = last + 1; gap <= slot; gap++) most[gap] ??= now;
    now += step;
    most[slot] = Math.max(most[slot] ?? 0, now);
    last = slot;
  }
  return [most.map((_, slot) => ((slot + 0.5) * end) / 400), most.map((value) => value ?? 0)];
}

// The limit in force at each time; the sum over the workers.
function limitAt(times) {
  const limits = new Map();
  let next = 0;
  return times.map((time) => {
    while (next < index.limits.length && index.limits[next].t_s <= time) {
      limits.set(index.limits[next].worker ?? 0, index.limits[next].limit);
      next++;
    }
    return limits.size ? [...limits.values()].reduce((sum, limit) => sum + limit, 0) : null;
  });
}

function flightChart(timed) {
  const [times, counts] = flight(timed);
  const highest = Math.max(...counts);
  // A limit far above what is drawn would leave nothing of it to be seen.
  const limit = limitAt(times).map((value) => (value !== null && value <= 4 * highest ? value : null));
  const hasLimit = limit.some((value) => value !== null);
  const said = `most at once: ${highest}${hasLimit ? "; dashed: the limit of requests" : ""}`;
  const options = () => ({
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, most * 1.1 || 1] } },
    axes: [axis("seconds of the run", FLAT), axis("documents", { size: 56 })],
    series: [
      {},
      { stroke: colour("--accent"), fill: colour("--wash"), width: 1.5, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } },
      { stroke: colour("--soft"), width: 1, dash: [4, 4], paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } },
    ],
  });
  chart("chart-flight", said, options, [times, counts, limit]);
}

function courseChart(timed) {
  const ordered = [...timed].sort((a, b) => documents.start[a] - documents.start[b]);
  const times = ordered.map((number) => documents.start[number]);
  const data = [times, ordered.map((number) => documents.latency[number])];
  const dense = ordered.length > 2000;
  const options = () => ({
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, most * 1.05 || 1] } },
    axes: [axis("start, in seconds of the run", FLAT), axis("seconds", { size: 56 })],
    series: [
      {},
      { paths: () => null, points: { show: true, size: dense ? 3 : 5, width: 0, fill: colour(dense ? "--haze" : "--accent") } },
    ],
  });
  chart("chart-course", "each dot is a document", options, data);
}

function drawCharts() {
  const section = document.getElementById("timing");
  const timed = documents.latency
    .map((_, number) => number)
    .filter((number) => documents.latency[number] !== null && documents.start[number] !== null);
  drawLoad();
  if (timed.length < 2) {
    document.querySelector('nav a[href="#timing"]').remove();
  } else {
    section.hidden = false;
    // Of requests there is more to say than of documents.
    if (index.load) document.getElementById("chart-latency").hidden = true;
    else latencyChart(timed);
    flightChart(timed);
    courseChart(timed);
  }
  keepDrawn();
}
