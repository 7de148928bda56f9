import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { findPostgresBinaries } from './postgres-binaries.ts';

export interface PostgresServerOptions {
  /** Extra `name=value` settings of postgresql.conf. */
  readonly settings?: readonly string[];
}

export interface PostgresServer extends AsyncDisposable {
  /** Connection string of a database on this server, by its unix socket. @default database 'postgres' */
  url(database?: string): string;
  /**
   * Stops the server and starts it again on its files. `fast` breaks its connections off and writes everything down; `immediate` is a crash, after which
   * it recovers from its log. Resolves when it takes connections again.
   */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
}

/** What `pg_ctl` sends for each mode. */
const SIGNALS = { fast: 'INT', immediate: 'QUIT' } as const;
const RESTARTS_WITHIN_MS = 60_000;

// `nobody`: PostgreSQL refuses to run as root.
const UNPRIVILEGED = 65534;

/** A fresh PostgreSQL server on a unix socket of its own. It dies with this process, SIGKILL included, and leaves no files. */
export async function startPostgresServer({ settings = [] }: PostgresServerOptions = {}): Promise<PostgresServer> {
  const binaries = await findPostgresBinaries();
  const home = await mkdtemp(join(tmpdir(), 'mad-pg-'));
  const data = join(home, 'data');
  await mkdir(data, { mode: 0o700 });
  const asRoot = process.getuid?.() === 0;
  const user = asRoot ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
  if (asRoot) for (const folder of [home, data]) await chown(folder, UNPRIVILEGED, UNPRIVILEGED);
  await chmod(home, 0o755);

  await promisify(execFile)(
    join(binaries, 'bin/initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...user, cwd: home },
  );
  // The shell restarts the server by the signals that our pipe names, until its end, which comes however this process ends. Then it takes the server
  // and its files down.
  const flags = [
    'listen_addresses=',
    `unix_socket_directories=${home}`,
    'fsync=off',
    'max_connections=100',
    ...settings,
  ].map((setting) => `-c '${setting}'`);
  const keeper = spawn(
    'sh',
    [
      '-c',
      `serve() { "$0/bin/postgres" -D "$home/data" ${flags.join(' ')} >>"$home/log" 2>&1 & }
      home="$1"; serve; while read signal; do kill -$signal $!; wait $!; serve; done; kill -QUIT $!; wait $!; rm -rf "$home"`,
      binaries,
      home,
    ],
    {
      ...user,
      cwd: home,
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    },
  );
  keeper.unref();
  const url = (database = 'postgres') => `postgresql://postgres@${encodeURIComponent(home)}/${database}`;
  await untilReady(url(), keeper);
  return {
    url,
    async restart(mode) {
      const before = await findStart(url());
      keeper.stdin?.write(`${SIGNALS[mode]}\n`);
      // The server that is to go may still answer.
      const deadline = performance.now() + RESTARTS_WITHIN_MS;
      for (let start: unknown; !start || start === before; await setTimeout(20))
        start = await findStart(url()).catch((error: unknown) => {
          if (performance.now() > deadline) throw error;
        });
    },
    async [Symbol.asyncDispose]() {
      // Else a program that has nothing left to do would end here, before the server has.
      keeper.ref();
      keeper.stdin?.end();
      if (keeper.exitCode === null) await once(keeper, 'exit');
    },
  };
}

/** When the server that answers was started. */
async function findStart(connectionString: string): Promise<string> {
  const client = new Client({ connectionString });
  // Told of a connection that breaks between two statements, which would otherwise end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ start: string }>('select pg_postmaster_start_time()::text as start');
    return rows[0]?.start ?? '';
  } finally {
    await client.end().catch(() => {});
  }
}

async function untilReady(connectionString: string, keeper: ChildProcess): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const client = new Client({ connectionString });
    try {
      await client.connect();
      return await client.end();
    } catch (error) {
      if (attempt === 600 || keeper.exitCode !== null) throw error;
      await setTimeout(50);
    }
  }
}
