import { assertEquals } from "@std/assert";
import { statLine } from "../../../../src/cli/modes/stat.ts";

const info = (more: string) =>
  "# Clients\r\nconnected_clients:3\r\nblocked_clients:1\r\n# Memory\r\nused_memory:1572864\r\n" +
  "used_memory_rss:9\r\ntotal_connections_received:12\r\ntotal_commands_processed:100\r\n" + more;

Deno.test("statLine sums the keys of all databases and tells the requests since the line before", () => {
  assertEquals(
    statLine(info("db0:keys=5,expires=1,avg_ttl=0\r\ndb11:keys=7,expires=0,avg_ttl=0\r\n"), 90),
    "12         1.50M    3       1       100 (+10)           12          \n",
  );
});

Deno.test("statLine counts from the first line on, and names what the server is busy with", () => {
  assertEquals(
    statLine(info("rdb_bgsave_in_progress:0\r\nloading:0\r\n"), 0),
    "0          1.50M    3       1       100 (+0)            12          \n",
  );
  assertEquals(statLine(info("rdb_bgsave_in_progress:1\r\n"), 0).trimEnd().endsWith(" SAVE"), true);
  assertEquals(statLine(info("aof_rewrite_in_progress:1\r\n"), 0).trimEnd().endsWith(" AOF"), true);
  assertEquals(statLine(info("loading:1\r\n"), 0).trimEnd().endsWith(" LOAD"), true);
});
