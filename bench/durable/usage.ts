import { readFileSync } from 'node:fs';
import { listChildren } from '@mad/testkit';
import type { Client } from 'pg';

/** What was used up to now, by this process and by the servers it talks to; the difference of two is what was used in between. */
export interface Usage {
  readonly processCpuMs: number;
  readonly serverCpuMs: number;
  readonly walBytes: number;
  readonly statements: number;
}

export interface Servers {
  /** A connection to another database of the server, so that it is not counted itself. */
  readonly control: Client;
  /** The database whose statements count. */
  readonly database: string;
  readonly postmaster: number;
  readonly redis?: number | undefined;
}

// The kernel's unit of times in /proc, on every Linux of today.
const TICK_MS = 10;

export async function readUsage({ control, database, postmaster, redis }: Servers): Promise<Usage> {
  const { rows } = await control.query(
    `select pg_current_wal_lsn() - '0/0' as wal,
      (select coalesce(sum(calls), 0) from pg_stat_statements s join pg_database d on d.oid = s.dbid where datname = $1) as statements`,
    [database],
  );
  const { user, system } = process.cpuUsage();
  return {
    processCpuMs: (user + system) / 1000,
    serverCpuMs: cpuOfServer(postmaster) + (redis === undefined ? 0 : cpuOf(redis).own),
    walBytes: Number(rows[0].wal),
    statements: Number(rows[0].statements),
  };
}

export function since(before: Usage, after: Usage): Usage {
  return {
    processCpuMs: after.processCpuMs - before.processCpuMs,
    serverCpuMs: after.serverCpuMs - before.serverCpuMs,
    walBytes: after.walBytes - before.walBytes,
    statements: after.statements - before.statements,
  };
}

/** The postmaster, its living children, and those that it has seen end. */
function cpuOfServer(postmaster: number): number {
  const { own, ended } = cpuOf(postmaster);
  return listChildren(postmaster).reduce((sum, { pid }) => sum + cpuOf(pid).own, own + ended);
}

function cpuOf(pid: number): { own: number; ended: number } {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
      .map(Number);
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
    return { own: (user + system) * TICK_MS, ended: (endedUser + endedSystem) * TICK_MS };
  } catch {
    return { own: 0, ended: 0 };
  }
}

/** The parent of a server process. */
export function parentOf(pid: number): number {
  return Number(
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')[1],
  );
}
