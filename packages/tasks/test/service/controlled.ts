import { setTimeout } from 'node:timers/promises';
import { defineOperation, type Operation } from '@mad/tasks/service';
import { expect } from 'vitest';
import { z } from 'zod';

export interface Controlled {
  readonly operation: Operation;
  readonly seen: { begun: number; aborted: number };
  /** Lets every execution end. */
  readonly open: () => void;
}

/** An operation whose executions end when the test lets them, and that counts them. */
export function controlled(longRunning: boolean): Controlled {
  const gate = Promise.withResolvers<void>();
  const seen = { begun: 0, aborted: 0 };
  const operation = defineOperation({
    taskKey: 'controlled',
    version: '1.0.0',
    title: 'Controlled',
    description: '',
    determinism: 'external',
    longRunning,
    request: z.object({ n: z.int().default(0) }),
    response: z.object({ run: z.int() }),
    async run(_, { signal }) {
      const run = ++seen.begun;
      signal.addEventListener('abort', () => seen.aborted++);
      await Promise.race([
        gate.promise,
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ]);
      return { run };
    },
  });
  return { operation, seen, open: gate.resolve };
}

export async function until(condition: () => boolean): Promise<void> {
  for (let step = 0; !condition() && step < 500; step++) await setTimeout(5);
  expect(condition()).toBe(true);
}
