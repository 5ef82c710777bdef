/** The table `redis`, through which scripts reach the server. */
import { SinkKind } from "../../engine/propagation.ts";
import { latin1 } from "../../util/bytes.ts";
import { sha1HexOf } from "../../util/sha1.ts";
import { REDIS_VERSION } from "../../util/version.ts";
import type { Interpreter } from "./interpreter.ts";
import { type Lua, type LuaFunction, LuaType, RAISE_TOP } from "./lua.ts";
import type { State } from "./lua_library.ts";
import { errorText } from "./reply_to_lua.ts";

const MINUS = 0x2d;

/** Bits of `redis.set_repl`. */
const Propagate = { None: 0, Aof: SinkKind.File, Replicas: SinkKind.Replicas, All: SinkKind.All } as const;

const LOG_LEVELS = ["debug", "verbose", "notice", "warning"] as const;

/** 7.4.0 as 0x00070400. */
const VERSION_NUMBER = REDIS_VERSION.split(".").reduce((number, part) => (number << 8) | Number(part), 0);

/** Calls a command, for `redis.call` (raises errors) and `redis.pcall` (returns them). */
function caller(interpreter: Interpreter, raises: boolean): LuaFunction {
  const { lua, host, words } = interpreter, { api } = lua;
  return (L) => {
    if (host.current === null) {
      return interpreter.failWith(
        L,
        "ERR redis.call/pcall can only be called inside a script invocation",
        true,
      );
    }
    const problem = readWords(interpreter, L);
    if (problem !== null) return interpreter.failWith(L, problem, raises);
    api.lua_settop(L, 0);
    const refused = host.callCommand(words.args);
    if (refused !== null) return interpreter.failWith(L, errorText(refused.text), raises, true);
    const { reply } = host.client, bytes = reply.buffer;
    interpreter.toLua.push(L, bytes, 0);
    const isError = bytes[0] === MINUS;
    reply.empty();
    if (raises && isError) throw RAISE_TOP;
    return 1;
  };
}

/** Reads the words of a call; returns the error's text if they are invalid. */
function readWords({ lua, words }: Interpreter, L: State): string | null {
  if (lua.api.lua_gettop(L) === 0) return "ERR Please specify at least one argument for this redis lib call";
  return words.read(L) ? null : "ERR Lua redis lib command arguments must be strings or integers";
}

/**
 * Fails unless a script is running: some functions make no sense while a library is being loaded.
 */
function needRun(interpreter: Interpreter, L: State, name: string): void {
  if (interpreter.host.current !== null) return;
  interpreter.failWith(L, `ERR ${name} can only be called inside a script invocation`, true);
}

function replyFunctions(interpreter: Interpreter): Record<string, LuaFunction> {
  const { lua } = interpreter, { api } = lua;
  const isOneString = (L: State) => api.lua_gettop(L) === 1 && lua.type(L, 1) === LuaType.String;
  const WRONG = "ERR wrong number or type of arguments";
  return {
    error_reply: (L) => {
      if (!isOneString(L)) return interpreter.failWith(L, WRONG, false);
      const text = lua.text(L, 1)!;
      return interpreter.failWith(L, errorText(text.startsWith("-") ? text.slice(1) : text), false);
    },
    status_reply: (L) => {
      if (!isOneString(L)) return interpreter.failWith(L, WRONG, false);
      api.lua_createtable(L, 0, 1);
      api.lua_pushvalue(L, 1);
      api.lua_setfield(L, -2, lua.name("ok"));
      return 1;
    },
    sha1hex: (L) => {
      if (api.lua_gettop(L) !== 1) return interpreter.failWith(L, "ERR wrong number of arguments", true);
      lua.pushString(L, sha1HexOf(lua.text(L, 1) ?? ""));
      return 1;
    },
  };
}

function settingFunctions(interpreter: Interpreter): Record<string, LuaFunction> {
  const { lua, host } = interpreter, { api } = lua;
  return {
    setresp: (L) => {
      needRun(interpreter, L, "redis.setresp");
      if (api.lua_gettop(L) !== 1) {
        return interpreter.failWith(L, "ERR redis.setresp() requires one argument.", true);
      }
      const version = Math.trunc(api.lua_tonumber(L, 1));
      if (version !== 2 && version !== 3) {
        return interpreter.failWith(L, "ERR RESP version must be 2 or 3.", true);
      }
      host.client.reply.resp = version;
      return 0;
    },
    set_repl: (L) => {
      needRun(interpreter, L, "redis.set_repl");
      if (api.lua_gettop(L) !== 1) {
        return interpreter.failWith(L, "ERR redis.set_repl() requires two arguments.", true);
      }
      const targets = Math.trunc(api.lua_tonumber(L, 1));
      if ((targets & ~Propagate.All) !== 0) {
        const text = "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.";
        return interpreter.failWith(L, text, true);
      }
      if (host.current !== null) host.current.sinkKinds = targets;
      return 0;
    },
    acl_check_cmd: (L) => mayCall(interpreter, L),
  };
}

/** `redis.acl_check_cmd`: true if the script's caller may call this command. */
function mayCall(interpreter: Interpreter, L: State): number {
  const { lua, host, words } = interpreter, { engine } = host;
  needRun(interpreter, L, "redis.acl_check_cmd");
  const problem = readWords(interpreter, L);
  if (problem !== null) return interpreter.failWith(L, problem, true);
  const cmd = engine.commands.resolve(words.args);
  if (cmd === undefined) {
    return interpreter.failWith(L, "ERR Invalid command passed to redis.acl_check_cmd()", true);
  }
  lua.api.lua_pushboolean(L, engine.access.mayRun(host.client, cmd, words.args) ? 1 : 0);
  return 1;
}

function log(interpreter: Interpreter, L: State): number {
  const { lua, host } = interpreter, { api } = lua;
  const count = api.lua_gettop(L);
  if (count < 2) {
    return interpreter.failWith(L, "ERR redis.log() requires two arguments or more.", true);
  }
  if (api.lua_isnumber(L, 1) === 0) {
    return interpreter.failWith(L, "ERR First argument must be a number (log level).", true);
  }
  const level = LOG_LEVELS[Math.trunc(api.lua_tonumber(L, 1))];
  if (level === undefined) return interpreter.failWith(L, "ERR Invalid debug level.", true);
  const parts: string[] = [];
  for (let i = 2; i <= count; i++) {
    const pointer = lua.pointerTo(L, i);
    if (pointer !== 0) parts.push(latin1(lua.bytes, pointer, pointer + lua.locatedSize));
  }
  host.engine.log[level](parts.join(" "));
  return 0;
}

/** Adds the part of `redis` that a library sees while loading as well: the log and the versions. */
export function addLogAndVersion(interpreter: Interpreter, L: State): void {
  const { lua } = interpreter;
  lua.setFunctions(L, { log: (L) => log(interpreter, L) });
  for (const [level, name] of LOG_LEVELS.entries()) lua.setNumber(L, `LOG_${name.toUpperCase()}`, level);
  lua.setText(L, "REDIS_VERSION", REDIS_VERSION);
  lua.setNumber(L, "REDIS_VERSION_NUM", VERSION_NUMBER);
}

function addReplNumbers(lua: Lua, L: State): void {
  lua.setNumber(L, "REPL_NONE", Propagate.None);
  lua.setNumber(L, "REPL_AOF", Propagate.Aof);
  lua.setNumber(L, "REPL_SLAVE", Propagate.Replicas);
  lua.setNumber(L, "REPL_REPLICA", Propagate.Replicas);
  lua.setNumber(L, "REPL_ALL", Propagate.All);
}

/** Creates the global `redis`. */
export function addRedisTable(interpreter: Interpreter, L: State, forFunctions: boolean): void {
  const { lua } = interpreter, { api } = lua;
  api.lua_createtable(L, 0, 24);
  lua.setFunctions(L, {
    call: caller(interpreter, true),
    pcall: caller(interpreter, false),
    ...replyFunctions(interpreter),
    ...settingFunctions(interpreter),
  });
  addLogAndVersion(interpreter, L);
  addReplNumbers(lua, L);
  if (!forFunctions) {
    // There is no debugger: breakpoints do nothing, and scripts are always propagated by their
    // effects.
    lua.setFunctions(L, {
      breakpoint: (L) => {
        api.lua_pushboolean(L, 0);
        return 1;
      },
      debug: () => 0,
      replicate_commands: (L) => {
        api.lua_pushboolean(L, 1);
        return 1;
      },
    });
  }
  interpreter.setGlobal(L, "redis");
}
