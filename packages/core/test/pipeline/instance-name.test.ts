import { expect, test } from 'vitest';
import { instanceName, parseInstanceName } from '../../src/pipeline/instance-name.ts';

test('a name made of a step and a key is taken apart again', () => {
  expect(instanceName('dock')).toBe('dock');
  expect(instanceName('dock', 'lig.1_a-B')).toBe('dock[lig.1_a-B]');
  expect(parseInstanceName('dock')).toStrictEqual({ step: 'dock' });
  expect(parseInstanceName('dock[lig.1_a-B]')).toStrictEqual({ step: 'dock', key: 'lig.1_a-B' });
});

test.each([
  '',
  'Dock',
  'dock[]',
  'dock[a',
  'dock[a]b',
  'dock[a][b]',
  'dock[a b]',
  'dock\n',
  '*',
  `dock[${'x'.repeat(101)}]`,
])('%j is no step instance', (name) => {
  expect(() => parseInstanceName(name)).toThrow(/expected the name of a step/);
});
