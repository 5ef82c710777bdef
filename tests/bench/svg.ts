/** Bar charts as SVG, drawn without a library. */

/** Groups of horizontal bars, one bar for each series. */
export interface BarChart {
  title: string;
  /** The unit of the bars, such as `requests/s`. */
  unit: string;
  series: readonly string[];
  groups: readonly { label: string; values: readonly number[] }[];
}

const WIDTH = 760, LABEL_WIDTH = 190, VALUE_WIDTH = 110;
const BAR_HEIGHT = 12, GROUP_GAP = 8, HEAD_HEIGHT = 54, CHART_GAP = 24;
const COLOURS = ["#8a8f98", "#2f6fde", "#d97706", "#15803d"];

/** `text` with XML's reserved characters escaped. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(
    '"',
    "&quot;",
  );
}

/** At most four significant digits, with a thousands separator: bars are for comparison. */
function shown(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

function chartHeight({ series, groups }: BarChart): number {
  return HEAD_HEIGHT + groups.length * (series.length * BAR_HEIGHT + GROUP_GAP) + CHART_GAP;
}

function legend(series: readonly string[], y: number): string {
  return series.map((name, i) => {
    const x = LABEL_WIDTH + i * 150;
    return `<rect x="${x}" y="${y - 9}" width="10" height="10" fill="${COLOURS[i % COLOURS.length]}"/>` +
      `<text x="${x + 15}" y="${y}">${escapeXml(name)}</text>`;
  }).join("");
}

function bar(value: number, longest: number, colour: string, y: number): string {
  if (!Number.isFinite(value)) return `<text x="${LABEL_WIDTH}" y="${y + BAR_HEIGHT - 2}">–</text>`;
  const width = longest > 0 ? (value / longest) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH) : 0;
  return `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${
    BAR_HEIGHT - 2
  }" fill="${colour}"/>` +
    `<text x="${(LABEL_WIDTH + width + 5).toFixed(1)}" y="${y + BAR_HEIGHT - 3}">${shown(value)}</text>`;
}

function drawChart(chart: BarChart, top: number): string {
  const { title, unit, series, groups } = chart;
  const longest = Math.max(0, ...groups.flatMap(({ values }) => values.filter(Number.isFinite)));
  const groupHeight = series.length * BAR_HEIGHT;
  const parts = [
    `<text x="10" y="${top + 20}" class="title">${escapeXml(`${title} (${unit})`)}</text>`,
    legend(series, top + 42),
  ];
  groups.forEach(({ label, values }, i) => {
    const y = top + HEAD_HEIGHT + i * (groupHeight + GROUP_GAP);
    const middle = y + groupHeight / 2 + 4;
    parts.push(`<text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${escapeXml(label)}</text>`);
    values.forEach((value, at) => {
      parts.push(bar(value, longest, COLOURS[at % COLOURS.length] ?? "black", y + at * BAR_HEIGHT));
    });
  });
  return parts.join("\n");
}

/** An SVG document with the charts one below another. */
export function barCharts(charts: readonly BarChart[]): string {
  let top = 0;
  const drawn = charts.map((chart) => {
    const part = drawChart(chart, top);
    top += chartHeight(chart);
    return part;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}"` +
    ` font-family="system-ui, sans-serif" font-size="11" fill="#1f2328">`,
    `<style>.title { font-size: 14px; font-weight: 600; }</style>`,
    `<rect width="${WIDTH}" height="${top}" fill="white"/>`,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}
