import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { createPostgresDatabase, startPostgresServer } from '../src/index.ts';

test('a server dies and leaves no files when the process that started it is killed', async () => {
  const script = `import { startPostgresServer } from ${JSON.stringify(fileURLToPath(import.meta.resolve('../src/index.ts')))};
    const server = await startPostgresServer(); console.log(server.url()); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: dirname(fileURLToPath(import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const connectionString = String(line).trim();
  const folder = decodeURIComponent(connectionString.split('@')[1]?.split('/')[0] ?? '');
  const client = new Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  expect(existsSync(join(folder, 'data'))).toBe(true);
  child.kill('SIGKILL');
  for (let i = 0; i < 100 && existsSync(folder); i++) await setTimeout(50);
  expect(existsSync(folder)).toBe(false);
  await expect(new Client({ connectionString }).connect()).rejects.toThrow();
});

test.each(['fast', 'immediate'] as const)(
  'a server that is restarted (%s) breaks connections off and keeps what was committed',
  async (mode) => {
    await using server = await startPostgresServer({ settings: ['fsync=on'] });
    const connectionString = server.url();
    const before = new Client({ connectionString });
    const broken = once(before, 'error');
    before.on('error', () => {});
    await before.connect();
    await before.query('create table t as select 1 as a');
    await server.restart(mode);
    await broken;
    const after = new Client({ connectionString });
    await after.connect();
    expect((await after.query('select a from t')).rows).toEqual([{ a: 1 }]);
    await after.end();
  },
);

test('each test database is a clone of its template', async () => {
  let fills = 0;
  const template = {
    name: 'testkit_clone',
    fill: async (db: Kysely<unknown>) => {
      fills++;
      await sql`create table t (a int)`.execute(db);
    },
  };
  await using one = await createPostgresDatabase(template);
  await using two = await createPostgresDatabase(template);
  await sql`insert into t values (1)`.execute(one.db);
  expect((await sql`select * from t`.execute(two.db)).rows).toEqual([]);
  expect(fills).toBe(1);
});
