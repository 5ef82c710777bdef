/** The Redis version whose behaviour and commands Redeno implements: INFO's `redis_version`. */
export const REDIS_VERSION = "7.4.0";

/** Redeno's own version: INFO's `redeno_version`. */
export const REDENO_VERSION = "0.1.0";
