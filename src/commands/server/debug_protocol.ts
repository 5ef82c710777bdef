/** DEBUG PROTOCOL: a reply of each type, for tests of clients. */
import type { Args } from "../../engine/args.ts";
import type { CommandContext } from "../../engine/context.ts";
import { PUSH_IN_RESP2, UNKNOWN_TYPE } from "../../protocol/errors.ts";
import type { ReplyWriter } from "../../protocol/reply_writer.ts";

const samples: Readonly<Record<string, (reply: ReplyWriter) => void>> = {
  string: (reply) => reply.bulk("Hello World"),
  integer: (reply) => reply.integer(12345),
  double: (reply) => reply.double("3.141"),
  null: (reply) => reply.null(),
  array(reply) {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  set(reply) {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  map(reply) {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.bool(i === 1);
    }
  },
  attrib(reply) {
    if (reply.resp === 3) {
      reply.attribute(1);
      reply.bulk("key-popularity");
      reply.array(2);
      reply.bulk("key:123");
      reply.integer(90);
    }
    // An attribute alone is not a reply.
    reply.bulk("Some real reply following the attribute");
  },
  push(reply) {
    reply.push(2);
    reply.bulk("server-cpu-usage");
    reply.integer(42);
    // Nor is a push.
    reply.bulk("Some real reply following the push reply");
  },
  verbatim: (reply) => reply.verbatim("txt", "This is a verbatim\nstring"),
  true: (reply) => reply.bool(true),
  false: (reply) => reply.bool(false),
  bignum: (reply) => reply.bigNumber(1234567999999999999999999999999999999n),
};

/** DEBUG PROTOCOL: a reply of the type named by argument 2. */
export function debugProtocol(ctx: CommandContext, args: Args): void {
  const name = args.string(2).toLowerCase();
  const write = Object.hasOwn(samples, name) ? samples[name] : undefined;
  if (write === undefined) throw UNKNOWN_TYPE;
  if (name === "push" && ctx.reply.resp === 2) throw PUSH_IN_RESP2;
  write(ctx.reply);
}
