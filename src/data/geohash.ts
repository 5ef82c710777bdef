/**
 * Positions on Earth as sorted-set scores. A position is cut into a grid of 2^26 × 2^26 cells; the
 * column (longitude) and row (latitude) of its cell are interleaved bit by bit, latitude in the
 * even bits, to a 52-bit whole number that a double holds exactly. Cells that share their upper
 * bits lie in the same square, so a square of any size is one range of scores:
 *
 *     step 1      step 2, upper left quarter      column 01, row 11  →  0 1 1 1
 *     +---+---+       +---+---+                                         r c r c
 *     | 1 | 3 |       | 5 | 7 |                   (written from the lowest bit up: row first)
 *     +---+---+       +---+---+
 *     | 0 | 2 |       | 4 | 6 |
 *     +---+---+       +---+---+
 *
 * A search takes the square of about the search's size that holds the centre, adds its eight
 * neighbours, and looks through at most nine ranges of scores.
 *
 * Rows reach only to ±85.05112878°, where the square world map of web maps ends. All arithmetic is
 * done in the order in which Redis does it, since GEOPOS shows 17 decimals of the outcome. The grid
 * is G. M. Morton's order (1966), the text form Gustavo Niemeyer's geohash.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeScore, distance, encodeScore } from "./geohash.ts";
 *
 * const palermo = decodeScore(encodeScore(13.361389, 38.115556));
 * const catania = decodeScore(encodeScore(15.087269, 37.502669));
 * assertEquals(distance(palermo, catania).toFixed(4), "166274.1516"); // metres
 * ```
 */

/** A place: degrees east and degrees north. */
export interface Position {
  longitude: number;
  latitude: number;
}

/** Limits of the grid, degrees. */
export const bounds = {
  minLongitude: -180,
  maxLongitude: 180,
  minLatitude: -85.05112878,
  maxLatitude: 85.05112878,
};

/** Search shape around a centre; lengths in metres. */
export type Shape =
  | { kind: "circle"; center: Position; radius: number }
  | { kind: "box"; center: Position; width: number; height: number };

/** Scores from `min` (included) to `max` (excluded). */
export interface ScoreSpan {
  min: number;
  max: number;
}

const maxStep = 26;
const earthRadiusMeters = 6372797.560856;
const mercatorMaxMeters = 20037726.37;
const radiansPerDegree = Math.PI / 180;
const alphabet = "0123456789bcdefghjkmnpqrstuvwxyz";

/** A square of the grid with 2^step columns and rows. */
interface Cell {
  column: number;
  row: number;
  step: number;
}

/** The score of a position. Both coordinates must be within {@linkcode bounds}. */
export function encodeScore(longitude: number, latitude: number): number {
  const { column, row } = cellAt(longitude, latitude, maxStep, bounds.minLatitude, bounds.maxLatitude);
  return interleave(column, row, 0);
}

/** The middle of the cell that `score` names. Any score names one, as in Redis. */
export function decodeScore(score: number): Position {
  const whole = asUint64(score);
  const high = Math.floor(whole / 4294967296);
  const low = whole % 4294967296;
  const column = (gather(low >>> 1) | (gather(high >>> 1) << 16)) >>> 0;
  const row = (gather(low) | (gather(high) << 16)) >>> 0;
  const area = cellArea({ column, row, step: maxStep });
  return {
    longitude: clamp((area.west + area.east) / 2, bounds.minLongitude, bounds.maxLongitude),
    latitude: clamp((area.south + area.north) / 2, bounds.minLatitude, bounds.maxLatitude),
  };
}

/**
 * The 11 characters of the common geohash, whose rows reach to the poles; the last one is always 0.
 */
export function geohashText(position: Position): string {
  const { column, row } = cellAt(position.longitude, position.latitude, maxStep, -90, 90);
  let text = "";
  let digit = 0;
  for (let bit = 51; bit >= 2; bit--) {
    digit = digit * 2 + (((bit % 2 === 0 ? row : column) >>> (bit >> 1)) & 1);
    if ((bit - 2) % 5 === 0) {
      text += alphabet.charAt(digit);
      digit = 0;
    }
  }
  return text + "0";
}

/** Metres between two places along a great circle (haversine). */
export function distance(from: Position, to: Position): number {
  const v = Math.sin((to.longitude * radiansPerDegree - from.longitude * radiansPerDegree) / 2);
  if (v === 0) return latitudeDistance(from.latitude, to.latitude);
  const fromLatitude = from.latitude * radiansPerDegree;
  const toLatitude = to.latitude * radiansPerDegree;
  const u = Math.sin((toLatitude - fromLatitude) / 2);
  const a = u * u + Math.cos(fromLatitude) * Math.cos(toLatitude) * v * v;
  return 2.0 * earthRadiusMeters * Math.asin(Math.sqrt(a));
}

/** Metres from the shape's centre to `place`, or -1 when the place lies outside. */
export function distanceWithin(shape: Shape, place: Position): number {
  if (shape.kind === "circle") {
    const meters = distance(shape.center, place);
    return meters > shape.radius ? -1 : meters;
  }
  if (latitudeDistance(place.latitude, shape.center.latitude) > shape.height / 2) return -1;
  const level = { longitude: shape.center.longitude, latitude: place.latitude };
  if (distance(place, level) > shape.width / 2) return -1;
  return distance(shape.center, place);
}

/**
 * The ranges of scores that hold every place within the shape, in the order in which Redis visits
 * them (unsorted replies show it): the centre's square, then north, south, east, west and the
 * corners.
 */
export function searchSpans(shape: Shape): ScoreSpan[] {
  const box = boundingBox(shape);
  const center = coveringCell(shape, box);
  const spans = [scoreSpan(center)];
  let last: Cell | null = null;
  for (const neighbour of usefulNeighbours(center, box)) {
    // On a coarse grid opposite neighbours are the same square. Redis skips only what equals its
    // predecessor, and does not count the centre as one.
    if (last !== null && last.column === neighbour.column && last.row === neighbour.row) continue;
    spans.push(scoreSpan(neighbour));
    last = neighbour;
  }
  return spans;
}

interface Area {
  west: number;
  east: number;
  south: number;
  north: number;
}

/** A double converted to 64 bits as a C compiler for x86-64 does it, in range or not. */
function asUint64(value: number): number {
  if (value >= 2 ** 64) return 0;
  return value <= -(2 ** 63) ? 2 ** 63 : Math.trunc(value);
}

function clamp(value: number, min: number, max: number): number {
  return value > max ? max : value < min ? min : value;
}

function latitudeDistance(from: number, to: number): number {
  return earthRadiusMeters * Math.abs(to * radiansPerDegree - from * radiansPerDegree);
}

function cellAt(longitude: number, latitude: number, step: number, south: number, north: number): Cell {
  const cells = 2 ** step;
  return {
    column: Math.floor(
      (longitude - bounds.minLongitude) / (bounds.maxLongitude - bounds.minLongitude) * cells,
    ),
    row: Math.floor((latitude - south) / (north - south) * cells),
    step,
  };
}

function cellArea(cell: Cell): Area {
  const cells = 2 ** cell.step;
  const { minLongitude, minLatitude } = bounds;
  const width = bounds.maxLongitude - minLongitude;
  const height = bounds.maxLatitude - minLatitude;
  return {
    west: minLongitude + (cell.column / cells) * width,
    east: minLongitude + (((cell.column + 1) >>> 0) / cells) * width,
    south: minLatitude + (cell.row / cells) * height,
    north: minLatitude + (((cell.row + 1) >>> 0) / cells) * height,
  };
}

/** Moves bit i of a 16-bit number to bit 2i. */
function spread(bits: number): number {
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & 0x55555555;
}

/** The reverse of {@linkcode spread}: collects the even bits. */
function gather(bits: number): number {
  bits &= 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0x0000ffff;
}

/**
 * The interleaved bits plus `more`, rounded once: at 180° the column is 2^26, one too many, and the
 * number outgrows 2^53.
 */
function interleave(column: number, row: number, more: number): number {
  const low = (spread(row & 0xffff) | (spread(column & 0xffff) << 1)) >>> 0;
  const high = (spread(row >>> 16) | (spread(column >>> 16) << 1)) >>> 0;
  return high * 4294967296 + (low + more);
}

function scoreSpan(cell: Cell): ScoreSpan {
  const size = 2 ** (52 - cell.step * 2);
  return {
    min: interleave(cell.column, cell.row, 0) * size,
    max: interleave(cell.column, cell.row, 1) * size,
  };
}

function boundingBox(shape: Shape): Area {
  const { longitude, latitude } = shape.center;
  const halfHeight = shape.kind === "circle" ? shape.radius : shape.height / 2;
  const halfWidth = shape.kind === "circle" ? shape.radius : shape.width / 2;
  const latitudeDelta = halfHeight / earthRadiusMeters / radiansPerDegree;
  // Degrees are shortest in the edge nearer to a pole; Redis takes the edge on the far side of the
  // centre as seen from the equator.
  const edge = latitude < 0 ? latitude - latitudeDelta : latitude + latitudeDelta;
  const longitudeDelta = halfWidth / earthRadiusMeters / Math.cos(edge * radiansPerDegree) / radiansPerDegree;
  return {
    west: longitude - longitudeDelta,
    east: longitude + longitudeDelta,
    south: latitude - latitudeDelta,
    north: latitude + latitudeDelta,
  };
}

/** The finest grid on which nine squares cover a circle. */
function estimateStep(radiusMeters: number, latitude: number): number {
  if (radiusMeters === 0) return maxStep;
  let step = -1;
  for (let meters = radiusMeters; meters < mercatorMaxMeters; meters *= 2) step++;
  // Towards the poles a square is narrower.
  if (latitude > 66 || latitude < -66) step--;
  if (latitude > 80 || latitude < -80) step--;
  return clamp(step, 1, maxStep);
}

/**
 * The square that holds the centre, on a grid coarse enough for its neighbours to cover the box.
 */
function coveringCell(shape: Shape, box: Area): Cell {
  const { longitude, latitude } = shape.center;
  const radius = shape.kind === "circle"
    ? shape.radius
    : Math.sqrt((shape.width / 2) * (shape.width / 2) + (shape.height / 2) * (shape.height / 2));
  const step = estimateStep(radius, latitude);
  const cell = cellAt(longitude, latitude, step, bounds.minLatitude, bounds.maxLatitude);
  const tooFine = cellArea(moved(cell, 0, 1)).north < box.north ||
    cellArea(moved(cell, 0, -1)).south > box.south ||
    cellArea(moved(cell, 1, 0)).east < box.east ||
    cellArea(moved(cell, -1, 0)).west > box.west;
  if (step === 1 || !tooFine) return cell;
  return cellAt(longitude, latitude, step - 1, bounds.minLatitude, bounds.maxLatitude);
}

/** The cell `columns` and `rows` away, wrapping round the world. */
function moved(cell: Cell, columns: number, rows: number): Cell {
  const cells = 2 ** cell.step;
  return {
    column: columns === 0 ? cell.column : (cell.column + columns + cells) % cells,
    row: rows === 0 ? cell.row : (cell.row + rows + cells) % cells,
    step: cell.step,
  };
}

/**
 * North, south, east, west and the corners, without those on a side that the box does not reach.
 */
function usefulNeighbours(center: Cell, box: Area): Cell[] {
  const area = cellArea(center);
  const fine = center.step >= 2;
  const north = !(fine && area.north > box.north), south = !(fine && area.south < box.south);
  const east = !(fine && area.east > box.east), west = !(fine && area.west < box.west);
  const cells: Cell[] = [];
  if (north) cells.push(moved(center, 0, 1));
  if (south) cells.push(moved(center, 0, -1));
  if (east) cells.push(moved(center, 1, 0));
  if (west) cells.push(moved(center, -1, 0));
  if (north && east) cells.push(moved(center, 1, 1));
  if (north && west) cells.push(moved(center, -1, 1));
  if (south && east) cells.push(moved(center, 1, -1));
  if (south && west) cells.push(moved(center, -1, -1));
  return cells;
}
