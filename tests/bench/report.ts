/**
 * A section's results: tables for the terminal, the same as JSON, a chart as SVG, and a check of
 * the project's goals.
 */
import { ensureDir } from "@std/fs";
import { type BarChart, barCharts } from "./svg.ts";

/** A column of a table: its title and its text for a row. */
export interface Column<Row> {
  title: string;
  text: (row: Row) => string;
}

/** A figure with a target. */
export interface Goal {
  what: string;
  value: number;
  /** The value's lower or upper limit. */
  limit: { min: number } | { max: number };
}

/** The result of one section of the benchmark. */
export interface SectionReport {
  /** Also the name of its files. */
  name: string;
  /** Tables and remarks, ready for printing. */
  text: string;
  /** All measurements, for the JSON file. */
  data: unknown;
  charts: BarChart[];
  goals: Goal[];
}

/** A table with a title, the first column left-aligned, the others right-aligned. */
export function tableText<Row>(
  title: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): string {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ text }) => text(row))),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const padded = lines.map((line) =>
    line.map((cell, i) => i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)).join("  ")
  );
  const [head = "", ...body] = padded;
  return [title, "", head.trimEnd(), "-".repeat(head.length), ...body.map((line) => line.trimEnd())].join(
    "\n",
  );
}

/** A number with `digits` decimals and a thousands separator; `–` for NaN. */
export function number(value: number, digits = 0): string {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A ratio, as `0.97 ×`. */
export function ratio(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(2)} ×` : "–";
}

/** True if a goal has been reached; a goal that could not be measured has not. */
export function isReached({ value, limit }: Goal): boolean {
  return "min" in limit ? value >= limit.min : value <= limit.max;
}

/** The goals, one per line, with the measured values. */
export function goalsText(goals: readonly Goal[]): string {
  return goals.map((goal) => {
    const limit = "min" in goal.limit ? `≥ ${goal.limit.min}` : `≤ ${goal.limit.max}`;
    const mark = Number.isNaN(goal.value) ? "?" : isReached(goal) ? "✓" : "✗";
    return `${mark} ${goal.what}: ${number(goal.value, 2)} (goal ${limit})`;
  }).join("\n");
}

/** The machine a report was made on. */
function machine(): Record<string, string | number> {
  return {
    cores: navigator.hardwareConcurrency,
    memoryBytes: Deno.systemMemoryInfo().total,
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    deno: Deno.version.deno,
  };
}

/** Writes a section's JSON and, if it has a chart, its SVG into `folder`; returns the paths. */
export async function writeReport(report: SectionReport, folder: string): Promise<string[]> {
  await ensureDir(folder);
  const { name, data, goals, charts } = report;
  const json = { section: name, at: new Date().toISOString(), machine: machine(), goals, data };
  const paths = [`${folder}/${name}.json`];
  await Deno.writeTextFile(`${folder}/${name}.json`, JSON.stringify(json, null, 2) + "\n");
  if (charts.length > 0) {
    paths.push(`${folder}/${name}.svg`);
    await Deno.writeTextFile(`${folder}/${name}.svg`, barCharts(charts));
  }
  return paths;
}
