import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { barCharts, escapeXml } from "../../bench/svg.ts";

const chart = {
  title: "Throughput <1>",
  unit: "requests/s",
  series: ["redis-server", "Redeno"],
  groups: [{ label: "set & get", values: [100, 50] }, { label: "incr", values: [25, NaN] }],
};

Deno.test("escapeXml replaces what XML reserves", () => {
  assertEquals(escapeXml(`<a href="x">&`), "&lt;a href=&quot;x&quot;&gt;&amp;");
});

Deno.test("barCharts draws a bar for each value, as long as its share of the largest", () => {
  const widths = [...barCharts([chart]).matchAll(/width="([\d.]+)" height="10" fill="#(?:8a8f98|2f6fde)"/g)]
    .map(([, width]) => Number(width)).filter((width) => width !== 10);
  assertEquals(widths, [460, 230, 115]);
});

Deno.test("barCharts escapes titles and labels and marks what was not measured", () => {
  const svg = barCharts([chart]);
  assertStringIncludes(svg, "Throughput &lt;1&gt; (requests/s)");
  assertStringIncludes(svg, "set &amp; get");
  assertStringIncludes(svg, ">–</text>");
});

Deno.test("barCharts puts charts one below the other in one document", () => {
  const one = Number(/height="(\d+)" viewBox/.exec(barCharts([chart]))?.[1]);
  assertMatch(barCharts([chart, chart]), new RegExp(`^<svg [^>]*height="${2 * one}"`));
  assertEquals(barCharts([chart, chart]).match(/<svg /g)?.length, 1);
});
