/** Values in the packed encodings of old and new RDB files, made by hand. */

/** A latin1 string as bytes. */
export function latin(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** A ziplist of entries, each given as its encoding and content. */
export function ziplist(...contents: number[][]): Uint8Array {
  const entries: number[] = [];
  let previous = 0, last = 10;
  for (const content of contents) {
    last = 10 + entries.length;
    const entry = previous < 254
      ? [previous, ...content]
      : [254, previous & 255, previous >> 8, 0, 0, ...content];
    entries.push(...entry);
    previous = entry.length;
  }
  const bytes = new Uint8Array(11 + entries.length), view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint32(4, last, true);
  view.setUint16(8, contents.length, true);
  bytes.set(entries, 10);
  bytes[bytes.length - 1] = 255;
  return bytes;
}

/** A ziplist of short texts. */
export function ziplistOf(...texts: string[]): Uint8Array {
  return ziplist(...texts.map((text) => [text.length, ...latin(text)]));
}

/** A listpack of short texts and of integers up to 16 bits. */
export function listpackOf(...elements: (string | number)[]): Uint8Array {
  const body = elements.flatMap((element) => {
    const content = typeof element === "string"
      ? [0x80 | element.length, ...latin(element)]
      : element >= 0 && element < 128
      ? [element]
      : [0xf1, element & 255, (element >> 8) & 255];
    return [...content, content.length];
  });
  const bytes = new Uint8Array(7 + body.length), view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, elements.length, true);
  bytes.set(body, 6);
  bytes[bytes.length - 1] = 255;
  return bytes;
}

/** An intset with `width` bytes per member. */
export function intsetOf(width: 2 | 4 | 8, ...members: bigint[]): Uint8Array {
  const bytes = new Uint8Array(8 + members.length * width), view = new DataView(bytes.buffer);
  view.setUint32(0, width, true);
  view.setUint32(4, members.length, true);
  for (const [i, member] of members.entries()) {
    for (let byte = 0; byte < width; byte++) {
      view.setUint8(8 + i * width + byte, Number(BigInt.asUintN(8, member >> BigInt(8 * byte))));
    }
  }
  return bytes;
}

/** A zipmap of short texts, field and value in turn. */
export function zipmapOf(...texts: string[]): Uint8Array {
  const body = texts.flatMap((text, i) => [text.length, ...(i % 2 === 1 ? [0] : []), ...latin(text)]);
  return Uint8Array.of(texts.length / 2, ...body, 255);
}
