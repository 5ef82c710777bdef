/** Which server this is, among all that run or ran. */
import type { Random } from "../util/random.ts";

const ID_DIGITS = 40;

/** The id of no server. */
export const NO_ID = "0".repeat(ID_DIGITS);

function randomId(random: Random): string {
  let id = "";
  while (id.length < ID_DIGITS) id += (random.next() >>> 0).toString(16).padStart(8, "0");
  return id.slice(0, ID_DIGITS);
}

/** See the head of this file. */
export class Identity {
  /** New at each start. */
  readonly runId: string;
  /** Names the history of changes that replicas follow. */
  replicationId: string;
  /** The history this one went on from, or {@linkcode NO_ID}. */
  previousReplicationId = NO_ID;

  /** @param startedAtMs Unix milliseconds */
  constructor(readonly random: Random, readonly startedAtMs: number) {
    this.runId = randomId(random);
    this.replicationId = randomId(random);
  }

  /** Begins a history that no other server knows. */
  changeReplicationId(): void {
    this.replicationId = randomId(this.random);
    this.previousReplicationId = NO_ID;
  }
}
