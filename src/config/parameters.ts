/**
 * Every configuration parameter, declared once: name, kind, default, bounds, older names and flags.
 * These are the directives of Redis 7.4 with redis-server's defaults, and Redeno's own.
 */
import {
  bool,
  choice,
  choices,
  Flag,
  INT64_MAX,
  INT_MAX,
  integer,
  memory,
  memoryOrPercent,
  octal,
  type Parameter,
  text,
} from "./kinds.ts";
import { only, refusing } from "./only.ts";
import {
  addresses,
  notifyClasses,
  oomScores,
  outputLimits,
  percentiles,
  primaryAddress,
  savePoints,
  workingDirectory,
} from "./special.ts";

const { Immutable, Protected, Hidden, Sensitive, DenyLoading, Multi, Meaningless } = Flag;

const KB = 1024;
const MB = 1024 * KB;
const GB = 1024 * MB;
const UINT_MAX = 4294967295;
const MAX_PORT = 65535;
const MAX_HOSTNAME = 256;

const fixed = { flags: Immutable };
const meaningless = { flags: Meaningless };
const fixedAndMeaningless = { flags: Immutable | Meaningless };
const hidden = { flags: Hidden };

const PROTECTED_ACTION = ["no", "yes", "local"] as const;

/** Refuses values that are paths, and empty ones if `emptyToo`. */
function baseName(name: string, noun: string, emptyToo: boolean) {
  return (value: string): string | undefined => {
    if (emptyToo && value === "") return `${name} can't be empty`;
    return /[/\\]/.test(value) ? `${name} can't be a path, just a ${noun}` : undefined;
  };
}

function refuseHostname(value: string): string | undefined {
  if (value.length >= MAX_HOSTNAME) return `Hostnames must be less than ${MAX_HOSTNAME} characters`;
  return /^[A-Za-z0-9.-]*$/.test(value)
    ? undefined
    : "Hostnames may only contain alphanumeric characters, hyphens or dots";
}

function refuseTitleTemplate(value: string): string | undefined {
  // A title made only of placeholders that may be empty is invalid.
  const shown = value.replace(/\{(title|server-mode|unixsocket)\}/g, "")
    .replace(/\{(listen-addr|config-file|port|tls-port)\}/g, "x").replaceAll("{{", "x").trim();
  return shown.includes("{") || shown === ""
    ? "template format is invalid or contains unknown variables"
    : undefined;
}

/** redis-server's words are refused if the protocol is too old for any version of Deno. */
function refuseProtocols(value: string): string | undefined {
  const words = value.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.every((word) => word === "tlsv1.2" || word === "tlsv1.3")) return undefined;
  return words.every((word) => /^tlsv1(?:\.[1-3])?$/.test(word))
    ? "TLSv1 and TLSv1.1 are not supported, use a combination of 'TLSv1.2' and 'TLSv1.3'"
    : "Invalid tls-protocols specified. Use a combination of 'TLSv1.2' and 'TLSv1.3'";
}

/** Text is compared byte by byte, as in these locales. */
function refuseLocale(value: string): string | undefined {
  return ["", "C", "POSIX"].includes(value)
    ? undefined
    : "text is compared by its bytes: only '', 'C' and 'POSIX' are supported";
}

/** The way a signal shuts the server down; empty: like SHUTDOWN without options. */
const shutdownOptions = () =>
  choices(
    "default",
    ["save", "nosave", "now", "force"],
    (value) =>
      value.includes("save") && value.includes("nosave")
        ? "shutdown options SAVE and NOSAVE can't be used simultaneously"
        : undefined,
  );

/**
 * All parameters by name, in the order in which CONFIG GET lists and CONFIG REWRITE appends them.
 */
export const PARAMETERS = {
  // Network
  "bind": addresses(["*", "-::*"]),
  "port": integer(6379, 0, MAX_PORT),
  "protected-mode": bool(true),
  "tcp-backlog": integer(511, 0, INT_MAX, fixed),
  "unixsocket": text("", fixed),
  "unixsocketperm": octal(0, 0o777, fixed),
  "timeout": integer(0, 0, INT_MAX),
  "tcp-keepalive": integer(300, 0, INT_MAX),
  "maxclients": integer(10000, 1, UINT_MAX),
  "bind-source-addr": only("", text(""), "the address that connections come from cannot be chosen here"),
  "socket-mark-id": only(0, integer(0, 0, UINT_MAX, fixed), "sockets cannot be marked here"),
  "max-new-connections-per-cycle": integer(10, 1, 1000, meaningless),
  "max-new-tls-connections-per-cycle": integer(1, 1, 1000, meaningless),
  "proto-max-bulk-len": memory(512 * MB, MB, INT64_MAX),
  "client-query-buffer-limit": memory(GB, MB, INT64_MAX),
  "client-output-buffer-limit": outputLimits({
    normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
    replica: { hardBytes: 256 * MB, softBytes: 64 * MB, softSeconds: 60 },
    pubsub: { hardBytes: 32 * MB, softBytes: 8 * MB, softSeconds: 60 },
  }),
  "maxmemory-clients": memoryOrPercent(0),
  "tracking-table-max-keys": integer(1_000_000, 0, INT64_MAX),

  // TLS
  "tls-port": integer(0, 0, MAX_PORT),
  "tls-cert-file": text(""),
  "tls-key-file": text(""),
  "tls-key-file-pass": text("", { flags: Sensitive }),
  "tls-client-cert-file": text(""),
  "tls-client-key-file": text(""),
  "tls-client-key-file-pass": text("", { flags: Sensitive }),
  "tls-dh-params-file": text("", meaningless),
  "tls-ca-cert-file": text(""),
  "tls-ca-cert-dir": text(""),
  "tls-auth-clients": choice("yes", ["no", "yes", "optional"]),
  "tls-replication": bool(false),
  "tls-cluster": bool(false, meaningless),
  "tls-protocols": text("", { refuse: refuseProtocols }),
  "tls-ciphers": only("", text(""), "the cipher suites of TLS cannot be chosen here"),
  "tls-ciphersuites": only("", text(""), "the cipher suites of TLS cannot be chosen here"),
  "tls-prefer-server-ciphers": only(false, bool(false), "a client's order of cipher suites is always kept"),
  "tls-session-caching": only(true, bool(true), "sessions of TLS can always be resumed here"),
  "tls-session-cache-size": integer(20 * KB, 0, INT_MAX, meaningless),
  "tls-session-cache-timeout": integer(300, 0, INT_MAX, meaningless),

  // General
  "daemonize": bool(false, fixedAndMeaningless),
  "supervised": refusing(
    choice("no", ["upstart", "systemd", "auto", "no"], fixed),
    (value) => value === "upstart" ? "upstart is not supported, use 'systemd', 'auto' or 'no'" : undefined,
  ),
  "pidfile": text("", fixed),
  "loglevel": choice("notice", ["debug", "verbose", "notice", "warning"]),
  "logfile": text("", fixed),
  "hide-user-data-from-log": bool(false),
  "syslog-enabled": only(
    false,
    bool(false, fixed),
    "the log cannot go to syslog (to a file: 'logfile'; to the journal: standard output under systemd)",
  ),
  "syslog-ident": text("redis", fixedAndMeaningless),
  "syslog-facility": choice("local0", [
    "user",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
  ], fixedAndMeaningless),
  "crash-log-enabled": bool(true, meaningless),
  "crash-memcheck-enabled": bool(true, meaningless),
  "use-exit-on-panic": bool(false, { flags: Hidden | Meaningless }),
  "databases": integer(16, 1, INT_MAX, fixed),
  "always-show-logo": bool(false, fixed),
  "set-proc-title": bool(true, fixedAndMeaningless),
  "proc-title-template": text("{title} {listen-addr} {server-mode}", {
    flags: Meaningless,
    refuse: refuseTitleTemplate,
  }),
  "locale-collate": text("", { refuse: refuseLocale }),
  "ignore-warnings": text("", meaningless),
  "hz": clampedHz(),
  "dynamic-hz": bool(true, meaningless),
  "io-threads": integer(1, 1, 128, fixedAndMeaningless),
  "io-threads-do-reads": bool(false, fixedAndMeaningless),
  "server_cpulist": text("", fixedAndMeaningless),
  "bio_cpulist": text("", fixedAndMeaningless),
  "aof_rewrite_cpulist": text("", fixedAndMeaningless),
  "bgsave_cpulist": text("", fixedAndMeaningless),
  // CONFIG SET only logs a warning: clients set it along with other parameters, as Redis's own
  // suite does.
  "oom-score-adj": refusing(
    choice("no", ["no", "yes", "relative", "absolute"], { synonyms: { relative: "yes" } }),
    (value, isStart) =>
      isStart && value !== "no"
        ? "the score cannot be adjusted from inside (in a unit of systemd: OOMScoreAdjust=): only 'no' is supported"
        : undefined,
  ),
  "oom-score-adj-values": oomScores([0, 200, 800], { flags: Multi | Meaningless }),
  "disable-thp": bool(true, fixedAndMeaningless),
  "jemalloc-bg-thread": bool(true, meaningless),
  "activerehashing": bool(true, meaningless),
  "watchdog-period": integer(0, 0, INT_MAX, { flags: Hidden | Meaningless }),
  "shutdown-timeout": integer(10, 0, INT_MAX),
  "shutdown-on-sigint": shutdownOptions(),
  "shutdown-on-sigterm": shutdownOptions(),

  // Security
  "requirepass": text("", { flags: Sensitive }),
  "aclfile": text("", fixed),
  "acl-pubsub-default": choice("resetchannels", ["allchannels", "resetchannels"]),
  "acllog-max-len": integer(128, 0, INT64_MAX),
  "enable-protected-configs": choice("no", PROTECTED_ACTION, fixed),
  "enable-debug-command": choice("no", PROTECTED_ACTION, fixed),
  "enable-module-command": choice("no", PROTECTED_ACTION, fixed),
  "enable-debug-assert": choice("no", PROTECTED_ACTION, { flags: Immutable | Hidden | Meaningless }),

  // Snapshots
  "save": savePoints([
    { seconds: 3600, changes: 1 },
    { seconds: 300, changes: 100 },
    { seconds: 60, changes: 10000 },
  ]),
  "dir": workingDirectory(),
  "dbfilename": text("dump.rdb", { flags: Protected, refuse: baseName("dbfilename", "filename", false) }),
  "rdbcompression": bool(true),
  "rdbchecksum": bool(true, fixed),
  "rdb-skip-unreadable-keys": bool(false),
  "sanitize-dump-payload": choice("yes", ["no", "yes", "clients"]),
  "stop-writes-on-bgsave-error": bool(true),
  "rdb-del-sync-files": bool(false),
  "rdb-save-incremental-fsync": bool(true, meaningless),
  "rdb-key-save-delay": integer(0, -INT_MAX - 1, INT_MAX, hidden),
  "key-load-delay": integer(0, -INT_MAX - 1, INT_MAX, hidden),
  "loading-process-events-interval-bytes": integer(2 * MB, KB, INT_MAX, hidden),

  // Append only file
  "appendonly": bool(false, { flags: DenyLoading }),
  "appendfilename": text("appendonly.aof", {
    flags: Immutable,
    refuse: baseName("appendfilename", "filename", true),
  }),
  "appenddirname": text("appendonlydir", {
    flags: Immutable,
    refuse: baseName("appenddirname", "dirname", true),
  }),
  "appendfsync": choice("everysec", ["everysec", "always", "no"]),
  "no-appendfsync-on-rewrite": bool(false),
  "auto-aof-rewrite-percentage": integer(100, 0, INT_MAX),
  "auto-aof-rewrite-min-size": memory(64 * MB, 0, INT64_MAX),
  "aof-load-truncated": bool(true),
  "aof-use-rdb-preamble": bool(true),
  "aof-timestamp-enabled": bool(false),
  "aof-rewrite-incremental-fsync": bool(true, meaningless),
  "aof-disable-auto-gc": bool(false),

  // Readable snapshots and default expiry: Redeno's own
  "default-ttl": integer(0, 0, INT_MAX),
  "snapshot-interval": integer(0, 0, INT_MAX),
  "load-snapshot": text("", { flags: Immutable | Hidden }),

  // Replication
  "replicaof": primaryAddress({ flags: Immutable | Multi, aliases: ["slaveof"] }),
  "masterauth": text("", { flags: Sensitive, aliases: ["primaryauth"] }),
  "masteruser": text("", { flags: Sensitive, aliases: ["primaryuser"] }),
  "replica-serve-stale-data": bool(true, { aliases: ["slave-serve-stale-data"] }),
  "replica-read-only": bool(true, { aliases: ["slave-read-only"] }),
  "repl-diskless-sync": bool(true),
  "repl-diskless-sync-delay": integer(5, 0, INT_MAX),
  "repl-diskless-sync-max-replicas": integer(0, 0, INT_MAX),
  "repl-diskless-load": choice("disabled", ["disabled", "on-empty-db", "swapdb"], { flags: DenyLoading }),
  "repl-ping-replica-period": integer(10, 1, INT_MAX, { aliases: ["repl-ping-slave-period"] }),
  "repl-timeout": integer(60, 1, INT_MAX),
  "repl-disable-tcp-nodelay": bool(false),
  "repl-backlog-size": memory(MB, 1, INT64_MAX),
  "repl-backlog-ttl": integer(3600, 0, INT64_MAX),
  "replica-priority": integer(100, 0, INT_MAX, { aliases: ["slave-priority"] }),
  "replica-announced": bool(true),
  "replica-announce-ip": text("", { aliases: ["slave-announce-ip"] }),
  "replica-announce-port": integer(0, 0, MAX_PORT, { aliases: ["slave-announce-port"] }),
  "replica-lazy-flush": bool(false, { aliases: ["slave-lazy-flush"] }),
  "replica-ignore-maxmemory": bool(true, { aliases: ["slave-ignore-maxmemory"] }),
  "replica-ignore-disk-write-errors": bool(false),
  "min-replicas-to-write": integer(0, 0, INT_MAX, { aliases: ["min-slaves-to-write"] }),
  "min-replicas-max-lag": integer(10, 0, INT_MAX, { aliases: ["min-slaves-max-lag"] }),
  "propagation-error-behavior": choice("ignore", ["ignore", "panic", "panic-on-replicas"]),

  // Memory and expiry
  "maxmemory": memory(0, 0, INT64_MAX),
  "maxmemory-policy": choice("noeviction", [
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
  ]),
  "maxmemory-samples": integer(5, 1, INT_MAX),
  "maxmemory-eviction-tenacity": integer(10, 0, 100),
  "lfu-log-factor": integer(10, 0, INT_MAX),
  "lfu-decay-time": integer(1, 0, INT_MAX),
  "active-expire-effort": integer(1, 1, 10),
  "lazyfree-lazy-eviction": bool(false),
  "lazyfree-lazy-expire": bool(false),
  "lazyfree-lazy-server-del": bool(false),
  "lazyfree-lazy-user-del": bool(false),
  "lazyfree-lazy-user-flush": bool(false),
  "activedefrag": bool(false, {
    flags: Meaningless,
    neverYes:
      "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified " +
      "Jemalloc like the one shipped by default with the Redis source distribution",
  }),
  "active-defrag-ignore-bytes": memory(100 * MB, 1, INT64_MAX, meaningless),
  "active-defrag-threshold-lower": integer(10, 0, 1000, meaningless),
  "active-defrag-threshold-upper": integer(100, 0, 1000, meaningless),
  "active-defrag-cycle-min": integer(1, 1, 99, meaningless),
  "active-defrag-cycle-max": integer(25, 1, 99, meaningless),
  "active-defrag-max-scan-fields": integer(1000, 1, INT64_MAX, meaningless),

  // Encodings of values
  "hash-max-listpack-entries": integer(512, 0, INT64_MAX, { aliases: ["hash-max-ziplist-entries"] }),
  "hash-max-listpack-value": memory(64, 0, INT64_MAX, { aliases: ["hash-max-ziplist-value"] }),
  "list-max-listpack-size": integer(-2, -INT_MAX - 1, INT_MAX, { aliases: ["list-max-ziplist-size"] }),
  "list-compress-depth": integer(0, 0, INT_MAX),
  "set-max-intset-entries": integer(512, 0, INT64_MAX),
  // 7.0 does not know such sets and cannot load them; 128 gives the encodings of 7.2.
  "set-max-listpack-entries": integer(0, 0, INT64_MAX),
  "set-max-listpack-value": integer(64, 0, INT64_MAX),
  "zset-max-listpack-entries": integer(128, 0, INT64_MAX, { aliases: ["zset-max-ziplist-entries"] }),
  "zset-max-listpack-value": memory(64, 0, INT64_MAX, { aliases: ["zset-max-ziplist-value"] }),
  "hll-sparse-max-bytes": memory(3000, 0, INT64_MAX),
  "stream-node-max-bytes": memory(4096, 0, INT64_MAX),
  "stream-node-max-entries": integer(100, 0, INT64_MAX),

  // Observation and scripts
  "slowlog-log-slower-than": integer(10000, -1, INT64_MAX),
  "slowlog-max-len": integer(128, 0, INT64_MAX),
  "latency-monitor-threshold": integer(0, 0, INT64_MAX),
  "latency-tracking": bool(true),
  "latency-tracking-info-percentiles": percentiles([50, 99, 99.9]),
  "notify-keyspace-events": notifyClasses(),
  "busy-reply-threshold": integer(5000, 0, INT64_MAX, { aliases: ["lua-time-limit"] }),
  "lua-enable-deprecated-api": bool(false, { flags: Immutable | Hidden | Meaningless }),

  // Cluster: one server is not a cluster, but its directives are known
  "cluster-enabled": only(false, bool(false, fixed), "a server cannot be part of a cluster"),
  "cluster-config-file": text("nodes.conf", fixedAndMeaningless),
  "cluster-node-timeout": integer(15000, 0, INT64_MAX, meaningless),
  "cluster-port": integer(0, 0, MAX_PORT, fixedAndMeaningless),
  "cluster-announce-ip": text("", meaningless),
  "cluster-announce-hostname": text("", { flags: Meaningless, refuse: refuseHostname }),
  "cluster-announce-human-nodename": text("", { flags: Meaningless, refuse: refuseHostname }),
  "cluster-announce-port": integer(0, 0, MAX_PORT, meaningless),
  "cluster-announce-tls-port": integer(0, 0, MAX_PORT, meaningless),
  "cluster-announce-bus-port": integer(0, 0, MAX_PORT, meaningless),
  "cluster-preferred-endpoint-type": choice("ip", ["ip", "hostname", "unknown-endpoint"], meaningless),
  "cluster-replica-validity-factor": integer(10, 0, INT_MAX, {
    flags: Meaningless,
    aliases: ["cluster-slave-validity-factor"],
  }),
  "cluster-replica-no-failover": bool(false, { flags: Meaningless, aliases: ["cluster-slave-no-failover"] }),
  "cluster-migration-barrier": integer(1, 0, INT_MAX, meaningless),
  "cluster-allow-replica-migration": bool(true, meaningless),
  "cluster-require-full-coverage": bool(true, meaningless),
  "cluster-allow-reads-when-down": bool(false, meaningless),
  "cluster-allow-pubsubshard-when-down": bool(true, meaningless),
  "cluster-link-sendbuf-limit": memory(0, 0, INT64_MAX, meaningless),
  "cluster-ping-interval": integer(1000, 1, INT_MAX, { flags: Hidden | Meaningless }),
} as const satisfies Record<string, Parameter<unknown>>;

/** `hz`: any positive number is accepted, and clamped between 1 and 500. */
function clampedHz(): Parameter<number> {
  const plain = integer(10, 0, INT_MAX);
  return { ...plain, parse: (words, context) => Math.min(Math.max(plain.parse(words, context), 1), 500) };
}

type ParameterName = keyof typeof PARAMETERS;

type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

type ValueOf<P> = P extends Parameter<infer Value> ? Value : never;

/**
 * The values of all parameters under their names in camel case: `maxmemoryPolicy`,
 * `hashMaxListpackEntries`.
 */
export type ConfigValues = {
  -readonly [Name in ParameterName as CamelCase<Name>]: ValueOf<(typeof PARAMETERS)[Name]>;
};

/** `max-clients` as `maxClients`. */
export function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
