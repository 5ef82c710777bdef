/**
 * `redeno cli`: the client. A command on the command line is sent and its reply printed; without
 * one, commands are read from standard input, terminal or not. The flags of `modes/` put a
 * connection to other uses.
 *
 * It needs only the network. If it may read the environment, it takes the password from
 * `REDISCLI_AUTH`; if it may read and write the history file (`REDISCLI_HISTFILE`, else
 * `.redeno_cli_history` in the home directory), history survives the session.
 */
import { promptSecret } from "@std/cli";
import { REDENO_VERSION } from "../util/version.ts";
import { History, loadHistory, saveHistory } from "./history.ts";
import { splitArgs } from "../util/sds_split.ts";
import { ConnectionError } from "./connection.ts";
import { ModeError } from "./modes/mode.ts";
import { MODES } from "./modes/table.ts";
import { type CliOptions, type ModeName, parseOptions, USAGE } from "./options.ts";
import { Repl } from "./repl.ts";
import { Interrupted, Session } from "./session.ts";
import { inputLines, standardOutput, TerminalReader, wholeInput } from "./terminal.ts";
import { latin1FromText, textFromLatin1 } from "./text.ts";
import { UsageError } from "./usage_error.ts";

const AUTH_VARIABLE = "REDISCLI_AUTH";
const HISTORY_VARIABLE = "REDISCLI_HISTFILE";
const HISTORY_FILE = ".redeno_cli_history";

/**
 * Runs the client.
 * @param args the words after `redeno cli`
 * @returns the exit status
 */
export async function runCli(args: string[]): Promise<number> {
  try {
    return await run(parseOptions(args, Deno.stdout.isTerminal()));
  } catch (error) {
    if (error instanceof UsageError) {
      standardOutput.complain(latin1FromText(error.message + "\n"));
      return 1;
    }
    // The reader of the output has gone, or Ctrl-C ended a waiting command: nothing to report.
    if (error instanceof Deno.errors.BrokenPipe || error instanceof Interrupted) return 1;
    throw error;
  }
}

async function run(options: CliOptions): Promise<number> {
  if (options.wantsHelp) {
    standardOutput.print(latin1FromText(USAGE));
    return 0;
  }
  if (options.wantsVersion) {
    standardOutput.print(`redeno cli ${REDENO_VERSION}\n`);
    return 0;
  }
  const session = new Session(options, choosePassword(options), standardOutput);
  try {
    if (options.mode !== undefined) return await runMode(options.mode, session, options);
    return options.command.length > 0
      ? await runCommand(session, options)
      : await runSession(session, options);
  } finally {
    session.close();
  }
}

function choosePassword(options: CliOptions): string | undefined {
  if (options.password !== undefined && !options.noAuthWarning) {
    standardOutput.complain(
      "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n",
    );
  }
  if (options.askPassword) return promptSecret("Please input password:") ?? undefined;
  return options.password ?? environment(AUTH_VARIABLE);
}

/** An environment variable, if the permissions allow reading it; never prompts for them. */
function environment(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}

async function runMode(name: ModeName, session: Session, options: CliOptions): Promise<number> {
  if (name !== "intrinsic-latency" && !(await session.connect())) return 1;
  try {
    return await MODES[name]({ options, session, output: standardOutput });
  } catch (error) {
    if (error instanceof ModeError) standardOutput.complain(error.message + "\n");
    else if (error instanceof ConnectionError) standardOutput.complain("\nI/O error\n");
    else throw error;
    return 1;
  }
}

async function runCommand(session: Session, options: CliOptions): Promise<number> {
  const words = options.isQuotedInput ? unquoted(options.command) : options.command;
  if (words === undefined) {
    standardOutput.print("Invalid quoted string\n");
    return 1;
  }
  const command = await withInput(words, options);
  await session.connect({ quiet: true });
  return await session.issue(command, options.repeat) ? 0 : 1;
}

/** The words with their quotes resolved, undefined if one is badly quoted. */
function unquoted(words: readonly string[]): string[] | undefined {
  const texts = words.map((word) => splitArgs(word));
  return texts.every((text) => text?.length === 1) ? texts.flatMap((text) => text ?? []) : undefined;
}

/** The command, with standard input inserted as the options demand. */
async function withInput(words: readonly string[], options: CliOptions): Promise<string[]> {
  if (options.lastArgFromStdin) return [...words, await wholeInput()];
  const at = options.stdinTag === undefined ? -1 : words.indexOf(options.stdinTag);
  if (at >= 0) return words.toSpliced(at, 1, await wholeInput());
  if (options.stdinTag !== undefined) throw new UsageError("Using -X option but stdin tag not match.");
  return [...words];
}

async function runSession(session: Session, options: CliOptions): Promise<number> {
  const interrupt = () => {
    if (!session.interrupt()) Deno.exit(1);
  };
  Deno.addSignalListener("SIGINT", interrupt);
  try {
    await session.connect();
    await (Deno.stdin.isTerminal() ? runTerminal(session, options) : runPipe(session, options));
    return 0;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
  }
}

async function runPipe(session: Session, options: CliOptions): Promise<void> {
  const repl = makeRepl(session, options, () => {});
  for await (const line of inputLines()) {
    if (!(await repl.run(line))) return;
  }
}

async function runTerminal(session: Session, options: CliOptions): Promise<void> {
  const history = new History();
  const file = historyPath();
  if (file !== undefined) loadHistory(history, file);
  const repl = makeRepl(session, options, (line) => {
    if (history.add(textFromLatin1(line)) && file !== undefined) saveHistory(history, file);
  });
  await session.loadHelp();
  const reader = new TerminalReader();
  for (;;) {
    const line = await reader.readLine({
      prompt: session.prompt,
      history,
      hint: (text) => repl.hint(text),
      complete: (text) => session.help.complete(text),
    });
    if (line === undefined || !(await repl.run(latin1FromText(line)))) return;
  }
}

function makeRepl(session: Session, options: CliOptions, remember: (line: string) => void): Repl {
  return new Repl({
    session,
    output: standardOutput,
    tellsTime: options.format === "people",
    remember,
    nowMs: () => performance.now(),
  });
}

function historyPath(): string | undefined {
  const chosen = environment(HISTORY_VARIABLE);
  if (chosen !== undefined) return chosen === "/dev/null" ? undefined : chosen;
  const home = environment("HOME");
  return home === undefined ? undefined : `${home}/${HISTORY_FILE}`;
}
