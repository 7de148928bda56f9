import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runMad } from '../src/index.ts';
import { mad } from './mad-process.ts';

test.each([
  [
    'no url',
    ['migrate', 'metadata'],
    /^mad: --url: expected a URL of PostgreSQL here or in MAD_DATABASE_URL, .*got none\n$/,
  ],
  ['an empty url', ['migrate', 'status', '--url', ''], /^mad: --url: expected .*, got an empty text\n$/],
  ['what is no url', ['migrate', 'metadata', '--url', 'localhost'], /^mad: --url: .*got something that is no URL\n$/],
  [
    'a url of something else',
    ['migrate', 'status', '--url', 'mysql://u:hush@h/d'],
    /^mad: --url: .*got a URL of something else\n$/,
  ],
  [
    'a url without a database',
    ['migrate', 'status', '--url', 'postgresql://u:hush@h'],
    /^mad: --url: .*got no database name.*\n$/,
  ],
  [
    'a password with a slash',
    ['migrate', 'status', '--url', 'postgresql://u:12/S3CRET@h/d'],
    /^mad: --url: .*got a database name with an at sign .*\n$/,
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
  ...['information_schema', 'Information_Schema', 'pg_catalog', 'PG_TOAST'].flatMap((schema) =>
    ['results', 'status'].map((command): [string, string[], RegExp] => [
      `${command} in ${schema}`,
      ['migrate', command, '--url', 'postgresql://h/d', '--schema', schema],
      /^mad: --schema: expected [^\n]*\n$/,
    ]),
  ),
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
    /^mad: too many arguments [^\n]* a URL goes into --url\n$/,
  ],
  [
    'a password with a space in a misspelt option',
    ['migrate', 'metadata', '--urll=postgresql://u:S3CR ET@h/db'],
    /^mad: unknown option '--urll=postgresql:\/\/u:\*\*\*@h\/db'\n$/,
  ],
  [
    'a password of several @ and colons',
    ['migrate', 'metadata', '--urll=other+scheme://me@corp:S3CR@ET:hush@h/db'],
    /^mad: unknown option '--urll=other\+scheme:\/\/me@corp:\*\*\*@h\/db'\n$/,
  ],
  [
    'a password among the parameters',
    ['migrate', 'metadata', '--urll=postgresql://h/db?sslpassword=S3CR ET&x=1'],
    /^mad: unknown option '--urll=postgresql:\/\/h\/db\?sslpassword=\*\*\*&x=1'\n$/,
  ],
  ['a password without a scheme', ['migrate', 'metadata', '--urll=u:S3CR ET@h/db'], /^mad: unknown option .*\n$/],
  ['a url for a command', ['migrate', 'postgresql://u:S3CR ET@h/db'], /^mad: .*--url\n$/],
  ['a url of something else for a command', ['migrate', 'mysql://u:S3CRET@x/db'], /^mad: .*--url\n$/],
  ['a url first of all', ['postgresql://u:S3CR ET@h/db'], /^mad: .*--url\n$/],
  ['the second half of a url for a command', ['migrate', 'S3CRET@h/db'], /^mad: .*--url\n$/],
  ['a url for an argument', ['migrate', 'metadata', 'postgresql://u:S3CR ET@h/db'], /^mad: too many .*--url\n$/],
  [
    'a url that the shell parted',
    ['migrate', 'metadata', '--url', 'postgresql://u:S3CR', 'S3CRET@h/db'],
    /^mad: too many .*--url\n$/,
  ],
  ['a password for a scheme', ['migrate', 'metadata', '--url', 'S3CRET:x@host/db'], /^mad: --url: .*something else\n$/],
  [
    'a password for an organization',
    ['migrate', 'results', '--url', 'postgresql://h/d', '--org', 'postgresql://u:S3CR ET@h/d'],
    /^mad: --org: .*got "postgresql:\/\/u:\*\*\*@h\/d"\n$/,
  ],
  ...(
    [
      ['no name', ['postgresql://u:S3CRET@h/d?x=1']],
      ['no url', ['main=localhost']],
      ['a password with a slash', ['main=postgresql://u:12/S3CRET@h/d']],
      ['a url that the shell parted', ['main=postgresql://u:S3CR', 'ET@h/d']],
      ['a badly escaped name', ['main=postgresql://u:S3CRET@h/%zz']],
    ] as const
  ).map(([name, clusters]): [string, string[], RegExp] => [
    `a cluster with ${name}`,
    ['doctor', '--url', 'postgresql://h/d', '--cluster', ...clusters],
    /^mad: --cluster: expected [^\n]*\n$/,
  ]),
  ['doctor without a url', ['doctor'], /^mad: --url: expected .*got none\n$/],
  [
    'a word behind the clusters',
    ['org', 'move', '--cluster', 'main=postgresql://u:hush@h/d', 'acme'],
    /^mad: --cluster: expected name=url for each word behind it, got "acme": put what is no cluster before --cluster\n$/,
  ],
  [
    'what is no permission',
    ['token', 'create', 'x', '--scope', 'job.creat'],
    /^mad: --scope: .*got "job\.creat", .*\n$/,
  ],
  [
    'a name behind the permissions',
    ['token', 'create', '--scope', 'job.view', 'nightly'],
    /^mad: --scope: .*got "nightly", which is none; put what is no permission before --scope\n$/,
  ],
  [
    'a page too long',
    ['org', 'list', '--limit', '501'],
    /^mad: --limit: expected a whole number from 1 to 500, got "501"\n$/,
  ],
  [
    'half a gigabyte too little',
    ['org', 'quota', 'x', '--storage-gb', '-1'],
    /^mad: --storage-gb: expected a number of 0 or more, or none, got "-1"\n$/,
  ],
  [
    'half a job',
    ['org', 'quota', 'x', '--concurrent', '1.5'],
    /^mad: --concurrent: expected a whole number .*got "1\.5"\n$/,
  ],
  [
    'a folder of artifacts that is not there',
    ['doctor', '--url', 'postgresql://h/d', '--artifacts', '/nowhere/at/all'],
    /^mad: --artifacts: expected the folder of a local store, got "\/nowhere\/at\/all", where there is nothing; make the folder if the store is new\n$/,
  ],
  [
    'a file for a folder of artifacts',
    ['doctor', '--url', 'postgresql://h/d', '--artifacts', fileURLToPath(import.meta.url)],
    /^mad: --artifacts: .*, where there is something else\n$/,
  ],
  ['a service without a url', ['service', 'check'], /^mad: missing required argument 'url'\n$/],
  ['a service that is no url', ['service', 'check', 'localhost:1'], /^mad: URL: expected .*got "localhost:1"\n$/],
  [
    'a service with a password',
    ['service', 'check', 'http://u:S3CR ET@127.0.0.1:1'],
    /^mad: URL: expected .* without user and query, got "http:\/\/u:\*\*\*@127\.0\.0\.1:1"\n$/,
  ],
  ['two services', ['service', 'check', 'http://h', 'http://u:S3CRET@h'], /^mad: too many arguments for 'check'.*\n$/],
  ['a service behind no command', ['service', 'http://u:S3CRET@h'], /^mad: .* behind service check, .*--url\n$/],
  ...['0', '-1', 'soon', '1e9'].map((timeout): [string, string[], RegExp] => [
    `a timeout of ${timeout}`,
    ['service', 'check', 'http://127.0.0.1:1', `--timeout=${timeout}`],
    /^mad: --timeout: expected seconds, .*\n$/,
  ]),
  [
    'a document that is not there',
    ['service', 'check', 'http://127.0.0.1:1', '--document', '/nowhere/at/all'],
    /^mad: --document: expected a file or the URL .*got "\/nowhere\/at\/all", which cannot be read\n$/,
  ],
  [
    'a request that is no JSON',
    ['service', 'check', 'http://127.0.0.1:1', '--request', fileURLToPath(import.meta.url)],
    /^mad: --request: expected a file with one JSON object, got .*, which is no JSON\n$/,
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
  expect(printed.err).not.toMatch(/hush|S3CR|ET@/i);
});

test.each([
  ['an option of ours', ['migrate', 'status', '--json'], /^--url: expected .*got none$/, { option: '--url' }],
  ['an argument too few', ['org', 'show', '--json'], /^missing required argument 'org'$/, {}],
  [
    'a misspelt option',
    ['org', 'list', '--json', '--urll=postgresql://u:hush@h/d'],
    /^unknown option '--urll=.*'$/,
    {},
  ],
  ['no command', ['org', '--json'], /./, {}],
])('%s with --json: one line of JSON, exit code 2', async (...[, args, message, details]) => {
  const run = await mad(args);
  expect(run).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/^[^\n]+\n$/) });
  expect(run.err).not.toContain('hush');
  expect(JSON.parse(run.err)).toEqual({
    error: { code: 'MAD_CLI_USAGE', message: expect.stringMatching(message), details },
  });
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

test('a wrong password is one line with the next step', async () => {
  const fields = ['SFATAL', 'C28P01', 'Mpassword authentication failed for user "u"'];
  const body = Buffer.from(`${fields.map((field) => `${field}\0`).join('')}\0`);
  const head = Buffer.alloc(5, 'E');
  head.writeInt32BE(body.length + 4, 1);
  // Answers the first message of a client as PostgreSQL answers a wrong password.
  const server = createServer((socket) => socket.once('data', () => socket.end(Buffer.concat([head, body]))));
  const url = `postgresql://u:hush-hush@127.0.0.1:${await listen(server)}/d`;
  try {
    const run = await mad(['migrate', 'status', '--url', url]);
    expect(run).toMatchObject({ code: 1, out: '' });
    expect(run.err).toMatch(/^mad: 127\.0\.0\.1:\d+ refused the user u \(.*\): correct user and password of --url\n$/);
    expect(run.err).not.toContain('hush');
  } finally {
    server.close();
  }
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
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
