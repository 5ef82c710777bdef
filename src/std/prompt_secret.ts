/** How {@linkcode promptSecret} shows the typed characters. */
export interface PromptSecretOptions {
  /** Shown in place of each typed character; "" shows nothing. */
  mask?: string;
  /** Clears the line afterwards. */
  clear?: boolean;
}

const clearLine = "\r\x1b[K";

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

/** Reads a line from the terminal without showing it; null if standard input is not a terminal. */
export function promptSecret(message = "Secret", options: PromptSecretOptions = {}): string | null {
  if (!Deno.stdin.isTerminal()) return null;
  const { mask = "*", clear = false } = options;
  // This comes first: characters typed as soon as the message is visible must not be shown.
  Deno.stdin.setRaw(true, { cbreak: true });
  try {
    print(`${message} `);
    return readLine((length) => {
      if (mask) print(`${clearLine}${message} ${mask.repeat(length)}`);
    });
  } finally {
    print(clear ? clearLine : "\n");
    Deno.stdin.setRaw(false);
  }
}

function readLine(typed: (length: number) => void): string {
  const byte = new Uint8Array(1);
  const line: number[] = [];
  while (Deno.stdin.readSync(byte)) {
    const code = byte[0]!;
    if (code === 0x0a || code === 0x0d) break;
    if (code === 0x08 || code === 0x7f) line.pop();
    else line.push(code);
    typed(line.length);
  }
  return new TextDecoder().decode(Uint8Array.from(line));
}
