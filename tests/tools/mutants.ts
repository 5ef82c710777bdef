/**
 * Single changes of a source text that its tests should notice: a comparison moved by one, `===` against `!==`, `&&`
 * against `||`, another numeric constant, the other boolean returned.
 *
 * No parser is needed, because `deno fmt` has been over the text: a comparison has a space on each side and never
 * begins a line, the brackets of a type argument are written without spaces. Comments, strings, regular expressions
 * and declarations of types are passed over; the expressions inside a template are not.
 */

/** One change: the characters from `start` to `end` become `to`. `line` and `column` count from 1. */
export interface Mutant {
  start: number;
  end: number;
  line: number;
  column: number;
  from: string;
  to: string;
}

type TokenKind = "word" | "number" | "mark" | "literal";

interface Token {
  kind: TokenKind;
  text: string;
  start: number;
}

const space = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const string = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/y;
const templatePart = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y;
const number = /(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?)n?/y;
const word = /[#$\w]+/y;
const mark = />>>=?|>>=?|<<=?|[=!]==?|<=|>=|=>|&&=?|\|\|=?|\?\?=?|\?\.|\.\.\.|[^\s\w]/y;
const regularExpression = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y;

/** Words behind which a slash begins a regular expression instead of a division. */
const wordsBeforeExpression = new Set(["return", "typeof", "case", "in", "of", "yield", "await"]);

function endsValue(token: Token | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === "word") return !wordsBeforeExpression.has(token.text);
  return token.kind !== "mark" || [")", "]", "}"].includes(token.text);
}

/** Walks over a text token by token. */
class Scanner {
  readonly tokens: Token[] = [];
  #at = 0;
  /** Per template whose expression is being read: the depth of braces inside that expression. */
  readonly #templates: number[] = [];

  constructor(readonly text: string) {}

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.text)?.[0];
  }

  #take(kind: TokenKind, text: string): void {
    this.tokens.push({ kind, text, start: this.#at });
    this.#at += text.length;
  }

  #template(): void {
    const part = this.#match(templatePart) ?? this.text.slice(this.#at);
    this.#take("literal", part);
    if (part.endsWith("${")) this.#templates.push(0);
  }

  #mark(text: string): void {
    const depth = this.#templates.at(-1);
    if (depth !== undefined && text === "}" && depth === 0) {
      this.#templates.pop();
      this.#at++;
      return this.#template();
    }
    if (depth !== undefined && text === "{") this.#templates[this.#templates.length - 1] = depth + 1;
    if (depth !== undefined && text === "}") this.#templates[this.#templates.length - 1] = depth - 1;
    this.#take("mark", text);
  }

  #next(): void {
    const char = this.text[this.#at];
    const literal = this.#match(string);
    if (literal !== undefined) return this.#take("literal", literal);
    if (char === "`") {
      this.#at++;
      return this.#template();
    }
    const expression = char === "/" && !endsValue(this.tokens.at(-1))
      ? this.#match(regularExpression)
      : undefined;
    if (expression !== undefined) return this.#take("literal", expression);
    const digits = this.#match(number);
    if (digits !== undefined) return this.#take("number", digits);
    const name = this.#match(word);
    if (name !== undefined) return this.#take("word", name);
    this.#mark(this.#match(mark) ?? char ?? "");
  }

  run(): Token[] {
    while (this.#at < this.text.length) {
      this.#at += this.#match(space)?.length ?? 0;
      if (this.#at < this.text.length) this.#next();
    }
    return this.tokens;
  }
}

const openers = new Set(["{", "(", "["]), closers = new Set(["}", ")", "]"]);

/** The index behind the declaration of a type or an interface that begins at `index`; `index` if none does. */
function afterTypeDeclaration(tokens: readonly Token[], index: number): number {
  const keyword = tokens[index]?.text, next = tokens[index + 1];
  const before = tokens[index - 1]?.text ?? ";";
  const startsStatement = [";", "}", "{", "export", "declare"].includes(before);
  if (next?.kind !== "word" || !startsStatement || (keyword !== "type" && keyword !== "interface")) {
    return index;
  }
  let depth = 0;
  for (let at = index + 1; at < tokens.length; at++) {
    const { text } = tokens[at]!;
    if (openers.has(text)) depth++;
    else if (closers.has(text)) depth--;
    if (depth === 0 && text === (keyword === "type" ? ";" : "}")) return at + 1;
  }
  return tokens.length;
}

const comparisons: Record<string, string> = { "<": "<=", "<=": "<", ">": ">=", ">=": ">" };
const swaps: Record<string, string> = { "===": "!==", "!==": "===", "&&": "||", "||": "&&" };
const booleans: Record<string, string> = { true: "false", false: "true" };

/** Another number: the next one for a single digit, twice as much for all others, where one more is rarely a fault. */
export function otherNumber(text: string): string {
  const plain = text.replaceAll("_", "");
  if (plain.endsWith("n")) {
    const value = BigInt(plain.slice(0, -1));
    return `${value < 10n ? value + 1n : value * 2n}n`;
  }
  const value = Number(plain);
  return String(Number.isInteger(value) && value < 10 ? value + 1 : value * 2);
}

/** A space or the end of a line on each side, and not the first thing of its line. */
function standsApart(text: string, { start, text: { length } }: Token): boolean {
  const lineStart = text.lastIndexOf("\n", start) + 1;
  return text[start - 1] === " " && /\s/.test(text[start + length] ?? "") &&
    text.slice(lineStart, start).trim() !== "";
}

function replacement(text: string, tokens: readonly Token[], index: number): string | undefined {
  const token = tokens[index]!, before = tokens[index - 1]?.text;
  if (token.kind === "number") return before === "as" ? undefined : otherNumber(token.text);
  if (token.kind === "mark") {
    const compared = comparisons[token.text];
    return compared !== undefined && standsApart(text, token) ? compared : swaps[token.text];
  }
  return token.kind === "word" && (before === "return" || before === "=>") ? booleans[token.text] : undefined;
}

/** All mutants of a text, in its order. */
export function mutantsOf(text: string): Mutant[] {
  const tokens = new Scanner(text).run(), mutants: Mutant[] = [];
  let line = 1, lineStart = 0;
  for (let index = 0; index < tokens.length; index++) {
    index = afterTypeDeclaration(tokens, index);
    const to = index < tokens.length ? replacement(text, tokens, index) : undefined;
    if (to === undefined) continue;
    const { start, text: from } = tokens[index]!;
    for (let at = text.indexOf("\n", lineStart); at >= 0 && at < start; at = text.indexOf("\n", lineStart)) {
      line++;
      lineStart = at + 1;
    }
    mutants.push({ start, end: start + from.length, line, column: start - lineStart + 1, from, to });
  }
  return mutants;
}

/** The text with the change made. */
export function mutated(text: string, { start, end, to }: Mutant): string {
  return text.slice(0, start) + to + text.slice(end);
}

/** The line of the change, without its indent, as it is after the change. */
export function mutatedLine(text: string, mutant: Mutant): string {
  return mutated(text, mutant).split("\n")[mutant.line - 1]!.trim();
}
