import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { runMad } from '../src/index.ts';
import { mad } from './mad-process.ts';

test.each([
  [
    'no url',
    ['migrate', 'metadata'],
    /^mad: --url: expected a URL of PostgreSQL here or in MAD_DATABASE_URL, .*got neither\n$/,
  ],
  ['what is no url', ['migrate', 'metadata', '--url', 'localhost'], /^mad: --url: .*got something that is no URL\n$/],
  ['a url of something else', ['migrate', 'status', '--url', 'mysql://u:hush@h/d'], /^mad: --url: .*got mysql:\n$/],
  [
    'a url without a database',
    ['migrate', 'status', '--url', 'postgresql://u:hush@h'],
    /^mad: --url: .*got no database name.*\n$/,
  ],
  [
    'no uuid for an organization',
    ['migrate', 'results', '--url', 'postgresql://h/d', '--org', 'acme'],
    /^mad: --org: expected the uuid .*got "acme"\n$/,
  ],
  [
    "a schema of PostgreSQL's own",
    ['migrate', 'results', '--url', 'postgresql://h/d', '--schema', 'pg_x'],
    /^mad: --schema: .*got "pg_x"\n$/,
  ],
  [
    'a schema name that would be cut',
    ['migrate', 'results', '--url', 'postgresql://h/d', '--schema', 'ä'.repeat(32)],
    /^mad: --schema: .*63 bytes/,
  ],
  [
    'a misspelt option',
    ['migrate', 'status', '--urll=postgresql://u:hush@h/d'],
    /^mad: unknown option '--urll=postgresql:\/\/u:\*\*\*@h\/d'\n$/,
  ],
  [
    'an argument too many',
    ['migrate', 'status', 'postgresql://u:hush@h/d'],
    /^mad: too many arguments .*u:\*\*\*@h\/d.*\n$/,
  ],
  ['an unknown command', ['migrat'], /^mad: unknown command 'migrat'.*\n$/],
])('%s: one line, exit code 2', async (_, args, line) => {
  const printed = { out: '', err: '' };
  const code = await runMad(args, {
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
  expect(printed.err).not.toContain('hush');
});

test('the process ends with that exit code', async () => {
  expect(await mad(['migrate', 'status'])).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringMatching(/^mad: --url: /),
  });
});

test('a port where nothing listens is one line with the next step, without the password', async () => {
  const run = await mad(['migrate', 'metadata', '--url', `postgresql://u:hush-hush@127.0.0.1:${await freePort()}/d`]);
  expect(run).toMatchObject({ code: 1, out: '' });
  expect(run.err).toMatch(/^mad: nothing answers at 127\.0\.0\.1:\d+: start the PostgreSQL server, or correct .*\n$/);
  expect(run.err).not.toContain('hush');
});

test('help and version are answers: stdout, exit code 0', async () => {
  expect(await mad(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+/), err: '' });
  expect(await mad(['migrate', 'results', '--help'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('--dry-run'),
    err: '',
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
