import type { JsonObject, JsonValue } from '@mad/core';

/** Numbers 0 ≤ x < 1 that come the same every time (mulberry32). */
export function createDraw(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const draw = createDraw(4);

function drawValue(depth: number): JsonValue {
  const kind = draw();
  if (depth > 0 && kind < 0.5) return drawObject(depth - 1);
  if (depth > 0 && kind < 0.7) return Array.from({ length: 2 + Math.floor(draw() * 6) }, () => drawValue(depth - 1));
  return (
    [Math.floor(draw() * 1e6), draw() < 0.5, `word ${Math.floor(draw() * 1e6)}`, null][Math.floor(draw() * 4)] ?? null
  );
}

// Never fewer than two, so that one that is left out leaves a part behind.
function drawObject(depth: number): JsonObject {
  const names = Array.from({ length: 2 + Math.floor(draw() * 4) }, (_, index) => `${'abcdef'[index]}${depth}`);
  return Object.fromEntries(names.map((name) => [name, drawValue(depth)]));
}

/** A part of the parameters with many places, drawn once and for all. */
export const PAYLOAD: JsonObject = { deep: drawObject(5), wide: drawObject(2) };
