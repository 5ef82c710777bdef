import { assertEquals, assertThrows } from "@std/assert";
import { denoHost, fromLatin1, reasonOf, toLatin1 } from "../../../src/config/host.ts";

Deno.test("denoHost reads and replaces files byte by byte, and leaves nothing else behind", () => {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/a.conf`;
  denoHost.replaceFile(path, "caf\xe9\x00\n");
  denoHost.replaceFile(path, "caf\xe9\xff\n");
  assertEquals([...Deno.readFileSync(path)], [0x63, 0x61, 0x66, 0xe9, 0xff, 0x0a]);
  assertEquals(denoHost.readFile(path), "caf\xe9\xff\n");
  assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["a.conf"]);
  Deno.removeSync(folder, { recursive: true });
  assertEquals(reasonOf(assertThrows(() => denoHost.replaceFile(path, ""))), "No such file or directory");
});

Deno.test("denoHost expands globs to files in order, without directories", () => {
  const folder = Deno.makeTempDirSync();
  for (const name of ["b.conf", "a.conf", "c.txt"]) Deno.writeTextFileSync(`${folder}/${name}`, "");
  Deno.mkdirSync(`${folder}/d.conf`);
  assertEquals(denoHost.expandGlob(`${folder}/*.conf`), [`${folder}/a.conf`, `${folder}/b.conf`]);
  assertEquals(denoHost.expandGlob(`${folder}/*.none`), []);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("reasonOf words failed file operations as C's strerror does", () => {
  assertEquals(reasonOf(new Deno.errors.PermissionDenied("x")), "Permission denied");
  assertEquals(reasonOf(new Deno.errors.NotADirectory("x")), "Not a directory");
  assertEquals(reasonOf(new Deno.errors.IsADirectory("x")), "Is a directory");
  assertEquals(reasonOf(new Error("other")), "other");
});

Deno.test("toLatin1 gives the UTF-8 bytes of a text, fromLatin1 the text of the bytes", () => {
  assertEquals(toLatin1("grün €"), "gr\xc3\xbcn \xe2\x82\xac");
  assertEquals(fromLatin1(toLatin1("grün €")), "grün €");
});
