/** BullMQ's queues on Redeno, as their users set them up: several workers, and jobs of every kind. */
import { assert, assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
// A part of BullMQ: this is its last version that is published for every system.
import "npm:msgpackr-extract@3.0.4/package.json" with { type: "json" };
import {
  DelayedError,
  FlowProducer,
  type Job,
  Queue,
  QueueEvents,
  UnrecoverableError,
  Worker,
  type WorkerOptions,
} from "npm:bullmq@6.7.0";
import { Redis } from "npm:ioredis@5.11.1";
import { encodeCommand, type ServerProcess, startRedeno } from "../support/oracle.ts";

const QUEUE = "queue";
/** How long a job may take before its test fails, milliseconds. */
const PATIENCE_MS = 60_000;

type Processor = (job: Job, token?: string) => Promise<unknown>;

/** A queue with its events, and the workers a test starts; all are closed in the end. */
class Site implements AsyncDisposable {
  /** Those that wait are duplicates of it. */
  readonly connection: Redis;
  readonly queue: Queue;
  readonly events: QueueEvents;
  readonly flows: FlowProducer;
  readonly #workers: Worker[] = [];

  constructor(readonly server: ServerProcess) {
    this.connection = new Redis({ host: "127.0.0.1", port: server.port, maxRetriesPerRequest: null });
    const { connection } = this;
    this.queue = new Queue(QUEUE, { connection });
    this.queue.setMaxListeners(0);
    this.events = new QueueEvents(QUEUE, { connection });
    this.flows = new FlowProducer({ connection });
  }

  async work(
    processor: Processor,
    options: Partial<WorkerOptions> = {},
    name: string = QUEUE,
  ): Promise<Worker> {
    const worker = new Worker(name, processor, { connection: this.connection, drainDelay: 1, ...options });
    this.#workers.push(worker);
    await worker.waitUntilReady();
    return worker;
  }

  /** What a job returns; fails with its error. */
  result(job: Job): Promise<unknown> {
    return job.waitUntilFinished(this.events, PATIENCE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    await Promise.all([this.queue.close(), this.events.close(), this.flows.close()]);
    await this.connection.quit();
  }
}

/** A test with a server and a site of its own. */
function queueTest(name: string, use: (site: Site) => Promise<void>): void {
  Deno.test(`BullMQ: ${name}`, async () => {
    await using server = await startRedeno();
    await using site = new Site(server);
    await site.events.waitUntilReady();
    await use(site);
  });
}

/** Resolves once it has been told so many times. */
function countdown(times: number): { tell(): void; readonly done: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { tell: () => --times <= 0 && resolve(), done: promise };
}

queueTest("two workers share a queue, each job done once and its result kept", async (site) => {
  const both = countdown(2), seen = new Map<string, number>(), workers = new Set<number>();
  const processor = (worker: number): Processor => async ({ name, data }) => {
    workers.add(worker);
    seen.set(name, (seen.get(name) ?? 0) + 1);
    // The first two jobs wait for each other, so that each worker has one.
    if (data.n < 2) both.tell();
    await both.done;
    return { squared: data.n ** 2 };
  };
  const jobs = await site.queue.addBulk(
    Array.from({ length: 20 }, (_, n) => ({ name: `job ${n}`, data: { n } })),
  );
  assertEquals((await site.queue.getJobCounts("waiting", "active", "completed")).waiting, 20);
  await Promise.all([0, 1].map((worker) => site.work(processor(worker))));
  const results = await Promise.all(jobs.map((job) => site.result(job)));
  assertEquals(results, Array.from({ length: 20 }, (_, n) => ({ squared: n * n })));
  assertEquals([...seen.values()], Array<number>(20).fill(1));
  assertEquals([...workers].sort(), [0, 1]);
  const counts = await site.queue.getJobCounts("waiting", "active", "completed", "failed");
  assertEquals(counts, { waiting: 0, active: 0, completed: 20, failed: 0 });
  const kept = await site.queue.getJob(jobs[7]?.id ?? "");
  assertEquals([kept?.returnvalue, kept?.attemptsMade], [{ squared: 49 }, 1]);
});

queueTest(
  "delayed jobs wait their time, in the order of their times; one is promoted, one moved",
  async (site) => {
    const order: string[] = [], startedAt = Date.now();
    const { queue } = site;
    const late = await queue.add("late", {}, { delay: 200, timestamp: startedAt });
    const soon = await queue.add("soon", {}, { delay: 100, timestamp: startedAt });
    const never = await queue.add("promoted", {}, { delay: 3_600_000 });
    const moved = await queue.add("moved", {}, { delay: 3_600_000 });
    assertEquals(await queue.getDelayedCount(), 4);
    await moved.changeDelay(300);
    await never.promote();
    await site.work(async ({ name }) => {
      order.push(name);
      return await Promise.resolve(Date.now());
    });
    const at = await Promise.all([soon, late, moved, never].map((job) => site.result(job))) as number[];
    assertEquals(order, ["promoted", "soon", "late", "moved"]);
    for (const [i, delay] of [100, 200].entries()) assertGreaterOrEqual(at[i]! - startedAt, delay - 5);
  },
);

queueTest("a job may put itself off", async (site) => {
  await site.work(async (job, token) => {
    if (job.data.again) return "done";
    await job.updateData({ again: true });
    await job.moveToDelayed(Date.now() + 50, token);
    throw new DelayedError();
  });
  assertEquals(await site.result(await site.queue.add("later", { again: false })), "done");
});

queueTest(
  "failing jobs are tried again with a backoff, or fail for good and are retried by hand",
  async (site) => {
    let mayPass = false;
    await site.work((job) => {
      if (job.name === "hopeless") throw new UnrecoverableError("no way");
      if (job.name === "stubborn" ? mayPass : job.attemptsMade >= 2) return Promise.resolve(job.attemptsMade);
      throw new Error(`attempt ${job.attemptsMade}`);
    });
    const attempts = { attempts: 3, backoff: { type: "exponential", delay: 10 } };
    const flaky = await site.queue.add("flaky", {}, attempts);
    const hopeless = await site.queue.add("hopeless", {}, attempts);
    const stubborn = await site.queue.add("stubborn", {}, attempts);
    assertEquals(await site.result(flaky), 2);
    await assertRejects(() => site.result(hopeless), Error, "no way");
    await assertRejects(() => site.result(stubborn), Error, "attempt 2");
    const failed = await site.queue.getJob(stubborn.id ?? "");
    assertEquals([failed?.attemptsMade, failed?.failedReason, failed?.stacktrace?.length], [
      3,
      "attempt 2",
      3,
    ]);
    assertEquals(await site.queue.getFailedCount(), 2);
    mayPass = true;
    await stubborn.retry("failed");
    assertEquals(await site.result(stubborn), 3);
    assertEquals(await site.queue.getFailedCount(), 1);
  },
);

queueTest("repeated jobs come again, until their scheduler is removed", async (site) => {
  const { queue } = site, ids = new Set<string>();
  const three = countdown(3);
  await site.work((job) => {
    ids.add(job.id ?? "");
    assertEquals(job.data, { what: "tick" });
    three.tell();
    return Promise.resolve();
  });
  await queue.upsertJobScheduler("every", { every: 30 }, { name: "tick", data: { what: "tick" } });
  await queue.upsertJobScheduler("yearly", { pattern: "0 0 1 1 *" }, { name: "new year" });
  await three.done;
  assertGreaterOrEqual(ids.size, 3);
  const schedulers = await queue.getJobSchedulers();
  assertEquals(schedulers.map(({ key }) => key).sort(), ["every", "yearly"]);
  const yearly = await queue.getJobScheduler("yearly");
  assertEquals(new Date(yearly?.next ?? 0).getMonth(), 0);
  assertEquals([await queue.removeJobScheduler("every"), await queue.getJobSchedulersCount()], [true, 1]);
});

queueTest("a rate limit holds for both workers together", async (site) => {
  const limiter = { max: 2, duration: 150 }, startedAt = Date.now();
  const doneAt: number[] = [];
  const processor: Processor = async () => await Promise.resolve(doneAt.push(Date.now()));
  const jobs = await site.queue.addBulk(Array.from({ length: 6 }, (_, n) => ({ name: "limited", data: n })));
  await Promise.all([site.work(processor, { limiter }), site.work(processor, { limiter })]);
  await Promise.all(jobs.map((job) => site.result(job)));
  assertEquals(doneAt.length, 6);
  // Two a window: the third begins a window later at the earliest, the fifth two.
  for (const [i, at] of doneAt.sort((a, b) => a - b).entries()) {
    assertGreaterOrEqual(at - startedAt, Math.floor(i / 2) * limiter.duration - 5, `job ${i}`);
  }
});

queueTest("priorities, last in first out, pausing, deduplication, logs and progress", async (site) => {
  const { queue } = site, order: string[] = [];
  await queue.pause();
  for (const [name, options] of [["low", { priority: 10 }], ["high", { priority: 1 }]] as const) {
    await queue.add(name, {}, options);
  }
  await queue.add("first", {});
  await queue.add("at once", {}, { lifo: true });
  const once = await queue.add("once", {}, { deduplication: { id: "same" } });
  const twin = await queue.add("once", {}, { deduplication: { id: "same" } });
  assertEquals(twin.id, once.id);
  const all = countdown(5), progress = Promise.withResolvers<unknown>();
  site.events.on("progress", ({ data }) => progress.resolve(data));
  await site.work(async (job) => {
    order.push(job.name);
    await job.log(`began ${job.name}`);
    if (job.name === "low") await job.updateProgress({ percent: 50 });
    all.tell();
  });
  assertEquals([await queue.isPaused(), order], [true, []]);
  await queue.resume();
  await all.done;
  assertEquals(order, ["at once", "first", "once", "high", "low"]);
  assertEquals(await progress.promise, { percent: 50 });
  assertEquals((await queue.getJobLogs(once.id ?? "")).logs, ["began once"]);
});

queueTest("a flow: parents wait for their children in other queues, and get their results", async (site) => {
  await site.work((job) => Promise.resolve(job.data.n * 10), {}, "parts");
  const sums: Processor = async (job) => {
    const values: number[] = Object.values(await job.getChildrenValues());
    return values.reduce((sum, value) => sum + value, 0);
  };
  await Promise.all([site.work(sums), site.work(sums)]);
  const part = (n: number) => ({ name: "part", queueName: "parts", data: { n } });
  const flow = await site.flows.add({
    name: "total",
    queueName: QUEUE,
    children: [
      part(1),
      { name: "subtotal", queueName: QUEUE, children: [part(2), part(3)] },
      part(4),
    ],
  });
  assertEquals(await site.result(flow.job), 100);
  const tree = await site.flows.getFlow({ id: flow.job.id ?? "", queueName: QUEUE });
  assertEquals(tree?.children?.map(({ job }) => job.name).sort(), ["part", "part", "subtotal"]);
  assertEquals(await flow.job.getDependenciesCount(), {
    processed: 3,
    unprocessed: 0,
    ignored: 0,
    failed: 0,
  });
});

queueTest("a child that fails for good fails its parent", async (site) => {
  await site.work(
    (job) => job.data.fails ? Promise.reject(new Error("broken part")) : Promise.resolve(1),
    {},
    "parts",
  );
  await site.work(() => Promise.resolve("never"));
  const flow = await site.flows.add({
    name: "total",
    queueName: QUEUE,
    children: [
      { name: "good", queueName: "parts", data: {} },
      { name: "bad", queueName: "parts", data: { fails: true }, opts: { failParentOnFailure: true } },
    ],
  });
  await assertRejects(() => site.result(flow.job), Error, "failed");
  assert(await flow.job.isFailed());
});

queueTest("queues are drained, cleaned and obliterated", async (site) => {
  const { queue } = site;
  const jobs = await queue.addBulk(Array.from({ length: 10 }, (_, n) => ({ name: "job", data: n })));
  const worker = await site.work(() => Promise.resolve());
  await Promise.all(jobs.map((job) => site.result(job)));
  await worker.close();
  assertEquals((await queue.clean(0, 4, "completed")).length, 4);
  assertEquals(await queue.getCompletedCount(), 6);
  await queue.addBulk(Array.from({ length: 10 }, (_, n) => ({ name: "job", data: n })));
  await queue.drain();
  assertEquals(await queue.getWaitingCount(), 0);
  await queue.obliterate();
  using c = await site.server.connect();
  assertEquals(await c.send("KEYS", "*"), encodeCommand([]));
});
