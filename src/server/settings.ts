/**
 * Copies configuration into objects that keep it in fields, at the start and at each CONFIG SET.
 */
import { defaultLimits, type EncodingLimits } from "../data/limits.ts";
import type { Engine } from "../engine/engine.ts";
import { Replication } from "../replication/replication.ts";

/** Encoding thresholds bear the names of their parameters. */
const limitNames = Object.keys(defaultLimits()).filter((name) =>
  name !== "store"
) as (keyof EncodingLimits)[];

/** Applies all settings to `engine` and keeps them applied. */
export function connectSettings(engine: Engine): void {
  const { config, limits } = engine;
  for (const name of limitNames) {
    limits[name] = config.values[name];
    config.onApply(name, (value) => limits[name] = value);
  }
  engine.keys.notifyFlags = config.values.notifyKeyspaceEvents;
  config.onApply("notifyKeyspaceEvents", (value) => engine.keys.notifyFlags = value);
  engine.refreshSettings();
  // Replication tracks its own settings from the beginning.
  Replication.of(engine);
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
  config.onApply("oomScoreAdj", (value) => {
    if (value !== "no") engine.log.warning("oom-score-adj has no effect: the score is set from outside");
  });
  // A lower limit takes effect soon, not only with the next command; but not inside the transaction
  // that sets it.
  config.onApply("maxmemory", (limit) => engine.memory.mustMakeRoom = limit > 0);
}
