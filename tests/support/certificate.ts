/**
 * Self-signed certificates for tests of TLS, created for one run. DER (X.690) is a sequence of tag,
 * length, content.
 */
import { Buffer } from "node:buffer";

const Tag = {
  Integer: 2,
  BitString: 3,
  OctetString: 4,
  ObjectId: 6,
  Utf8: 12,
  UtcTime: 23,
  Sequence: 48,
  Set: 49,
} as const;

/** `[n]` with constructed content, and with primitive content. */
const constructed = (n: number) => 0xa0 + n;
const primitive = (n: number) => 0x80 + n;

function der(tag: number, ...contents: Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Uint8Array.of(tag, ...size), content]);
}

const bytes = (...numbers: number[]) => Uint8Array.from(numbers);
const ascii = (text: string) => new TextEncoder().encode(text);
/**
 * A positive integer, big-endian, as short as possible, with a zero byte before a leading one bit.
 */
function integer(magnitude: Uint8Array): Uint8Array {
  const first = Math.max(0, magnitude.findIndex((byte) => byte !== 0));
  const short = magnitude.subarray(first);
  return der(Tag.Integer, (short[0] ?? 0) >= 0x80 ? Buffer.concat([bytes(0), short]) : short);
}

const ECDSA_WITH_SHA256 = der(
  Tag.Sequence,
  der(Tag.ObjectId, bytes(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)),
);
const COMMON_NAME = bytes(0x55, 0x04, 0x03);
const ALTERNATIVE_NAMES = bytes(0x55, 0x1d, 0x11);
const LOCALHOST = der(
  Tag.Sequence,
  der(Tag.Set, der(Tag.Sequence, der(Tag.ObjectId, COMMON_NAME), der(Tag.Utf8, ascii("localhost")))),
);

function pem(label: string, content: Uint8Array): string {
  const lines = Buffer.from(content).toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

function toBeSigned(publicKey: Uint8Array): Uint8Array {
  const year = new Date().getUTCFullYear() % 100;
  const time = (of: number) => der(Tag.UtcTime, ascii(`${String(of).padStart(2, "0")}0101000000Z`));
  const names = der(
    Tag.Sequence,
    der(primitive(2), ascii("localhost")),
    der(primitive(7), bytes(127, 0, 0, 1)),
    der(primitive(7), new Uint8Array(16).fill(1, 15)),
  );
  const extension = der(Tag.Sequence, der(Tag.ObjectId, ALTERNATIVE_NAMES), der(Tag.OctetString, names));
  return der(
    Tag.Sequence,
    der(constructed(0), der(Tag.Integer, bytes(2))),
    integer(crypto.getRandomValues(new Uint8Array(8))),
    ECDSA_WITH_SHA256,
    LOCALHOST,
    der(Tag.Sequence, time(year), time(year + 2)),
    LOCALHOST,
    publicKey,
    der(constructed(3), der(Tag.Sequence, extension)),
  );
}

/** A certificate for `localhost`, 127.0.0.1 and ::1 and its key, as PEM. */
export async function makeCertificate(): Promise<{ cert: string; key: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const content = toBeSigned(new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey)));
  const signature = new Uint8Array(
    await crypto.subtle.sign(algorithm, pair.privateKey, new Uint8Array(content)),
  );
  const numbers = der(Tag.Sequence, integer(signature.subarray(0, 32)), integer(signature.subarray(32)));
  const signed = der(Tag.Sequence, content, ECDSA_WITH_SHA256, der(Tag.BitString, bytes(0), numbers));
  const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  return { cert: pem("CERTIFICATE", signed), key: pem("PRIVATE KEY", key) };
}
