import { assert, assertEquals, assertFalse } from "@std/assert";
import { goalsText, isReached, number, ratio, tableText, writeReport } from "../../bench/report.ts";

Deno.test("tableText aligns the first column left and the others right", () => {
  const columns = [
    { title: "test", text: ({ name }: { name: string }) => name },
    { title: "per second", text: ({ count }: { count: number }) => number(count) },
  ];
  const rows = [{ name: "set", count: 123456 }, { name: "lrange_100", count: 7 }];
  assertEquals(
    tableText("Throughput", columns, rows),
    [
      "Throughput",
      "",
      "test        per second",
      "----------------------",
      "set            123,456",
      "lrange_100           7",
    ].join("\n"),
  );
});

Deno.test("number and ratio show a dash for what was not measured", () => {
  assertEquals(number(1234.567, 1), "1,234.6");
  assertEquals(number(NaN), "–");
  assertEquals(ratio(0.954), "0.95 ×");
  assertEquals(ratio(1 / 0), "–");
});

Deno.test("a goal is reached at its limit, and not where nothing was measured", () => {
  assert(isReached({ what: "", value: 0.85, limit: { min: 0.85 } }));
  assertFalse(isReached({ what: "", value: 0.84, limit: { min: 0.85 } }));
  assert(isReached({ what: "", value: 1.3, limit: { max: 1.3 } }));
  assertFalse(isReached({ what: "", value: NaN, limit: { max: 1.3 } }));
});

Deno.test("goalsText marks goals as reached, missed or not measured", () => {
  const goals = [
    { what: "SET", value: 0.9, limit: { min: 0.85 } },
    { what: "CPU", value: 1.5, limit: { max: 1.3 } },
    { what: "GET", value: NaN, limit: { min: 0.85 } },
  ];
  assertEquals(
    goalsText(goals),
    "✓ SET: 0.90 (goal ≥ 0.85)\n✗ CPU: 1.50 (goal ≤ 1.3)\n? GET: – (goal ≥ 0.85)",
  );
});

Deno.test("writeReport writes JSON, and SVG where there is a chart", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const report = { name: "store", text: "", data: [{ keys: 5 }], charts: [], goals: [] };
    assertEquals(await writeReport(report, folder), [`${folder}/store.json`]);
    const written = JSON.parse(await Deno.readTextFile(`${folder}/store.json`));
    assertEquals([written.section, written.data], ["store", [{ keys: 5 }]]);
    const chart = { title: "t", unit: "u", series: ["a"], groups: [{ label: "g", values: [1] }] };
    const paths = await writeReport({ ...report, charts: [chart] }, folder);
    assertEquals(paths, [`${folder}/store.json`, `${folder}/store.svg`]);
    assert((await Deno.readTextFile(`${folder}/store.svg`)).startsWith("<svg "));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
