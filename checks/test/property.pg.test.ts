import { expect, test } from 'vitest';
import { propertyCheck } from '../executor/property.ts';

test('random pipelines under failures, cancels and crashes do what an interpreter of their spec says, once and in order', async () => {
  const { passed, line } = await propertyCheck.run('small', () => {});
  expect(line).toMatch(/^property 25 cases held/);
  expect(passed).toBe(true);
}, 180_000);
