/** Random choices as numbers, which the collections turn into members. */
import type { Random } from "../util/random.ts";

/**
 * `count` different numbers below `size`, every choice equally likely, in random order; all
 * numbers, in ascending order, if `count` is not less than `size`. O(count), or O(size) where that
 * is the same order.
 */
export function drawDistinct(size: number, count: number, random: Random): number[] {
  if (count >= size) return Array.from({ length: size }, (_, number) => number);
  return count * 4 < size ? drawFew(size, count, random) : drawMany(size, count, random);
}

/** Redraws duplicates: at most one draw in four. */
function drawFew(size: number, count: number, random: Random): number[] {
  const drawn = new Set<number>();
  while (drawn.size < count) drawn.add(random.below(size));
  return [...drawn];
}

/** The first steps of Fisher and Yates's shuffle. */
function drawMany(size: number, count: number, random: Random): number[] {
  const numbers = Array.from({ length: size }, (_, number) => number);
  for (let i = 0; i < count; i++) {
    const j = i + random.below(size - i), number = numbers[j]!;
    numbers[j] = numbers[i]!;
    numbers[i] = number;
  }
  numbers.length = count;
  return numbers;
}
