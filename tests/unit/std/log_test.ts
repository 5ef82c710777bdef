/** The same tests pass with the real `@std/log` and with the stand-in of src/std/. */
import { assertEquals, assertMatch } from "@std/assert";
import { BaseHandler, ConsoleHandler, FileHandler, getLogger, type LogRecord, setup } from "@std/log";

class Lines extends BaseHandler {
  readonly lines: string[] = [];
  log(line: string): void {
    this.lines.push(line);
  }
}

const formatter = (record: LogRecord) =>
  `${record.loggerName} ${record.levelName} ${record.level} ${record.msg}`;

Deno.test("getLogger hands a message to the handlers of its logger by level", () => {
  const all = new Lines("DEBUG", { formatter });
  const loud = new Lines("WARN");
  setup({ handlers: { all, loud }, loggers: { server: { level: "INFO", handlers: ["all", "loud"] } } });
  const logger = getLogger("server");
  logger.debug("quiet");
  logger.info("ready");
  logger.warn("careful");
  logger.level = 10;
  logger.debug("heard");
  assertEquals(all.lines, ["server INFO 20 ready", "server WARN 30 careful", "server DEBUG 10 heard"]);
  assertEquals(loud.lines, ["WARN careful"]);
  setup({});
});

Deno.test("FileHandler appends its lines when flushed", async () => {
  const filename = await Deno.makeTempFile();
  const file = new FileHandler("INFO", { filename, formatter: ({ msg }) => msg });
  for (const text of ["one", "two"]) {
    setup({ handlers: { file }, loggers: { server: { level: "INFO", handlers: ["file"] } } });
    getLogger("server").info(text);
    file.flush();
  }
  assertEquals(await Deno.readTextFile(filename), "one\ntwo\n");
  setup({});
  await Deno.remove(filename);
});

Deno.test("ConsoleHandler colours by level unless told not to", () => {
  const lines: string[] = [];
  class Shown extends ConsoleHandler {
    override log(line: string): void {
      lines.push(line);
    }
  }
  const handlers = { plain: new Shown("INFO", { useColors: false }), colored: new Shown("INFO") };
  setup({ handlers, loggers: { server: { handlers: ["plain", "colored"] } } });
  getLogger("server").warn("text");
  setup({});
  assertEquals(lines.map((line) => line.length > "WARN text".length), [false, !Deno.noColor]);
  assertMatch(lines[1] ?? "", /WARN text/);
});
