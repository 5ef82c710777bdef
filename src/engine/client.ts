/**
 * A client: everything a connection has beside its socket. Clients that have no socket exist too:
 * the one that replays an append only file, the one a script calls through, those of in-process
 * tests.
 */
import type { User } from "../acl/user.ts";
import type { Database } from "../keyspace/database.ts";
import { ReplyWriter } from "../protocol/reply_writer.ts";
import type { Args } from "./args.ts";
import type { Command } from "./command.ts";

/** States of a client, as bits. */
export const ClientFlag = {
  /** The connection is to be closed once its replies have left. */
  CloseAfterReply: 1 << 0,
  /** Between MULTI and EXEC. */
  Multi: 1 << 1,
  /** A key it watches has changed. */
  DirtyCas: 1 << 2,
  /** A command was refused while queueing: EXEC will abort. */
  DirtyExec: 1 << 3,
  Monitor: 1 << 4,
  NoEvict: 1 << 5,
  NoTouch: 1 << 6,
  /** CLIENT REPLY OFF. */
  ReplyOff: 1 << 7,
  /** CLIENT REPLY SKIP: the next command's reply is dropped. */
  ReplySkipNext: 1 << 8,
  ReplySkip: 1 << 9,
  /**
   * Replays a file or the primary's stream: nothing is refused, nothing expires by itself, replies
   * are dropped.
   */
  Silent: 1 << 10,
  /** Runs the calls of a script. */
  Script: 1 << 11,
  /** Must not block: inside EXEC or a script. */
  DenyBlocking: 1 << 12,
  /** Subscribed, in RESP2: only a few commands are allowed. */
  PubSub: 1 << 13,
  /** Another server that copies this one. */
  Replica: 1 << 14,
  /** The server this one copies. */
  Primary: 1 << 15,
  UnixSocket: 1 << 16,
  /** Has been refused the Lua debugger: its next script was meant for that, and is not run. */
  DebuggerRefused: 1 << 17,
} as const;

/** The part of a client's connection that the engine uses. */
export interface ClientTransport {
  /** Begins to send the output written; called at the end of a batch. */
  flush(): void;
  /**
   * Keeps the output written to the client's reply, and `shared` behind it, to be sent in this
   * order before later output. `shared` is not copied and must not change. Missing on transports
   * that send nothing.
   */
  setAside?(shared?: Uint8Array<ArrayBuffer>): void;
  /** Closes the connection, at once or when everything written has left. */
  close(afterReplies: boolean): void;
  /** Runs the commands that waited behind a blocking one; called in a turn of its own. */
  resume(): void;
  /** Bytes written and not yet taken by the socket. */
  readonly outputBytes: number;
  /** Bytes of the query buffer in use, and its size. */
  readonly queryBytes: number;
  readonly queryCapacity: number;
  /** `host:port` or `path:0`. */
  readonly address: string;
  readonly localAddress: string;
}

/** Holds output for a client beside its replies, and hands it over as the socket takes it. */
export interface OutputSource {
  /** Bytes held that count against the limits of the client's class. */
  readonly pendingBytes: number;
  /** Writes some more into the client's reply; called when all that was written has left. */
  refill(): void;
}

/** A command waiting for EXEC. */
export interface QueuedCommand {
  cmd: Command;
  args: Args;
}

/** The wait of a blocked client; see `blocking.ts`. */
export interface BlockedState {
  cmd: Command;
  args: Args;
  /** Keys waited for; empty for a client waiting for something else. */
  keys: readonly string[];
  /** Deadline, `engine.steadyMs`, or Infinity. */
  deadlineMs: number;
  /** Writes the reply of a client that waited in vain. */
  onTimeout: (client: Client) => void;
  /** True if a key's value can serve this client; a key of another type leaves it waiting. */
  isReady: (database: Database, key: string) => boolean;
  /** Also woken when a key is deleted or gets another type (XREADGROUP). */
  wakesWhenGone: boolean;
  /** CLIENT UNBLOCK may end the wait. */
  unblockable: boolean;
  /** Continues the work around the command (the rest of an EXEC) once the command has ended. */
  afterwards?: () => void;
}

let nextClientId = 1;

/** The engine's view of a connection, or of another source of commands. */
export class Client {
  readonly id: number = nextClientId++;
  readonly reply: ReplyWriter = new ReplyWriter();
  flags = 0;
  name = "";
  libName = "";
  libVersion = "";
  /** The user it acts for; null: none, and everything is allowed, as in replaying a file. */
  user: User | null = null;
  authenticated = false;
  /** Which of the engine's checks concern this client; see `refusals.ts`. */
  guards = 0;
  /** Commands queued since MULTI. */
  queue: QueuedCommand[] = [];
  queueBytes = 0;
  /** Memory that `client_memory.ts` has counted for it. */
  memoryBytes = 0;
  /** Watched keys, as `watch.ts` names them. */
  watched: Set<string> | null = null;
  blocked: BlockedState | null = null;
  lastCommand: Command | null = null;
  readonly createdAtMs: number;
  lastInteractionMs: number;
  /** Source of output beside replies; null for nearly every client. */
  source: OutputSource | null = null;
  /** End of the stream for replicas when this client last wrote. */
  writeOffset = 0;
  /** In the engine's outbox already. */
  inOutbox = false;
  closed = false;
  /** Functions to call when the client goes. */
  readonly onClose: (() => void)[] = [];

  constructor(
    public database: Database,
    public databaseId: number,
    readonly transport: ClientTransport,
    nowMs: number,
  ) {
    this.createdAtMs = nowMs;
    this.lastInteractionMs = nowMs;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  get userName(): string {
    return this.user?.name ?? "(superuser)";
  }

  /** CLIENT REPLY: nothing but pushed messages is to be sent. */
  get isSilenced(): boolean {
    return (this.flags & (ClientFlag.ReplyOff | ClientFlag.ReplySkip)) !== 0;
  }

  set(flag: number): void {
    this.flags |= flag;
  }

  unset(flag: number): void {
    this.flags &= ~flag;
  }
}

/** The transport of a client without a listener. */
export const silentTransport: ClientTransport = {
  flush() {},
  close() {},
  resume() {},
  outputBytes: 0,
  queryBytes: 0,
  queryCapacity: 0,
  address: "",
  localAddress: "",
};
