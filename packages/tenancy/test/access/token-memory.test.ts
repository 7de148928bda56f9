import { newId } from '@mad/core';
import { expect, test } from 'vitest';
import { createTokenMemory } from '../../src/index.ts';

const principal = { orgId: newId(), userId: newId(), permissions: new Set<string>(), roles: [] };

test('a token is remembered for as long as it holds, and for five seconds at most', () => {
  const memory = createTokenMemory({ rememberMs: 60_000 });
  const remembers = (provenMsAgo: number, validMs: number) => {
    memory.keep('bearer', principal, { provenAt: performance.now() - provenMsAgo, validMs });
    return memory.find('bearer') === principal;
  };
  expect(remembers(0, 60_000)).toBe(true);
  expect(remembers(4_000, 60_000)).toBe(true);
  expect(remembers(5_000, 60_000)).toBe(false);
  expect(remembers(100, 50)).toBe(false);
  expect(memory.find('another')).toBeUndefined();
});
