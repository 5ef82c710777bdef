/**
 * The server log: one line per message, in redis-server's format, on top of `@std/log`.
 *
 *     12345:M 21 Nov 2026 09:41:27.123 * Ready to accept connections
 *
 * Every line is written at once and whole, so that nothing is lost when the process ends. A log
 * file is opened for each line, as redis-server does: it may be moved away at any time, and the
 * next line starts a new one.
 */
import { BaseHandler, Logger } from "@std/log";

/** The levels by name, the most talkative first. */
export type LogLevel = "debug" | "verbose" | "notice" | "warning";

/**
 * The author of a line: a primary, a replica, a child that saves, or a process that is not a server
 * yet.
 */
export type LogRole = "M" | "S" | "C" | "X";

const LEVELS = { debug: "DEBUG", verbose: "INFO", notice: "WARN", warning: "ERROR" } as const;
const MARKS: Readonly<Record<string, string>> = { DEBUG: ".", INFO: "-", WARN: "*", ERROR: "#" };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The log of one server. */
export class Log {
  /** The letter after the process id. */
  role: LogRole = "C";

  readonly #logger: Logger;
  readonly #write: (text: string) => void;
  #level: LogLevel;

  /**
   * @param write receives lines, including the line feed
   * @param level messages below it are dropped
   * @param pid the process id that lines show
   */
  constructor(write: (text: string) => void, level: LogLevel = "notice", pid: number = Deno.pid) {
    const format = (record: { levelName: string; msg: string; datetime: Date }) =>
      `${pid}:${this.role} ${formatTime(record.datetime)} ${MARKS[record.levelName]} ${record.msg}\n`;
    this.#write = write;
    this.#level = level;
    this.#logger = new Logger("server", LEVELS[level], { handlers: [new LineHandler(format, write)] });
  }

  /** A log that appends to the file `path`, or writes to standard output if it is "". */
  static toFile(path: string, level: LogLevel = "notice"): Log {
    return new Log(path === "" ? writeToStandardOutput : (text) => appendToFile(path, text), level);
  }

  /** Messages below this level are dropped. */
  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    this.#level = level;
    this.#logger.levelName = LEVELS[level];
  }

  /** Writes a message that helps to find a fault. */
  debug(message: string): void {
    this.#logger.debug(message);
  }

  /** Writes a message about everyday events. */
  verbose(message: string): void {
    this.#logger.info(message);
  }

  /** Writes a message that is of interest to an operator. */
  notice(message: string): void {
    this.#logger.warn(message);
  }

  /** Writes a message that an operator must see. */
  warning(message: string): void {
    this.#logger.error(message);
  }

  /** Writes text as it is, at any level, such as the logo. */
  raw(text: string): void {
    this.#write(text);
  }
}

class LineHandler extends BaseHandler {
  readonly #write: (text: string) => void;

  constructor(
    formatter: (record: { levelName: string; msg: string; datetime: Date }) => string,
    write: (text: string) => void,
  ) {
    super("NOTSET", { formatter });
    this.#write = write;
  }

  log(line: string): void {
    this.#write(line);
  }
}

/** Local time as `21 Nov 2026 09:41:27.123`. */
function formatTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  const millis = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getDate())} ${MONTHS[time.getMonth()]} ${time.getFullYear()} ${clock}.${millis}`;
}

const encoder = new TextEncoder();

function writeToStandardOutput(text: string): void {
  try {
    writeAll(Deno.stdout, text);
  } catch {
    // The reader has gone; a log that cannot be written must not stop the server.
  }
}

function appendToFile(path: string, text: string): void {
  try {
    using file = Deno.openSync(path, { append: true, create: true });
    writeAll(file, text);
  } catch {
    // The disk is full or the folder gone; a log that cannot be written must not stop the server.
  }
}

function writeAll(file: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let rest: Uint8Array = encoder.encode(text);
  while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
}
