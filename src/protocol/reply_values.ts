/**
 * Parses raw reply bytes into plain values, for tests: independent of the client the project ships.
 */

/** An error reply. */
export class ReplyFailure {
  constructor(readonly message: string) {}
}

/** A verbatim string, with its format. */
export class Verbatim {
  constructor(readonly format: string, readonly text: string) {}
}

/** A push message of RESP3. */
export class PushMessage {
  constructor(readonly items: Reply[]) {}
}

export type Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | ReplyFailure
  | Verbatim
  | PushMessage
  | Reply[]
  | Set<Reply>
  | Map<Reply, Reply>;

/** Parses replies from a latin1 string, one after another. */
export class ReplyValues {
  #at = 0;

  constructor(readonly text: string) {}

  get more(): boolean {
    return this.#at < this.text.length;
  }

  next(): Reply {
    const end = this.text.indexOf("\r\n", this.#at);
    if (end < 0) throw new Error(`no line end behind ${JSON.stringify(this.text.slice(this.#at))}`);
    const marker = this.text[this.#at]!, line = this.text.slice(this.#at + 1, end);
    this.#at = end + 2;
    switch (marker) {
      case "+":
        return line;
      case "-":
        return new ReplyFailure(line);
      case ":":
        return Number.isSafeInteger(Number(line)) ? Number(line) : BigInt(line);
      case "(":
        return BigInt(line);
      case ",":
        return Number(line.replace("inf", "Infinity"));
      case "#":
        return line === "t";
      case "_":
        return null;
      case "$":
        return line === "-1" ? null : this.#bytes(Number(line));
      case "=": {
        const body = this.#bytes(Number(line));
        return new Verbatim(body.slice(0, 3), body.slice(4));
      }
      case "*":
        return line === "-1" ? null : this.#items(Number(line));
      case "~":
        return new Set(this.#items(Number(line)));
      case ">":
        return new PushMessage(this.#items(Number(line)));
      case "%":
        return new Map(Array.from({ length: Number(line) }, () => [this.next(), this.next()] as const));
      default:
        throw new Error(`not a reply: ${JSON.stringify(marker + line)}`);
    }
  }

  #bytes(length: number): string {
    const body = this.text.slice(this.#at, this.#at + length);
    this.#at += length + 2;
    return body;
  }

  #items(count: number): Reply[] {
    return Array.from({ length: count }, () => this.next());
  }
}
