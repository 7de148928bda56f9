import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runMad } from '../../src/index.ts';

const key = '0'.repeat(64);
const PLAN = ['plan', '--request', join(import.meta.dirname, '../../package.json'), '--artifacts', '.'];

test.each([
  ['no organization', ['list', '--url', 'postgresql://h/d'], /^mad: --org: expected the uuid .*got none\n$/],
  ['no url', ['stats'], /^mad: --url: expected .*got none\n$/],
  ['no key', ['pin'], /^mad: missing required argument 'key'\n$/],
  ['too few digits of a key', ['pin', 'abcdef0'], /^mad: KEY: expected a key .* 8 hex.* more, got "abcdef0"\n$/],
  ['too many digits of a key', ['show', `${key}0`], /^mad: KEY: expected a key .*\n$/],
  [
    'what is no share',
    [...PLAN, '--min-confidence', '1.5'],
    /^mad: --min-confidence: expected a number .*got "1.5"\n$/,
  ],
  ['what is no state', ['list', '--state', 'good'], /^mad: --state: expected one of served, .*got "good"\n$/],
  ['what is no number', ['list', '--limit', '0'], /^mad: --limit: expected a whole number .*got "0"\n$/],
  ['a time without an offset', ['stats', '--since', '2030-01-01T00:00'], /^mad: --since: expected a time .*\n$/],
  ['a day that is not there', ['expire', key, '--at', '2030-13-01T00:00Z'], /^mad: --at: expected a time .*\n$/],
  ['two ways to expire', ['expire', key, '--never', '--sliding', '3d'], /^mad: --at: .*got several of them\n$/],
  ['no way to expire', ['expire', key], /^mad: --at: expected either .*got none of them\n$/],
  ['what is no duration', ['gc', '--artifacts', '.', '--grace', '24'], /^mad: --grace: expected a duration .*\n$/],
  ['what are no bytes', ['evict', '--max-bytes', '5 GB'], /^mad: --max-bytes: expected bytes, .*got "5 GB"\n$/],
  ['no bytes', ['evict'], /^mad: --max-bytes: expected bytes, .*got none\n$/],
  ['nothing to invalidate', ['invalidate', '--reason', 'x'], /^mad: mad cache: expected at least one of KEY, .*\n$/],
  ['nothing to disown', ['disown', '--dry-run'], /^mad: mad cache: expected at least one of KEY, .*\n$/],
  ['what is no job', ['explain', 'job-1'], /^mad: JOB: expected the uuid of a job, got "job-1"\n$/],
  ['no request', ['plan'], /^mad: --request: expected a file .*got none\n$/],
])('%s: one line, exit code 2', async (_, args, line) => {
  const printed = { out: '', err: '' };
  const code = await runMad(['cache', ...args], {
    env: {},
    out: (text) => {
      printed.out += text;
    },
    err: (text) => {
      printed.err += text;
    },
  });
  expect({ code, out: printed.out }).toEqual({ code: 2, out: '' });
  expect(printed.err).toMatch(line);
});
