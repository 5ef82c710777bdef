/**
 * The one source of randomness: sfc32 (Chris Doty-Humphrey's Small Fast Counting generator, the
 * 32-bit variant), so that a test that states its seed is repeatable. Not for secrets, which come
 * from `crypto.getRandomValues`.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any number; only its lower 32 bits matter */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = 0x9e3779b9 | 0;
    this.#c = ~seed | 0;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A fresh generator with an unpredictable seed. */
  static unpredictable(): Random {
    return new Random(crypto.getRandomValues(new Uint32Array(1))[0]!);
  }

  /** The next unsigned 32-bit integer. */
  next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t | 0;
    return t >>> 0;
  }

  /** A whole number in [0, limit), uniform for any `limit` up to 2^53. */
  below(limit: number): number {
    return Math.floor(this.float() * limit);
  }

  /** A number in [0, 1) with 53 random bits. */
  float(): number {
    return ((this.next() >>> 5) * 67108864 + (this.next() >>> 6)) / 9007199254740992;
  }
}
