/**
 * The two small WebAssembly modules between the Lua library and JavaScript, assembled here.
 *
 * Lua was compiled with C's setjmp and longjmp delegated to its host: `invoke_vii` calls a function
 * from which `_emscripten_throw_longjmp` may jump back. Hosts usually implement both in JavaScript,
 * which has two costs: an error costs a JavaScript exception, and every pcall leaves a JavaScript
 * frame on the stack, inside which nothing can be suspended. Here both are WebAssembly, with a
 * WebAssembly exception in between. A script can then be suspended wherever it is, in a pcall, a
 * metamethod or the callback of `string.gsub`, by an import that waits for a promise.
 *
 * The library exports its function table, so a module that calls through it can only be created
 * after the library, whose own imports must exist before. Hence two modules: the *trampoline* is
 * created first, with a table of one function, and the *bridge*, created last, puts the true
 * `invoke_vii` behind it.
 *
 * Names of instructions and sections: https://webassembly.github.io/spec/core/binary/
 */

/** A function exported by WebAssembly. */
export type WasmFunction = CallableFunction;

const I32 = 0x7f;
const VOID = 0x40;
const FUNCREF = 0x70;

const Section = { Type: 1, Import: 2, Function: 3, Table: 4, Export: 7, Code: 10, Tag: 13 } as const;
const Kind = { Function: 0, Table: 1, Tag: 4 } as const;

const Op = {
  Block: 0x02,
  Loop: 0x03,
  If: 0x04,
  Else: 0x05,
  Throw: 0x08,
  End: 0x0b,
  BranchIf: 0x0d,
  Return: 0x0f,
  Call: 0x10,
  CallIndirect: 0x11,
  TryTable: 0x1f,
  LocalGet: 0x20,
  LocalSet: 0x21,
  LocalTee: 0x22,
  I32Const: 0x41,
  I32Eq: 0x46,
  I32LessThan: 0x48,
  I32Subtract: 0x6b,
} as const;

/** An unsigned number in LEB128. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = value >>> 7;
    bytes.push((value & 0x7f) | (rest > 0 ? 0x80 : 0));
    value = rest;
  } while (value > 0);
  return bytes;
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...leb(items.length), ...items.flat()];
}

function name(text: string): number[] {
  return vector(Array.from(text, (char) => [char.charCodeAt(0)]));
}

/** A constant in signed LEB128. */
function constant(value: number): number[] {
  const bytes: number[] = [Op.I32Const];
  for (;; value >>= 7) {
    const low = value & 0x7f;
    if ((value >= 0 && value < 64) || (value < 0 && value >= -64)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** The type of a function that takes `params` and returns `results` 32-bit integers. */
function functionType(params: number, results: number): number[] {
  const integers = (count: number) => vector(Array.from({ length: count }, () => [I32]));
  return [0x60, ...integers(params), ...integers(results)];
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  const body = vector(items);
  return [id, ...leb(body.length), ...body];
}

/** A function's code. @param locals number of its integers besides the parameters */
function code(locals: number, ...instructions: number[]): number[] {
  const body = [...vector(locals > 0 ? [[locals, I32]] : []), ...instructions, Op.End];
  return [...leb(body.length), ...body];
}

function assemble(...sections: number[][]): WebAssembly.Module {
  const magicAndVersion = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  return new WebAssembly.Module(new Uint8Array([...magicAndVersion, ...sections.flat()]));
}

/** The exports of {@linkcode makeTrampoline}. */
export interface Trampoline {
  table: WebAssembly.Table;
  /** Marks the exceptions that are jumps. */
  tag: WebAssembly.ExportValue;
  invoke: WasmFunction;
  throwJump: WasmFunction;
}

/** Creates the imports of the Lua library; `table[0]` is the function behind `invoke`. */
export function makeTrampoline(): Trampoline {
  const module = assemble(
    section(Section.Type, [functionType(3, 0), functionType(0, 0)]),
    section(Section.Function, [[0], [1]]),
    section(Section.Table, [[FUNCREF, 0, 1]]),
    section(Section.Tag, [[0, 1]]),
    section(Section.Export, [
      [...name("table"), Kind.Table, 0],
      [...name("tag"), Kind.Tag, 0],
      [...name("invoke"), Kind.Function, 0],
      [...name("throwJump"), Kind.Function, 1],
    ]),
    section(Section.Code, [
      code(0, Op.LocalGet, 0, Op.LocalGet, 1, Op.LocalGet, 2, Op.I32Const, 0, Op.CallIndirect, 0, 0),
      code(0, Op.Throw, 0),
    ]),
  );
  // The exports are those listed above.
  return new WebAssembly.Instance(module).exports as unknown as Trampoline;
}

/** The parts of the bridge. */
export interface BridgeParts {
  /** The Lua library's function table and three of its functions, and `lua_pcall`. */
  table: WebAssembly.Table;
  stackSave: WasmFunction;
  stackRestore: WasmFunction;
  setThrew: WasmFunction;
  pcall: WasmFunction;
  tag: WebAssembly.ExportValue;
  /** Called at intervals of instructions: decides if the script is suspended now. */
  onCount: (state: number, info: number) => number;
  /** Returns the promise for which the script is suspended. */
  pause: () => Promise<void>;
  /** Called before a suspended script continues. */
  resumed: () => void;
  /** Called with lua_pcall's status when {@linkcode Bridge.run} ends, before it returns. */
  finished: (status: number) => void;
}

/** The exports of {@linkcode makeBridge}. */
export interface Bridge {
  invoke: WasmFunction;
  hook: WasmFunction;
  /** `lua_pcall`, and `finished` afterwards. */
  run: (state: number, args: number, results: number, handler: number) => number;
}

/** Indexes of the bridge's function types. */
const Type = { Invoke: 0, TwoIntegers: 1, Save: 2, OneInteger: 3, Count: 4, Nothing: 5, Call: 6 } as const;

/** Creates the bridge; see the head of this file. */
export function makeBridge(parts: BridgeParts): Bridge {
  const imports: readonly (readonly [field: keyof BridgeParts, type: number])[] = [
    ["stackSave", Type.Save],
    ["stackRestore", Type.OneInteger],
    ["setThrew", Type.TwoIntegers],
    ["pcall", Type.Call],
    ["onCount", Type.Count],
    ["pause", Type.Nothing],
    ["resumed", Type.Nothing],
    ["finished", Type.OneInteger],
  ];
  const callOf = (field: keyof BridgeParts) => [Op.Call, imports.findIndex(([own]) => own === field)];
  const first = imports.length;
  const module = assemble(
    section(Section.Type, [
      functionType(3, 0),
      functionType(2, 0),
      functionType(0, 1),
      functionType(1, 0),
      functionType(2, 1),
      functionType(0, 0),
      functionType(4, 1),
    ]),
    section(Section.Import, [
      ...imports.map(([field, type]) => [...name("parts"), ...name(field), Kind.Function, type]),
      [...name("parts"), ...name("table"), Kind.Table, FUNCREF, 0, 1],
      [...name("parts"), ...name("tag"), Kind.Tag, 0, Type.Nothing],
    ]),
    section(Section.Function, [[Type.Invoke], [Type.TwoIntegers], [Type.Call]]),
    section(Section.Export, [
      [...name("invoke"), Kind.Function, first],
      [...name("hook"), Kind.Function, first + 1],
      [...name("run"), Kind.Function, first + 2],
    ]),
    section(Section.Code, [
      // invoke(f, a, b): calls table[f](a, b); a jump out of it restores the stack and is reported
      // by setThrew(1, 0).
      code(
        1,
        ...callOf("stackSave"),
        ...[Op.LocalSet, 3, Op.Block, VOID, Op.TryTable, VOID, 1, 0, 0, 0],
        ...[Op.LocalGet, 1, Op.LocalGet, 2, Op.LocalGet, 0, Op.CallIndirect, Type.TwoIntegers, 0],
        ...[Op.End, Op.Return, Op.End, Op.LocalGet, 3],
        ...callOf("stackRestore"),
        ...[Op.I32Const, 1, Op.I32Const, 0],
        ...callOf("setThrew"),
      ),
      // hook(state, info): if (onCount(state, info)) { pause(); resumed(); }
      code(
        0,
        ...[Op.LocalGet, 0, Op.LocalGet, 1],
        ...callOf("onCount"),
        ...[Op.If, VOID],
        ...callOf("pause"),
        ...callOf("resumed"),
        Op.End,
      ),
      // run(state, args, results, handler): finished(status = pcall(…)); return status.
      code(
        1,
        ...[Op.LocalGet, 0, Op.LocalGet, 1, Op.LocalGet, 2, Op.LocalGet, 3],
        ...callOf("pcall"),
        ...[Op.LocalTee, 4],
        ...callOf("finished"),
        ...[Op.LocalGet, 4],
      ),
    ]),
  );
  // TypeScript's types lack the suspending imports and tags of WebAssembly.
  const imported = { parts: parts as unknown as WebAssembly.ModuleImports };
  return new WebAssembly.Instance(module, imported).exports as unknown as Bridge;
}

/**
 * Turns JavaScript functions into functions that Lua can call through its function table
 * (`lua_CFunction`): a module that imports them and exports them again, in the same order.
 */
export function makeCallables(functions: readonly ((state: number) => number)[]): WasmFunction[] {
  const module = assemble(
    section(Section.Type, [functionType(1, 1)]),
    section(
      Section.Import,
      functions.map((_, i) => [...name("functions"), ...name(String(i)), Kind.Function, 0]),
    ),
    section(Section.Export, functions.map((_, i) => [...name(String(i)), Kind.Function, ...leb(i)])),
  );
  const { exports } = new WebAssembly.Instance(module, { functions: { ...functions } });
  return functions.map((_, i) => exports[i] as WasmFunction);
}

/** Results of a long function other than the number of its results; it is then continued. */
export const LongRequest = {
  /** The script may be suspended, or ended. */
  Pause: -1,
  /** The library's own function takes over the whole call. */
  Original: -2,
  /** The key on top of the stack is to be replaced by its value in the table at argument 3. */
  GetTable: -3,
  /**
   * Minus the number of arguments: the function below them, on top of the stack, is to be called
   * for one result.
   */
  Call: -16,
} as const;

/** The parts of long functions. */
export interface LongParts {
  /** The Lua library's function table and two of its functions. */
  table: WebAssembly.Table;
  call: WasmFunction;
  getTable: WasmFunction;
  tag: WebAssembly.ExportValue;
  /** {@linkcode Bridge.hook} */
  hook: WasmFunction;
  /** Continues the function begun last: as `begin`. */
  goOn: (state: number) => number;
  /** An error has ended that function. */
  drop: () => void;
}

/** A function that may take long. */
export interface LongStart {
  /** Begins it: returns the number of its results, or a {@linkcode LongRequest}. */
  begin: (state: number) => number;
  /** The library's own function, in the function table, or 0. */
  original: number;
}

/**
 * Turns JavaScript functions into functions that Lua can call and that can ask, in the middle of
 * their work, for a pause or for a call of Lua. The request is granted from here, with no
 * JavaScript on the stack, which could not be suspended.
 */
export function makeLongCallables(starts: readonly LongStart[], parts: LongParts): WasmFunction[] {
  const one = 0, hookType = 1, callType = 2, nothing = 3;
  const imports = [["hook", hookType], ["goOn", one], ["drop", nothing], ["call", callType], [
    "getTable",
    hookType,
  ]] as const;
  const callOf = (field: string) => [Op.Call, imports.findIndex(([own]) => own === field)];
  const results = [Op.LocalGet, 1], state = [Op.LocalGet, 0];
  const body = (begin: number, original: number) =>
    code(
      1,
      // results = begin(state); if (results == Original) return original(state);
      ...[...state, Op.Call, ...leb(begin), Op.LocalTee, 1, ...constant(LongRequest.Original), Op.I32Eq],
      ...[Op.If, VOID, ...state, ...constant(original), Op.CallIndirect, one, 0, Op.Return, Op.End],
      // try { while (results < 0) { …; results = goOn(state); } return results; }
      ...[Op.Block, VOID, Op.TryTable, VOID, 1, 0, 0, 0, Op.Block, VOID, Op.Loop, VOID],
      ...[...constant(-1), ...results, Op.I32LessThan, Op.BranchIf, 1],
      ...[...results, ...constant(LongRequest.Pause), Op.I32Eq],
      ...[Op.If, VOID, ...state, ...constant(0), ...callOf("hook"), Op.Else],
      ...[...results, ...constant(LongRequest.GetTable), Op.I32Eq],
      ...[Op.If, VOID, ...state, ...constant(3), ...callOf("getTable"), Op.Else],
      ...[
        ...state,
        ...constant(LongRequest.Call),
        ...results,
        Op.I32Subtract,
        ...constant(1),
        ...callOf("call"),
      ],
      ...[Op.End, Op.End, ...state, ...callOf("goOn"), Op.LocalSet, 1, ...constant(1), Op.BranchIf, 0],
      ...[Op.End, Op.End, ...results, Op.Return, Op.End, Op.End],
      // catch (jump) { drop(); throw jump; }
      ...[...callOf("drop"), Op.Throw, 0, ...results],
    );
  const first = imports.length;
  const module = assemble(
    section(Section.Type, [functionType(1, 1), functionType(2, 0), functionType(3, 0), functionType(0, 0)]),
    section(Section.Import, [
      ...imports.map(([field, type]) => [...name("parts"), ...name(field), Kind.Function, type]),
      ...starts.map((_, i) => [...name("starts"), ...name(String(i)), Kind.Function, one]),
      [...name("parts"), ...name("table"), Kind.Table, FUNCREF, 0, 1],
      [...name("parts"), ...name("tag"), Kind.Tag, 0, nothing],
    ]),
    section(Section.Function, starts.map(() => [one])),
    section(
      Section.Export,
      starts.map((_, i) => [...name(String(i)), Kind.Function, ...leb(first + starts.length + i)]),
    ),
    section(Section.Code, starts.map(({ original }, i) => body(first + i, original))),
  );
  const begins = Object.fromEntries(starts.map(({ begin }, i) => [String(i), begin]));
  const imported = { parts: parts as unknown as WebAssembly.ModuleImports, starts: begins };
  const { exports } = new WebAssembly.Instance(module, imported);
  return starts.map((_, i) => exports[i] as WasmFunction);
}
