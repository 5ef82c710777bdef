import { assertEquals } from "@std/assert";
import { History, holdsSecret, loadHistory, saveHistory } from "../../../src/cli/history.ts";

Deno.test("History drops repetitions and, past its limit, the oldest lines", () => {
  const history = new History(2);
  assertEquals(["a", "a", "b", "a", "c"].map((line) => history.add(line)), [true, false, true, true, true]);
  assertEquals(history.toString(), "a\nc\n");
});

Deno.test("saveHistory writes what loadHistory reads, readable by the owner alone", () => {
  const path = Deno.makeTempFileSync();
  try {
    Deno.removeSync(path);
    const history = new History();
    loadHistory(history, path);
    assertEquals(history.length, 0);
    history.add("get é");
    history.add("set k v");
    saveHistory(history, path);
    const again = new History();
    loadHistory(again, path);
    assertEquals(again.toString(), "get é\nset k v\n");
    if (Deno.build.os !== "windows") assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("holdsSecret knows the commands with passwords", () => {
  const secrets = [
    "AUTH x",
    "acl SETUSER u >p",
    "config set requirepass x",
    "config set maxmemory 1 masterauth x",
    "config set tls-key-file-pass x",
    "sentinel set mymaster auth-pass x",
    "SENTINEL CONFIG SET sentinel-pass x",
    "hello 3 AUTH u p",
    "hello 3 setname n auth u p",
    "migrate h 1 k 0 10 AUTH p",
    "migrate h 1 k 0 10 copy auth2 u p",
  ];
  const harmless = ["get auth", "acl list", "config get requirepass", "hello 3", "migrate auth 1 auth 0 10"];
  assertEquals(secrets.filter((line) => !holdsSecret(line.split(" "))), []);
  assertEquals(harmless.filter((line) => holdsSecret(line.split(" "))), []);
});
