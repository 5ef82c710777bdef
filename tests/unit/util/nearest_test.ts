import { assertEquals } from "@std/assert";
import { nearest } from "../../../src/util/nearest.ts";

const WORDS = ["port", "tls-port", "maxmemory", "maxmemory-policy", "save", "hz"];

Deno.test("nearest finds the word behind each kind of slip", () => {
  for (const slip of ["maxmemmory", "maxmemoy", "maxmemorx", "mxamemory"]) {
    assertEquals(nearest(slip, WORDS), "maxmemory", slip);
  }
});

Deno.test("nearest prefers the word with fewer edits, and says nothing where none is near", () => {
  assertEquals(nearest("maxmemory-polcy", WORDS), "maxmemory-policy");
  assertEquals(nearest("prot", WORDS), "port");
  assertEquals(nearest("hx", WORDS), "hz");
  assertEquals(nearest("zq", WORDS), undefined);
  assertEquals(nearest("elephant", WORDS), undefined);
  assertEquals(nearest("", WORDS), undefined);
});
