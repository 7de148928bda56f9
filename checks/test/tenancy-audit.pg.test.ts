import { expect, test } from 'vitest';
import { auditCheck } from '../tenancy/audit.ts';

test('one row of a trail that its superuser tampered with is found and named, in each way', async () => {
  const printed: string[] = [];
  const { passed, line } = await auditCheck.run('small', (text) => void printed.push(text));
  expect({ passed, said: [line, ...printed] }).toMatchObject({ passed: true });
  expect(line).toMatch(/^audit 8\/8 ways .* of 600 rows found and named; 12\/12 /);
}, 120_000);
