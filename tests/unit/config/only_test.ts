import { assertEquals, assertThrows } from "@std/assert";
import { Config } from "../../../src/config/config.ts";
import { ConfigLoadError } from "../../../src/config/errors.ts";
import { Flag } from "../../../src/config/kinds.ts";
import { ALL_PARAMETERS } from "../../../src/config/registry.ts";
import { FakeHost } from "./fake_host.ts";

function start(directive: string): void {
  new Config(new FakeHost()).load({ configFile: "", readsStandardInput: false, options: directive }, {});
}

/** Directives of Redis that cannot be honoured here, and the reason. */
const REFUSED: [directive: string, reason: string][] = [
  ["tls-ciphers DEFAULT:!MEDIUM", "the cipher suites of TLS cannot be chosen here: only '' is supported"],
  [
    "tls-ciphersuites TLS_AES_256_GCM_SHA384",
    "the cipher suites of TLS cannot be chosen here: only '' is supported",
  ],
  [
    "tls-prefer-server-ciphers yes",
    "a client's order of cipher suites is always kept: only 'no' is supported",
  ],
  ["tls-session-caching no", "sessions of TLS can always be resumed here: only 'yes' is supported"],
  [
    'tls-protocols "TLSv1.1 TLSv1.2"',
    "TLSv1 and TLSv1.1 are not supported, use a combination of 'TLSv1.2' and 'TLSv1.3'",
  ],
  ["tls-protocols SSLv3", "Invalid tls-protocols specified. Use a combination of 'TLSv1.2' and 'TLSv1.3'"],
  [
    "bind-source-addr 10.0.0.1",
    "the address that connections come from cannot be chosen here: only '' is supported",
  ],
  ["socket-mark-id 7", "sockets cannot be marked here: only '0' is supported"],
  ["supervised upstart", "upstart is not supported, use 'systemd', 'auto' or 'no'"],
  [
    "syslog-enabled yes",
    "the log cannot go to syslog (to a file: 'logfile'; to the journal: standard output under systemd): only 'no' is " +
    "supported",
  ],
  ["locale-collate de_DE.UTF-8", "text is compared by its bytes: only '', 'C' and 'POSIX' are supported"],
  [
    "oom-score-adj relative",
    "the score cannot be adjusted from inside (in a unit of systemd: OOMScoreAdjust=): only 'no' is supported",
  ],
  ["cluster-enabled yes", "a server cannot be part of a cluster: only 'no' is supported"],
  ["tls-auth-clients maybe", "argument(s) must be one of the following: no, yes, optional"],
];

for (const [directive, reason] of REFUSED) {
  Deno.test(`a start with ${directive} is refused`, () => {
    assertEquals(assertThrows(() => start(directive), ConfigLoadError).message.split("\n").at(-1), reason);
  });
}

/**
 * Directives that may be accepted without effect: none changes what clients, operators or attackers get. They tune how
 * redis-server does its work (threads, processors, allocator, batches), what ps shows, its crash reports, or a cluster.
 */
const WITHOUT_EFFECT = [
  "active-defrag-",
  "activedefrag",
  "activerehashing",
  "aof-rewrite-incremental-fsync",
  "aof_rewrite_cpulist",
  "bgsave_cpulist",
  "bio_cpulist",
  "cluster-",
  "crash-log-enabled",
  "crash-memcheck-enabled",
  "daemonize",
  "disable-thp",
  "dynamic-hz",
  "enable-debug-assert",
  "ignore-warnings",
  "io-threads",
  "jemalloc-bg-thread",
  "lua-enable-deprecated-api",
  "max-new-",
  "oom-score-adj-values",
  "proc-title-template",
  "rdb-save-incremental-fsync",
  "server_cpulist",
  "set-proc-title",
  "syslog-facility",
  "syslog-ident",
  "tls-cluster",
  "tls-dh-params-file",
  "tls-session-cache-",
  "use-exit-on-panic",
  "watchdog-period",
];

Deno.test("only directives that make no difference here are accepted without effect", () => {
  const others = ALL_PARAMETERS.filter(({ flags }) => (flags & Flag.Meaningless) !== 0)
    .map(({ name }) => name).filter((name) => !WITHOUT_EFFECT.some((start) => name.startsWith(start)));
  assertEquals(others, []);
});
