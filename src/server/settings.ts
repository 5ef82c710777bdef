/** Carries configuration into the places that keep it in fields, at the start and at each CONFIG SET. */
import { clientLine } from "../commands/client_line.ts";
import { type DataLimits, defaultLimits } from "../data/limits.ts";
import type { Engine } from "../engine/engine.ts";
import { EngineGuard } from "../engine/refusals.ts";

/** Encoding thresholds are named as the parameters they follow. */
const limitNames = Object.keys(defaultLimits()) as (keyof DataLimits)[];

/** Applies all settings to `engine` and keeps them applied. */
export function connectSettings(engine: Engine): void {
  const { config, limits } = engine;
  for (const name of limitNames) {
    limits[name] = config.values[name];
    config.onApply(name, (value) => limits[name] = value);
  }
  engine.describeClient = (client) => clientLine(engine, client);
  engine.notifyFlags = config.values.notifyKeyspaceEvents;
  config.onApply("notifyKeyspaceEvents", (value) => engine.notifyFlags = value);
  engine.refreshSettings();
  for (
    const name of [
      "maxmemory",
      "maxmemoryPolicy",
      "latencyTracking",
      "latencyMonitorThreshold",
      "maxmemoryClients",
    ] as const
  ) {
    config.onApply(name, () => engine.refreshSettings());
  }
  for (const name of ["minReplicasToWrite", "minReplicasMaxLag"] as const) {
    config.onApply(name, () => guardReplicaCount(engine));
  }
  guardReplicaCount(engine);
  // A lower limit holds at once, not only with the next command.
  config.onApply("maxmemory", (limit) => void (limit > 0 && engine.freeMemoryForCommand()));
}

/** Without replicas any number of them that `min-replicas-to-write` asks for is too many; a lag of 0 asks for none. */
function guardReplicaCount(engine: Engine): void {
  const { values } = engine.config;
  engine.setGuard(EngineGuard.TooFewReplicas, values.minReplicasToWrite > 0 && values.minReplicasMaxLag > 0);
}
