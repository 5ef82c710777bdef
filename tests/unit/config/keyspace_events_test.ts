import { assertEquals } from "@std/assert";
import { formatNotifyClasses, Notify, parseNotifyClasses } from "../../../src/config/keyspace_events.ts";

Deno.test("parseNotifyClasses reads letters, of which A stands for all but K, E, m and n", () => {
  assertEquals(parseNotifyClasses(""), 0);
  assertEquals(parseNotifyClasses("Kg$"), Notify.Keyspace | Notify.Generic | Notify.String);
  assertEquals(parseNotifyClasses("A"), parseNotifyClasses("g$lshzxetd"));
  assertEquals(parseNotifyClasses("KX"), undefined);
});

Deno.test("formatNotifyClasses is the inverse of parseNotifyClasses for every set of classes", () => {
  for (const bit of Object.values(Notify)) {
    for (const others of [0, parseNotifyClasses("A") ?? 0, parseNotifyClasses("KEmn") ?? 0]) {
      const text = formatNotifyClasses(bit | others);
      assertEquals(parseNotifyClasses(text), bit | others, text);
    }
  }
  assertEquals(formatNotifyClasses(parseNotifyClasses("KEA") ?? 0), "AKE");
});
