import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { existsSync } from "@std/fs";
import { Config } from "../../../src/config/config.ts";
import { ReplyError } from "../../../src/protocol/errors.ts";
import { addressText, ListenError, Listeners, type OpenListener } from "../../../src/server/listeners.ts";
import { FakeHost } from "../config/fake_host.ts";

const quiet = { debug() {}, verbose() {}, notice() {}, warning() {} };

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function canListen(hostname: string): boolean {
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

const hasIpv6 = canListen("::1");
if (!hasIpv6) console.warn("listeners_test: no IPv6 on this machine, a test is ignored");

/** Listeners of a configuration, and what has been opened so far. */
function create(...directives: string[]) {
  const config = new Config(new FakeHost());
  config.load({ configFile: "", readsStandardInput: false, options: directives.join("\n") }, {});
  const opened: OpenListener[] = [];
  const listeners = new Listeners(config, quiet, Deno.listen, (listener) => opened.push(listener));
  return { config, listeners, opened, [Symbol.dispose]: () => listeners.close() };
}

/** The addresses of what has been opened. */
function hosts(opened: readonly OpenListener[]): string[] {
  return opened.map(({ listener: { addr } }) => addr.transport === "tcp" ? addr.hostname : "unix");
}

function answers(hostname: string, port: number): Promise<boolean> {
  return Deno.connect({ hostname, port }).then((conn) => {
    conn.close();
    return true;
  }, () => false);
}

Deno.test("addressText writes addresses as CLIENT LIST shows them", () => {
  const tcp = (hostname: string) => addressText({ transport: "tcp", hostname, port: 12 }, "/s");
  assertEquals(tcp("127.0.0.1"), "127.0.0.1:12");
  assertEquals(tcp("::1"), "[::1]:12");
  assertEquals(tcp("::ffff:10.0.0.1"), "10.0.0.1:12");
  assertEquals(addressText({ transport: "unix", path: "" }, "/tmp/s.sock"), "/tmp/s.sock:0");
});

Deno.test("Listeners listens on each address of bind", async () => {
  const port = freePort();
  using s = create(`port ${port}`, "bind 127.0.0.1 127.0.0.2");
  await s.listeners.open();
  assertEquals(hosts(s.opened), ["127.0.0.1", "127.0.0.2"]);
  assertEquals([await answers("127.0.0.1", port), await answers("127.0.0.2", port)], [true, true]);
  s.listeners.close();
  assertEquals(await answers("127.0.0.1", port), false);
});

Deno.test({
  name: "Listeners answers IPv4 and IPv6 as bind is by default",
  ignore: !hasIpv6,
  fn: async () => {
    const port = freePort();
    using s = create(`port ${port}`);
    await s.listeners.open();
    assertEquals([await answers("127.0.0.1", port), await answers("::1", port)], [true, true]);
  },
});

Deno.test("Listeners does without an optional address that is not there, and not without another", async () => {
  const port = freePort();
  using s = create(`port ${port}`, "bind 127.0.0.1 -192.0.2.77");
  await s.listeners.open();
  assertEquals(hosts(s.opened), ["127.0.0.1"]);
  using t = create(`port ${freePort()}`, "bind 127.0.0.1 192.0.2.77");
  await assertRejects(() => t.listeners.open(), ListenError, "192.0.2.77");
  assertEquals(t.opened.length, 0, "all or none");
});

Deno.test("Listeners refuses a port that is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (const bind of ["127.0.0.1", "-127.0.0.1"]) {
    using s = create(`port ${taken.addr.port}`, `bind ${bind}`);
    await assertRejects(() => s.listeners.open(), ListenError);
  }
});

Deno.test("Listeners opens nothing for port 0", async () => {
  using s = create("port 0");
  await s.listeners.open();
  assertEquals([s.opened.length, s.listeners.isEmpty], [0, true]);
});

Deno.test("Listeners makes a Unix socket with its permissions and removes it at the end", async () => {
  const folder = await Deno.makeTempDir(), path = `${folder}/socket`;
  try {
    using s = create("port 0", `unixsocket ${path}`, "unixsocketperm 700");
    // What another server left behind is in nobody's way.
    Deno.listen({ transport: "unix", path }).close();
    await s.listeners.open();
    const { isSocket, mode } = Deno.lstatSync(path);
    assertEquals([isSocket, (mode ?? 0) & 0o777, s.opened[0]?.isUnixSocket], [true, 0o700, true]);
    (await Deno.connect({ transport: "unix", path })).close();
    s.listeners.close();
    assertEquals(existsSync(path), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Listeners does not remove a file that is no socket", async () => {
  const path = await Deno.makeTempFile();
  try {
    using s = create("port 0", `unixsocket ${path}`);
    await assertRejects(() => s.listeners.open(), ListenError);
    assert(existsSync(path));
  } finally {
    await Deno.remove(path);
  }
});

/** What a start with these directives reports; it must fail. */
async function report(...directives: string[]): Promise<string[]> {
  using s = create("bind 127.0.0.1", ...directives);
  return (await assertRejects(() => s.listeners.open(), ListenError)).report;
}

Deno.test("Listeners names what failed: the port and its kind, or the Unix socket", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  assertEquals((await report(`port ${port}`)).at(-1), `Failed listening on port ${port} (tcp), aborting.`);
  assertEquals(
    (await report("port 0", "unixsocket /nonexistent/s")).at(-1),
    "Failed listening on the Unix socket /nonexistent/s, aborting.",
  );
  assertEquals(await report("port 0", `tls-port ${port}`), [
    "Warning: Failed to configure TLS: No tls-cert-file configured!",
    `Failed listening on port ${port} (tls), aborting.`,
  ]);
});

Deno.test("Listeners follows CONFIG SET port and bind", async () => {
  const first = freePort(), second = freePort();
  using s = create(`port ${first}`, "bind 127.0.0.1");
  await s.listeners.open();
  const set = (name: string, value: string) =>
    s.config.set([[name, value]], { mayChangeProtected: true, isLoading: false });
  set("port", String(second));
  assertEquals([await answers("127.0.0.1", first), await answers("127.0.0.1", second)], [false, true]);
  set("bind", "127.0.0.1 127.0.0.2");
  assertEquals([await answers("127.0.0.1", second), await answers("127.0.0.2", second)], [true, true]);
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let refused: unknown;
  try {
    set("port", String(taken.addr.port));
  } catch (error) {
    refused = error;
  }
  assert(refused instanceof ReplyError);
  assertStringIncludes(refused.text, "Unable to listen on this port");
  assertEquals([s.config.values.port, await answers("127.0.0.1", second)], [second, true]);
});
