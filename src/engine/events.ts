/** Classes of keyspace events, as bits; `notify-keyspace-events` names them by letters. */
export { Notify } from "../config/keyspace_events.ts";
