/** INFO's section on persistence. */
import { EngineGuard } from "../engine/refusals.ts";
import type { DataStore } from "./data_store.ts";

type Field = [name: string, value: string | number];

function status(succeeded: boolean): string {
  return succeeded ? "ok" : "err";
}

/** All fields, in Redis's order. There is no fork here, so the fields about copy-on-write are 0. */
export function infoFields(store: DataStore): Field[] {
  const { guards } = store.engine, job = store.jobs.current;
  const written = job?.snapshot.keysWritten ?? 0, total = job?.snapshot.keysTotal ?? 0;
  return [
    ["loading", (guards & EngineGuard.Loading) === 0 ? 0 : 1],
    ["async_loading", (guards & EngineGuard.LoadingBeside) === 0 ? 0 : 1],
    ["current_cow_peak", 0],
    ["current_cow_size", 0],
    ["current_cow_size_age", 0],
    ["current_fork_perc", (total === 0 ? 0 : written * 100 / total).toFixed(2)],
    ["current_save_keys_processed", written],
    ["current_save_keys_total", total],
    ...rdbFields(store),
    ...aofFields(store),
    ["module_fork_in_progress", 0],
    ["module_fork_last_cow_size", 0],
    ...(store.aof.state === "off" ? [] : openAofFields(store)),
    ...loadingFields(store),
  ];
}

function rdbFields(store: DataStore): Field[] {
  const { rdb, engine, jobs } = store;
  const startedMs = rdb.isRunning ? jobs.current?.startedMs : undefined;
  const seconds = startedMs === undefined ? -1 : Math.floor((engine.clock.nowMs() - startedMs) / 1000);
  return [
    ["rdb_changes_since_last_save", engine.dirty],
    ["rdb_bgsave_in_progress", rdb.isRunning ? 1 : 0],
    ["rdb_last_save_time", store.lastSaveSeconds],
    ["rdb_last_bgsave_status", status(rdb.lastSucceeded)],
    ["rdb_last_bgsave_time_sec", rdb.lastSeconds],
    ["rdb_current_bgsave_time_sec", seconds],
    ["rdb_saves", rdb.saves],
    ["rdb_last_cow_size", 0],
    ["rdb_last_load_keys_expired", store.keysExpired],
    ["rdb_last_load_keys_loaded", store.keysLoaded],
  ];
}

function aofFields({ aof, rewriter }: DataStore): Field[] {
  return [
    ["aof_enabled", aof.state === "off" ? 0 : 1],
    ["aof_rewrite_in_progress", rewriter.isRunning ? 1 : 0],
    ["aof_rewrite_scheduled", rewriter.isScheduled ? 1 : 0],
    ["aof_last_rewrite_time_sec", rewriter.lastSeconds],
    ["aof_current_rewrite_time_sec", rewriter.currentSeconds],
    ["aof_last_bgrewrite_status", status(rewriter.lastSucceeded)],
    ["aof_rewrites", rewriter.rewrites],
    ["aof_rewrites_consecutive_failures", rewriter.failures],
    ["aof_last_write_status", status(aof.refusal === null)],
    ["aof_last_cow_size", 0],
  ];
}

function openAofFields({ aof, rewriter }: DataStore): Field[] {
  return [
    ["aof_current_size", aof.currentSize],
    ["aof_base_size", aof.rewriteBaseSize],
    ["aof_pending_rewrite", rewriter.isScheduled ? 1 : 0],
    ["aof_buffer_length", aof.pendingBytes],
    ["aof_pending_bio_fsync", aof.pendingSyncs],
    ["aof_delayed_fsync", aof.delayedSyncs],
  ];
}

function loadingFields({ loading }: DataStore): Field[] {
  if (loading === null) return [];
  return [
    ["loading_start_time", Math.floor(loading.startedMs / 1000)],
    ["loading_total_bytes", loading.totalBytes],
    ["loading_rdb_used_mem", 0],
    ["loading_loaded_bytes", loading.loadedBytes],
    ["loading_loaded_perc", loading.percent.toFixed(2)],
    ["loading_eta_seconds", loading.etaSeconds],
  ];
}
