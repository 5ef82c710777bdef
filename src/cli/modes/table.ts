/** The modes, by name. */
import type { ModeName } from "../options.ts";
import { bigKeysMode, memoryKeysMode } from "./big_keys.ts";
import { evalMode } from "./eval.ts";
import { hotKeysMode } from "./hot_keys.ts";
import { intrinsicLatencyMode } from "./intrinsic_latency.ts";
import { latencyMode } from "./latency.ts";
import { latencyDistributionMode } from "./latency_distribution.ts";
import { lruTestMode } from "./lru.ts";
import type { Mode } from "./mode.ts";
import { pipeMode } from "./pipe.ts";
import { functionsRdbMode, rdbMode } from "./rdb.ts";
import { replicaMode } from "./replica.ts";
import { scanMode } from "./scan.ts";
import { statMode } from "./stat.ts";

/** Every mode. */
export const MODES: Readonly<Record<ModeName, Mode>> = {
  bigkeys: bigKeysMode,
  eval: evalMode,
  "functions-rdb": functionsRdbMode,
  hotkeys: hotKeysMode,
  "intrinsic-latency": intrinsicLatencyMode,
  latency: latencyMode,
  "latency-dist": latencyDistributionMode,
  "lru-test": lruTestMode,
  memkeys: memoryKeysMode,
  pipe: pipeMode,
  rdb: rdbMode,
  replica: replicaMode,
  scan: scanMode,
  stat: statMode,
};
