// Charts of uPlot: how they look, and when they are drawn.

const charts = [];
const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

const axis = (label, extra = {}) => ({
  label,
  labelSize: 20,
  labelFont: "12px system-ui",
  font: "12px system-ui",
  stroke: colour("--soft"),
  grid: { stroke: colour("--grid"), width: 1 },
  ticks: { stroke: colour("--grid"), width: 1, size: 4 },
  ...extra,
});

const FLAT = { size: 30 };

function draw({ node, options, data }) {
  node.querySelector(".uplot")?.remove();
  // In the view of a comparison the charts are hidden, and have no width.
  if (!node.clientWidth) return;
  const made = new uPlot(
    {
      width: node.clientWidth - 2 * parseFloat(getComputedStyle(node).paddingLeft),
      height: 220,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
      ...options(),
    },
    data,
    node,
  );
  made.root.setAttribute("role", "img");
  made.root.setAttribute("aria-label", node.querySelector("figcaption").textContent);
}

function chart(id, said, options, data) {
  const node = document.getElementById(id);
  if (data === null) {
    node.hidden = true;
    return;
  }
  node.querySelector("small").textContent = said;
  charts.push({ node, options, data });
}

function redraw() {
  charts.forEach(draw);
}

// Draws, and draws anew when colours or widths change.
function keepDrawn() {
  redraw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) {
      width = innerWidth;
      redraw();
    }
  });
}
