import { startPostgresServer } from '@mad/testkit';
import { Client } from 'pg';

// The same for all. Durable: every commit waits for the disk. Nothing else is loosened either; the rest keeps checkpoints and the planner's
// compiler out of runs that take seconds.
const SETTINGS = [
  'fsync=on',
  'synchronous_commit=on',
  'full_page_writes=on',
  'max_connections=300',
  'shared_buffers=1GB',
  'max_wal_size=8GB',
  'checkpoint_timeout=60min',
  'jit=off',
  'shared_preload_libraries=pg_stat_statements',
];

export interface BenchServer extends AsyncDisposable {
  url(database?: string): string;
  /** A new database, empty or a copy; returns its URL. An older one of the name goes. */
  create(name: string, template?: string): Promise<string>;
  drop(name: string): Promise<void>;
  /** Milliseconds of one small commit, the median of many: what the disk takes, and the way there. */
  readonly commitMs: number;
  readonly version: string;
}

/** A PostgreSQL server of its own that really waits for the disk, gone with this process. @throws when it would not. */
export async function startBenchServer(): Promise<BenchServer> {
  const server = await startPostgresServer({ settings: SETTINGS });
  const admin = new Client({ connectionString: server.url() });
  await admin.connect();
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    const { rows } = await admin.query('select current_setting($1) as value', [setting]);
    if (rows[0].value !== 'on')
      throw new Error(`the server runs with ${setting}=${rows[0].value}: its figures would be of no worth`);
  }
  await admin.query('create extension pg_stat_statements');
  const drop = async (name: string): Promise<void> =>
    void (await admin.query(`drop database if exists ${name} with (force)`));
  return {
    url: server.url,
    drop,
    async create(name, template = 'template0') {
      await drop(name);
      await admin.query(`create database ${name} template ${template} strategy file_copy`);
      return server.url(name);
    },
    commitMs: await measureCommit(admin),
    version: (await admin.query('show server_version')).rows[0].server_version,
    async [Symbol.asyncDispose]() {
      await admin.end();
      // The server's process does not keep this one alive.
      const alive = setInterval(() => {}, 1_000);
      await server[Symbol.asyncDispose]();
      clearInterval(alive);
    },
  };
}

async function measureCommit(client: Client): Promise<number> {
  await client.query('create table commits (at bigint)');
  const times: number[] = [];
  for (let at = 0; at < 300; at++) {
    const before = performance.now();
    await client.query('insert into commits values ($1)', [at]);
    times.push(performance.now() - before);
  }
  await client.query('drop table commits');
  return times.sort((a, b) => a - b)[150] ?? 0;
}
