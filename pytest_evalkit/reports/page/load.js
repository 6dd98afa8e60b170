// What the requests of a run add up to, drawn.

// Lines at percentiles, each with its name a little below that of the one before.
function drawMarks(plot, marks) {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("--ink");
  ctx.lineWidth = scale;
  ctx.setLineDash([3 * scale, 3 * scale]);
  ctx.font = `${11 * scale}px system-ui`;
  marks.forEach(([name, value], place) => {
    const x = Math.round(plot.valToPos(value, "x", true));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const isLeft = x > bbox.left + bbox.width - 30 * scale;
    ctx.textAlign = isLeft ? "right" : "left";
    ctx.fillText(name, x + (isLeft ? -3 : 3) * scale, bbox.top + (10 + 12 * place) * scale);
  });
  ctx.restore();
}

function spreadChart(name, spread) {
  const { start, width, counts, over, marks } = spread;
  const end = start + width * counts.length;
  const middles = counts.map((_, place) => start + (place + 0.5) * width);
  const told = marks.map(([mark, value]) => `${mark} ${milliseconds(value)}`).join(" · ");
  const far = over ? `; the last bar: ${number(over)} above ${milliseconds(end - width)}` : "";
  const options = () => ({
    scales: { x: { time: false, range: () => [start, end] }, y: { range: (_, __, most) => [0, most * 1.05 || 1] } },
    axes: [axis("milliseconds", FLAT), axis("requests", { size: 56 })],
    series: [
      {},
      { fill: colour("--haze"), stroke: colour("--accent"), width: 1, paths: uPlot.paths.bars({ size: [1] }), points: { show: false } },
    ],
    hooks: { draw: [(plot) => drawMarks(plot, marks)] },
  });
  chart(`chart-${name}`, told + far, options, [middles, counts]);
}

const steps = (values) => [...values, values.at(-1)];
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function courseOf(name, label, course) {
  const times = Array.from({ length: course.in_flight.length + 1 }, (_, place) => place * course.width_s);
  const failed = name === "requests_per_s" && course.errors_per_s.some((value) => value > 0);
  const values = [course[name], ...(failed ? [course.errors_per_s] : [])];
  const said = `mean ${number(mean(values[0]), 1)}${failed ? `; red: errors, mean ${number(mean(values[1]), 1)}` : ""}`;
  const line = (stroke, fill) => ({ stroke: colour(stroke), fill: fill && colour(fill), width: 1.5, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } });
  const options = () => ({
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, most * 1.1 || 1] } },
    axes: [axis("seconds since the first request", FLAT), axis(label, { size: 56 })],
    series: [{}, line("--accent", "--wash"), ...(failed ? [line("--wrong")] : [])],
  });
  chart(`chart-${name}`, said, options, [times, ...values.map(steps)]);
}

function turnChart(turns) {
  const lines = [
    ["ttft_ms_p50", "--right", []],
    ["ttft_ms_p95", "--right", [4, 4]],
    ["e2el_ms_p50", "--accent", []],
    ["e2el_ms_p95", "--accent", [4, 4]],
  ].filter(([name]) => turns[name].some((value) => value !== null));
  const said = `blue: end to end${lines.length > 2 ? "; green: to the first token" : ""}; solid: p50; dashed: p95`;
  const options = () => ({
    scales: { x: { time: false, range: (_, low, high) => [low - 0.5, high + 0.5] }, y: { range: (_, __, most) => [0, most * 1.1 || 1] } },
    axes: [axis("turn", { ...FLAT, incrs: [1, 2, 5, 10, 20, 50] }), axis("milliseconds", { size: 64 })],
    series: [{}, ...lines.map(([, stroke, dash]) => ({ stroke: colour(stroke), dash, width: 1.5, points: { show: true, size: 5, fill: colour(stroke) } }))],
  });
  chart("chart-turns", said, options, [turns.turn, ...lines.map(([name]) => turns[name])]);
}

function drawLoad() {
  if (!index.load) return;
  const { distributions, over_time: course, turns } = index.load;
  for (const [name, spread] of Object.entries(distributions)) spreadChart(name, spread);
  if (course.in_flight) {
    courseOf("in_flight", "requests", course);
    courseOf("requests_per_s", "requests/s", course);
    if (course.output_tokens_per_s) courseOf("output_tokens_per_s", "tokens/s", course);
  }
  if (turns.turn) turnChart(turns);
}
