/** prometheus-redis-exporter, as Debian packages it, reads what it wants to know. */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { findTool, freePort, startRedeno } from "../support/oracle.ts";

const exporter = findTool("prometheus-redis-exporter");
if (exporter === undefined) console.warn("prometheus-redis-exporter is not installed, its test is ignored");

/** The exporter, scraping the Redis server at `port`. */
class Exporter implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #port = freePort();
  /** What it has logged. */
  log = "";

  constructor(port: number, flags: string[]) {
    const address = ["--redis.addr", `redis://127.0.0.1:${port}`];
    this.#child = new Deno.Command(exporter ?? "", {
      args: [...address, "--web.listen-address", `127.0.0.1:${this.#port}`, ...flags],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.log += text;
      if (this.log.includes("Providing metrics")) this.#ready.resolve();
    }
    this.#ready.reject(new Error(`the exporter ended:\n${this.log}`));
  }

  /** Its metrics of now, by name with labels. */
  async scrape(): Promise<Map<string, number>> {
    await this.#ready.promise;
    const text = await this.#fetch();
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }));
  }

  /** It says that it listens a moment before it does. */
  async #fetch(): Promise<string> {
    for (let attempt = 0;; attempt++) {
      try {
        return await (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text();
      } catch (error) {
        if (attempt === 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await this.#reading;
  }
}

/** Metrics that dashboards and alerts are built on. */
const wanted = [
  "redis_aof_enabled",
  "redis_blocked_clients",
  "redis_client_recent_max_output_buffer_bytes",
  "redis_client_recent_max_input_buffer_bytes",
  "redis_commands_processed_total",
  "redis_config_maxclients",
  "redis_config_maxmemory",
  "redis_connected_clients",
  "redis_connected_slaves",
  "redis_connections_received_total",
  "redis_cpu_sys_seconds_total",
  "redis_cpu_user_seconds_total",
  "redis_evicted_keys_total",
  "redis_expired_keys_total",
  "redis_keyspace_hits_total",
  "redis_keyspace_misses_total",
  "redis_mem_fragmentation_ratio",
  "redis_memory_max_bytes",
  "redis_memory_used_bytes",
  "redis_memory_used_peak_bytes",
  "redis_memory_used_rss_bytes",
  "redis_net_input_bytes_total",
  "redis_net_output_bytes_total",
  "redis_pubsub_channels",
  "redis_rdb_changes_since_last_save",
  "redis_rdb_last_bgsave_status",
  "redis_rdb_last_save_timestamp_seconds",
  "redis_rejected_connections_total",
  "redis_replication_backlog_bytes",
  "redis_slowlog_length",
  "redis_slowlog_last_id",
  "redis_start_time_seconds",
  "redis_total_system_memory_bytes",
  "redis_uptime_in_seconds",
];

Deno.test({
  name:
    "prometheus-redis-exporter scrapes INFO, CONFIG, SLOWLOG, CLIENT LIST, LATENCY and keys without an error",
  ignore: exporter === undefined,
  async fn() {
    await using server = await startRedeno(["--slowlog-log-slower-than", "0"]);
    using c = await server.connect();
    await c.pipeline([
      ["SET", "answer", "42", "EX", "1000"],
      ["RPUSH", "list", "a", "b", "c"],
      ["XADD", "stream", "1-1", "f", "v"],
      ["XGROUP", "CREATE", "stream", "group", "0"],
      ["GET", "missing"],
      ["LPUSH", "answer", "x"],
      ["CLIENT", "SETNAME", "test"],
    ]);
    await using scraper = new Exporter(server.port, [
      "--check-keys",
      "ans*,li*",
      "--check-streams",
      "stream",
      "--include-config-metrics",
      "--include-system-metrics",
      "--export-client-list",
    ]);
    const metrics = await scraper.scrape();
    const named = new Set([...metrics.keys()].map((name) => name.replace(/\{.*/, "")));
    assertEquals(wanted.filter((name) => !named.has(name)), []);
    assertEquals(metrics.get("redis_up"), 1);
    assertEquals(metrics.get('redis_db_keys{db="db0"}'), 3);
    assertEquals(metrics.get('redis_db_keys_expiring{db="db0"}'), 1);
    assertEquals(metrics.get('redis_key_value{db="db0",key="answer"}'), 42);
    assertEquals(metrics.get('redis_key_size{db="db0",key="list"}'), 3);
    assertEquals(metrics.get('redis_stream_length{db="db0",stream="stream"}'), 1);
    assertEquals(metrics.get('redis_commands_total{cmd="rpush"}'), 1);
    assertEquals(metrics.get('redis_errors_total{err="WRONGTYPE"}'), 1);
    assertGreater(metrics.get("redis_slowlog_length") ?? 0, 0);
    assertEquals(metrics.get('redis_exporter_last_scrape_error{err=""}'), 0);
    assert([...metrics.keys()].some((name) => /^redis_connected_clients_details\{.*name="test"/.test(name)));
    assertMatch([...metrics.keys()].join("\n"), /^redis_instance_info\{.*redis_version="7\.4\.0"/m);
    assertEquals(scraper.log.split("\n").filter((line) => /level=(error|warning)/.test(line)), []);
  },
});
