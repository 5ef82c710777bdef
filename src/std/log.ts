/** The parts of `@std/log` that Redeno uses, for networks that do not reach JSR. */

/**
 * Levels by name; a message is written if its level is not below the logger's and the handler's.
 */
export const LogLevels = { NOTSET: 0, DEBUG: 10, INFO: 20, WARN: 30, ERROR: 40, CRITICAL: 50 } as const;
/** The name of a level. */
export type LevelName = keyof typeof LogLevels;
/** A level. */
export type LogLevel = typeof LogLevels[LevelName];

/** The level of a name. */
export function getLevelByName(name: LevelName): LogLevel {
  return LogLevels[name];
}

const levelNames: Record<LogLevel, LevelName> = {
  0: "NOTSET",
  10: "DEBUG",
  20: "INFO",
  30: "WARN",
  40: "ERROR",
  50: "CRITICAL",
};

/** The name of a level. */
export function getLevelName(level: LogLevel): LevelName {
  return levelNames[level];
}

export type { LogRecord };

/** One message on its way to the handlers. */
class LogRecord {
  /** The text. */
  readonly msg: string;
  /** Further arguments of the call. */
  readonly args: unknown[];
  /** The time of the message. */
  readonly datetime: Date = new Date();
  /** Its level. */
  readonly level: number;
  /** The name of its level. */
  readonly levelName: string;
  /** The logger it was passed to. */
  readonly loggerName: string;

  constructor(options: { msg: string; args: unknown[]; level: LogLevel; loggerName: string }) {
    this.msg = options.msg;
    this.args = [...options.args];
    this.level = options.level;
    this.levelName = getLevelName(options.level);
    this.loggerName = options.loggerName;
  }
}

/** Formats a record as a line. */
export type FormatterFunction = (logRecord: LogRecord) => string;

/** The options of every handler. */
export interface BaseHandlerOptions {
  /** Formats the line. */
  formatter?: FormatterFunction;
}

/** A destination of messages. */
export abstract class BaseHandler {
  /** Records below this level are dropped. */
  level: LogLevel;
  /** Formats the line. */
  formatter: FormatterFunction;

  constructor(levelName: LevelName, options: BaseHandlerOptions = {}) {
    this.level = getLevelByName(levelName);
    this.formatter = options.formatter ?? ((record) => `${record.levelName} ${record.msg}`);
  }

  /** The name of the handler's level. */
  get levelName(): LevelName {
    return getLevelName(this.level);
  }

  set levelName(levelName: LevelName) {
    this.level = getLevelByName(levelName);
  }

  /** Writes a record unless it is below the level. */
  handle(logRecord: LogRecord): void {
    if (logRecord.level >= this.level) this.log(this.format(logRecord));
  }

  /** The line of a record. */
  format(logRecord: LogRecord): string {
    return this.formatter(logRecord);
  }

  /** Writes a line. */
  abstract log(msg: string): void;

  /** Called when the handler is taken into use. */
  setup(): void {}

  /** Called when it is taken out of use. */
  destroy(): void {}

  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** The options of {@linkcode ConsoleHandler}. */
export interface ConsoleHandlerOptions extends BaseHandlerOptions {
  /** Colours by level, as by default. */
  useColors?: boolean;
}

const colors: Record<number, string> = { 20: "34", 30: "33", 40: "31", 50: "1;31" };

/** Writes to standard output. */
export class ConsoleHandler extends BaseHandler {
  readonly #useColors: boolean;

  constructor(levelName: LevelName, options: ConsoleHandlerOptions = {}) {
    super(levelName, options);
    this.#useColors = options.useColors ?? true;
  }

  override format(logRecord: LogRecord): string {
    const line = super.format(logRecord);
    const color = colors[logRecord.level];
    return this.#useColors && color && !Deno.noColor ? `\x1b[${color}m${line}\x1b[0m` : line;
  }

  log(msg: string): void {
    console.log(msg);
  }
}

/** The options of {@linkcode FileHandler}. */
export interface FileHandlerOptions extends BaseHandlerOptions {
  /** The file. */
  filename: string;
  /** "a" appends (the default), "w" truncates, "x" requires a new file. */
  mode?: "a" | "w" | "x";
  /** Bytes buffered before they are written, 4096 by default. */
  bufferSize?: number;
}

/**
 * Writes to a file; lines are buffered until {@linkcode FileHandler.flush} or a critical message.
 */
export class FileHandler extends BaseHandler {
  readonly #options: FileHandlerOptions;
  #file: Deno.FsFile | undefined;
  #held = "";
  readonly #onUnload = () => this.destroy();

  constructor(levelName: LevelName, options: FileHandlerOptions) {
    super(levelName, options);
    this.#options = options;
  }

  override setup(): void {
    const { filename, mode = "a" } = this.#options;
    this.#file = Deno.openSync(filename, {
      write: true,
      append: mode === "a",
      truncate: mode !== "a",
      create: mode !== "x",
      createNew: mode === "x",
    });
    addEventListener("unload", this.#onUnload);
  }

  override handle(logRecord: LogRecord): void {
    super.handle(logRecord);
    if (logRecord.level > LogLevels.ERROR) this.flush();
  }

  log(msg: string): void {
    this.#held += `${msg}\n`;
    if (this.#held.length > (this.#options.bufferSize ?? 4096)) this.flush();
  }

  /** Writes the buffered lines. */
  flush(): void {
    let bytes = new TextEncoder().encode(this.#held);
    this.#held = "";
    while (this.#file && bytes.length > 0) bytes = bytes.subarray(this.#file.writeSync(bytes));
  }

  override destroy(): void {
    this.flush();
    this.#file?.close();
    this.#file = undefined;
    removeEventListener("unload", this.#onUnload);
  }
}

/** Passes messages on to its handlers if their level suffices. */
export class Logger {
  /** Messages below this level are dropped. */
  level: LogLevel;
  /** The destinations of messages. */
  handlers: BaseHandler[];
  /** The name under which it was requested. */
  readonly loggerName: string;

  constructor(loggerName: string, levelName: LevelName, options: { handlers?: BaseHandler[] } = {}) {
    this.loggerName = loggerName;
    this.level = getLevelByName(levelName);
    this.handlers = options.handlers ?? [];
  }

  /** The name of the logger's level. */
  get levelName(): LevelName {
    return getLevelName(this.level);
  }

  set levelName(levelName: LevelName) {
    this.level = getLevelByName(levelName);
  }

  #log(level: LogLevel, msg: string, args: unknown[]): string {
    if (level < this.level) return msg;
    const record = new LogRecord({ msg, args, level, loggerName: this.loggerName });
    for (const handler of this.handlers) handler.handle(record);
    return msg;
  }

  /** Writes a message of level DEBUG. */
  debug(msg: string, ...args: unknown[]): string {
    return this.#log(LogLevels.DEBUG, msg, args);
  }

  /** Writes a message of level INFO. */
  info(msg: string, ...args: unknown[]): string {
    return this.#log(LogLevels.INFO, msg, args);
  }

  /** Writes a message of level WARN. */
  warn(msg: string, ...args: unknown[]): string {
    return this.#log(LogLevels.WARN, msg, args);
  }

  /** Writes a message of level ERROR. */
  error(msg: string, ...args: unknown[]): string {
    return this.#log(LogLevels.ERROR, msg, args);
  }

  /** Writes a message of level CRITICAL. */
  critical(msg: string, ...args: unknown[]): string {
    return this.#log(LogLevels.CRITICAL, msg, args);
  }
}

/** Handlers by name, and loggers with the names of their handlers. */
export interface LogConfig {
  /** Handlers by name. */
  handlers?: Record<string, BaseHandler>;
  /** Loggers by name. */
  loggers?: Record<string, { level?: LevelName; handlers?: string[] }>;
}

const handlers = new Map<string, BaseHandler>();
const loggers = new Map<string, Logger>();

/** Replaces the handlers and loggers of the previous call. */
export function setup(config: LogConfig): void {
  for (const handler of handlers.values()) handler.destroy();
  handlers.clear();
  loggers.clear();
  const all = { default: new ConsoleHandler("INFO"), ...config.handlers };
  for (const [name, handler] of Object.entries(all)) {
    handler.setup();
    handlers.set(name, handler);
  }
  for (const [name, spec] of Object.entries({ default: { handlers: ["default"] }, ...config.loggers })) {
    addLogger(name, spec);
  }
}

function addLogger(name: string, spec: { level?: LevelName; handlers?: string[] }): void {
  const own = (spec.handlers ?? []).map((handler) => handlers.get(handler)).filter((handler) =>
    handler !== undefined
  );
  loggers.set(name, new Logger(name, spec.level ?? "INFO", { handlers: own }));
}

/** The logger of a name, created on first use; without a name the default one. */
export function getLogger(name = "default"): Logger {
  const known = loggers.get(name);
  if (known) return known;
  const logger = new Logger(name, "NOTSET");
  loggers.set(name, logger);
  return logger;
}

setup({});
