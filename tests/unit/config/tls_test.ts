import { assert, assertEquals, assertThrows } from "@std/assert";
import { Config } from "../../../src/config/config.ts";
import { ConfigError } from "../../../src/config/errors.ts";
import { readTls, verifiesCertificates } from "../../../src/config/tls.ts";
import { FakeHost } from "./fake_host.ts";

function valuesOf(...directives: string[]) {
  const config = new Config(new FakeHost());
  config.load({ configFile: "", readsStandardInput: false, options: directives.join("\n") }, {});
  return config.values;
}

const VERIFYING = "2.9.6";

/** Calls `use` with the directives of a certificate, in a folder of its own. */
async function withFiles(use: (own: string[], folder: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "redeno-tls-" });
  try {
    for (const name of ["cert", "key", "ca", "deadbeef.0", "other"]) {
      await Deno.writeTextFile(`${folder}/${name}`, `${name}\n`);
    }
    use([`tls-cert-file ${folder}/cert`, `tls-key-file ${folder}/key`], folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function refusal(directives: string[], version = VERIFYING): string {
  return assertThrows(() => readTls(valuesOf(...directives), version), ConfigError).message;
}

Deno.test("verifiesCertificates compares versions number by number", () => {
  for (const version of ["2.9.6", "2.9.10", "2.10.0", "3.0.0", "2.9.7-rc.1"]) {
    assert(verifiesCertificates(version), version);
  }
  for (const version of ["2.5.7", "2.9.5", "1.99.9"]) assert(!verifiesCertificates(version), version);
});

Deno.test("readTls demands what redis-server demands, in its words", () =>
  withFiles((own, folder) => {
    assertEquals(refusal([]), "No tls-cert-file configured!");
    assertEquals(refusal([own[0]!]), "No tls-key-file configured!");
    const authority =
      "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or " +
      "tls-auth-clients are enabled!";
    assertEquals(refusal(own), authority);
    assertEquals(refusal([...own, "tls-auth-clients optional"]), authority);
    assertEquals(refusal([...own, "tls-auth-clients no", "tls-replication yes"]), authority);
    assertEquals(
      refusal([...own, "tls-ca-cert-file /none"]),
      "Failed to configure CA certificate(s) file/directory: No such file or directory",
    );
    assertEquals(
      refusal([`tls-cert-file ${folder}/none`, own[1]!, "tls-auth-clients no"]),
      `Failed to load certificate: ${folder}/none: No such file or directory`,
    );
  }));

Deno.test("readTls reads certificates, authorities by their hashed names, and protocols", () =>
  withFiles((own, folder) => {
    const plain = readTls(valuesOf(...own, "tls-auth-clients no"), "2.5.7");
    assertEquals(plain.own, { cert: "cert\n", key: "key\n" });
    assertEquals([plain.client, plain.trusted], [plain.own, []]);
    assertEquals([plain.minVersion, plain.maxVersion], ["TLSv1.2", "TLSv1.3"]);
    const both = readTls(
      valuesOf(...own, `tls-ca-cert-file ${folder}/ca`, `tls-ca-cert-dir ${folder}`),
      VERIFYING,
    );
    assertEquals(both.trusted, ["ca\n", "deadbeef.0\n"]);
    for (const version of ["TLSv1.2", "TLSv1.3"]) {
      const one = readTls(valuesOf(...own, "tls-auth-clients no", `tls-protocols ${version}`), VERIFYING);
      assertEquals([one.minVersion, one.maxVersion], [version, version]);
    }
  }));

Deno.test("readTls refuses what an older Deno cannot verify", () =>
  withFiles((own, folder) => {
    const needs = "needs Deno 2.9.6 or newer, and this is 2.5.7";
    const trusting = [...own, `tls-ca-cert-file ${folder}/ca`];
    assertEquals(
      refusal(trusting, "2.5.7"),
      `tls-auth-clients yes ${needs}: 'tls-auth-clients no' serves clients without a certificate`,
    );
    assertEquals(
      refusal([...trusting, "tls-auth-clients no", "tls-replication yes"], "2.5.7"),
      `tls-replication yes ${needs}`,
    );
    assertEquals(
      refusal([...own, "tls-auth-clients no", "tls-protocols TLSv1.3"], "2.5.7"),
      `tls-protocols "TLSv1.3" ${needs}`,
    );
  }));
